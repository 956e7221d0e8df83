package code

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// limitProcess bounds the data of the process above what it has now, forbids core dumps and writing files.
// RLIMIT_AS would count the address space that the Go runtime reserves without using it.
func limitProcess(memory int64) {
	const (
		rlimitData = 2
		slack      = 48 << 20 // for the collector and what else is not the script's
	)
	set := func(resource int, limit uint64) {
		// What cannot be bounded here is watched; see watch.
		_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit})
	}
	set(syscall.RLIMIT_CORE, 0)
	set(syscall.RLIMIT_FSIZE, 0)
	if used, ok := dataSize(); ok {
		set(rlimitData, used+uint64(memory)*2+slack) //nolint:gosec // Positive.
	}
}

// dataSize gives the size of the process's data, in bytes (proc(5): VmData, in kB).
func dataSize() (uint64, bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, after, found := bytes.Cut(status, []byte("VmData:"))
	fields := bytes.Fields(after)
	if !found || len(fields) == 0 {
		return 0, false
	}
	kb, err := strconv.ParseUint(string(fields[0]), 10, 64)
	return kb << 10, err == nil
}
