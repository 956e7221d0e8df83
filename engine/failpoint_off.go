//go:build !failpoints

package engine

// failpoint is a place where a test may end the process, see failpoint_on.go; without the build tag it is nothing.
func failpoint(string) {}
