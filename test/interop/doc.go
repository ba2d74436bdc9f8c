// Package interop holds two promises of the documents to account: that every configuration of docs/migrate.md works, and,
// with the build tag interop (make test-interop), that the clients of docs/tools.md write to the local SLS
// endpoint with the settings that Alibaba documents for them.
package interop
