//go:build failpoints

package engine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// reached counts how often the failpoint of FLOWFORGE_FAILPOINT was reached.
var reached atomic.Int64

// failpoint kills the process, as kill -9 does, where FLOWFORGE_FAILPOINT is "name" or "name:n" and the place of
// that name is reached for the n-th time.
func failpoint(name string) {
	wanted, count, _ := strings.Cut(os.Getenv("FLOWFORGE_FAILPOINT"), ":")
	if wanted != name {
		return
	}
	at, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		at = 1
	}
	if reached.Add(1) == at {
		fmt.Fprintln(os.Stderr, "failpoint", name)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
