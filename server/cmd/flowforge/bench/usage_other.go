//go:build !unix

package bench

import (
	"runtime"
	"time"
)

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }

// peakMemory gives the memory that this process has from the system, in MB.
func peakMemory() float64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return round(float64(stats.Sys) / 1e6)
}
