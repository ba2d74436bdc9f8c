// Package kubernetes tests what runs on a cluster: deploy/kubernetes, rendered by kustomize's own library, and
// deploy/helm, rendered by Helm's with the chart of Fluent Bit where HELM_CHART names its directory.
//
// Each object is decoded strictly into the types of the Kubernetes API and looked over as an API server and a scheduler
// would. Then the pod runs, as a kubelet would run it, in the sandbox: the image that the Dockerfile makes, with the
// pod's volumes, environment, limits and privileges and nothing changed, on log files as a kubelet lays them out, with
// an API server that grants what the rendered roles grant, and the local endpoint in SLS's place.
package kubernetes
