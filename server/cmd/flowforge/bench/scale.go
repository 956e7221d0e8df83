package bench

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// Size is what a run of so many steps took. Memory is what the process allocated, not what it kept.
type Size struct {
	Steps          int     `json:"steps"`
	Runs           int     `json:"runs"`
	Seconds        float64 `json:"seconds"` // of a run: the median
	MicrosPerStep  float64 `json:"us_per_step"`
	CPUPerStep     float64 `json:"cpu_us_per_step"`
	BytesPerStep   float64 `json:"bytes_per_step"`    // allocated
	PeakRSSMB      float64 `json:"peak_rss_mb"`       // of the process, so far
	CompileSeconds float64 `json:"compile_seconds"`   // what the first run took longer
	PerStepOfFirst float64 `json:"ratio_to_smallest"` // time per step against that of the smallest size
}

var defaultSizes = []int{100, 1_000, 10_000, 100_000}

// stepsPerSize is how many steps of each size are run, at least: small sizes several times.
const stepsPerSize = 20_000

// scale measures runs of more and more steps, one at a time.
func (b *bench) scale(ctx context.Context, report *Report) error {
	sizes := b.Sizes
	if len(sizes) == 0 {
		sizes = defaultSizes
	}
	for _, steps := range sizes {
		b.Tell("%s: %d steps", b.Workload, steps)
		size, err := b.size(ctx, b.Workload.document(b.Pure, steps), max(1, b.Runs, stepsPerSize/steps))
		if err != nil {
			return err
		}
		report.Sizes = append(report.Sizes, size)
		first := report.Sizes[0].MicrosPerStep
		report.Sizes[len(report.Sizes)-1].PerStepOfFirst = round(size.MicrosPerStep / first)
	}
	return nil
}

func (b *bench) size(ctx context.Context, document *flowforge.Workflow, runs int) (Size, error) {
	steps := len(document.Nodes)
	size := Size{Steps: steps, Runs: runs}
	once := func() (time.Duration, error) {
		since := time.Now()
		_, err := b.engine.DoRequest(ctx, engine.StartRequest{Document: document, Input: flowforge.MustValue(nil)})
		return time.Since(since), err
	}
	first, err := once() // it compiles the document, too
	if err != nil {
		return size, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuTime()
	took := make([]time.Duration, runs)
	for i := range took {
		if took[i], err = once(); err != nil {
			return size, err
		}
	}
	slices.Sort(took)
	median := took[len(took)/2]
	runtime.ReadMemStats(&after)
	all := float64(runs * steps)
	size.Seconds = round(median.Seconds())
	size.MicrosPerStep = round(float64(median.Microseconds()) / float64(steps))
	size.CPUPerStep = round(float64((cpuTime() - cpu).Microseconds()) / all)
	size.BytesPerStep = round(float64(after.TotalAlloc-before.TotalAlloc) / all)
	size.PeakRSSMB = peakMemory()
	size.CompileSeconds = round(max(first-median, 0).Seconds())
	return size, nil
}
