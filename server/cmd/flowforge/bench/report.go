package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Report is what was measured. Times of runs are from the call that starts one to its result.
type Report struct {
	Workload  Workload `json:"workload"`
	Store     string   `json:"store"`
	Mode      Mode     `json:"mode"`
	Pure      bool     `json:"pure"`
	Limit     string   `json:"limit"`
	History   int      `json:"history,omitempty"`
	Workers   int      `json:"workers,omitempty"` // processes beside this one
	EffectMS  float64  `json:"effect_ms,omitempty"`
	Runs      int      `json:"runs,omitempty"`
	Seconds   float64  `json:"seconds,omitempty"`
	RunsPerS  float64  `json:"runs_per_s,omitempty"`
	P50       float64  `json:"p50_ms,omitempty"`
	P95       float64  `json:"p95_ms,omitempty"`
	P99       float64  `json:"p99_ms,omitempty"`
	PeakRSSMB float64  `json:"peak_rss_mb"`
	CPU       float64  `json:"cpu_ms_per_run,omitempty"` // of this process, its store's share in it included; a server's is not

	Sizes      []Size     `json:"sizes,omitempty"` // of W6
	Yardsticks Yardsticks `json:"yardsticks"`
}

// Write writes the report for people.
func (r *Report) Write(w io.Writer) error {
	var text []byte
	say := func(format string, args ...any) { text = fmt.Appendf(text, format+"\n", args...) }
	kind := "effectful"
	if r.Pure {
		kind = "pure"
	}
	say("%s (%s steps) on %s, mode %s", r.Workload, kind, r.Store, r.Mode)
	if r.Workers > 0 {
		say("  %d workers in processes of their own, steps of %g ms; runs a second while all were busy", r.Workers, r.EffectMS)
	}
	if r.Runs > 0 {
		say("  %d runs in %g s: %g runs/s", r.Runs, r.Seconds, r.RunsPerS)
		say("  p50 %g ms, p95 %g ms, p99 %g ms", r.P50, r.P95, r.P99)
		if r.CPU > 0 {
			say("  %g ms of CPU a run in this process", r.CPU)
		}
	}
	for _, s := range r.Sizes {
		say("  %7d steps: %g s, %g us a step (%g times the smallest), %g us of CPU and %g bytes allocated a step",
			s.Steps, s.Seconds, s.MicrosPerStep, s.PerStepOfFirst, s.CPUPerStep, s.BytesPerStep)
	}
	say("  at most %g MB of memory", r.PeakRSSMB)
	y := r.Yardsticks
	say("yardsticks of the same minute: fsync %g ms", y.FsyncMS)
	if y.CommitsPerS > 0 {
		say("  %g commits of one row a second, %g rows a second in batches of %d", y.CommitsPerS, y.RowsPerS, batchRows)
	}
	_, err := w.Write(text)
	return err
}

// fill reports runs.
func (r *Report) fill(took []time.Duration, wall, cpu time.Duration) {
	slices.Sort(took)
	r.Runs, r.Seconds = len(took), round(wall.Seconds())
	if len(took) == 0 {
		return
	}
	r.RunsPerS = round(float64(len(took)) / wall.Seconds())
	r.P50, r.P95, r.P99 = quantile(took, 0.50), quantile(took, 0.95), quantile(took, 0.99)
	r.CPU = round(milliseconds(cpu) / float64(len(took)))
}

// quantile gives a quantile of sorted times in milliseconds: the smallest that so many are not above.
func quantile(sorted []time.Duration, q float64) float64 {
	at := max(int(math.Ceil(q*float64(len(sorted))))-1, 0)
	return round(milliseconds(sorted[at]))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round keeps four significant digits.
func round(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}
