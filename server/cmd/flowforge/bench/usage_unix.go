//go:build unix

package bench

import (
	"runtime"
	"syscall"
	"time"
)

// cpuTime gives the CPU time of this process so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakMemory gives the most memory that this process had at once, in MB.
func peakMemory() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	unit := 1024.0 // getrusage(2) counts in kilobytes, and on macOS in bytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return round(float64(usage.Maxrss) * unit / 1e6)
}
