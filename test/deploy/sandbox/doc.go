// Package sandbox runs a process the way a container runtime does, for tests of images and pods without a
// container engine: its own root directory, with what a pod mounts in its place, a read-only root, capabilities taken
// away, a limit of memory, and a network that it shares with the test alone.
//
//	func TestMain(m *testing.M) { sandbox.Enter(); os.Exit(m.Run()) }
//
//	n := sandbox.NewNetwork(t)             loopback only; every port is free
//	n.Do(func() { endpoint = start() })    listens there
//	p := sandbox.Start(t, sandbox.Container{Root: root, Network: n, Args: args, Env: env, Mounts: mounts})
//
// It needs root and skips a test that has not. It makes neither a process namespace nor a seccomp filter.
package sandbox
