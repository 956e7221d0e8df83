// Package observe tells what an engine does and how much waits for it: metrics for Prometheus, figures to scale by,
// and whether it lives and takes work. It tells nothing about single runs, and no secrets.
package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/flowforge-go/flowforge"
)

// Meter counts what an engine does; it is an engine.Meter.
type Meter struct {
	registry  *prometheus.Registry
	runs      *prometheus.CounterVec
	attempts  *prometheus.HistogramVec
	abandoned *prometheus.CounterVec
	commits   prometheus.Histogram
	steps     prometheus.Counter
	late      prometheus.Histogram
}

// NewMeter makes a Meter with a registry of its own.
func NewMeter() *Meter {
	m := &Meter{
		registry: prometheus.NewRegistry(),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowforge_runs_ended_total", Help: "Runs that have ended under this engine.",
		}, []string{"status"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flowforge_attempt_seconds", Help: "How long attempts took.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60, 600},
		}, []string{"type", "outcome"}),
		abandoned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowforge_attempts_abandoned_total", Help: "Attempts that did not end when they were told to.",
		}, []string{"type"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "flowforge_commit_seconds", Help: "How long round trips to the store took that wrote transitions.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .5, 2},
		}),
		steps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "flowforge_transitions_total", Help: "Transitions that were written.",
		}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "flowforge_schedule_late_seconds", Help: "How long after it was due a schedule started a run.",
			Buckets: []float64{.01, .1, .5, 1, 5, 30, 300, 3600},
		}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.runs, m.attempts, m.abandoned, m.commits, m.steps, m.late)
	return m
}

// RunEnded counts a run.
func (m *Meter) RunEnded(run flowforge.Run) { m.runs.WithLabelValues(string(run.Status)).Inc() }

// AttemptEnded counts an attempt.
func (m *Meter) AttemptEnded(nodeType string, took time.Duration, failure *flowforge.Failure) {
	outcome := "succeeded"
	if failure != nil {
		outcome = "failed"
	}
	m.attempts.WithLabelValues(nodeType, outcome).Observe(took.Seconds())
}

// AttemptAbandoned counts an attempt that did not end.
func (m *Meter) AttemptAbandoned(nodeType string) { m.abandoned.WithLabelValues(nodeType).Inc() }

// Committed counts a round trip.
func (m *Meter) Committed(transitions int, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.steps.Add(float64(transitions))
}

// ScheduleFired counts a run of a schedule.
func (m *Meter) ScheduleFired(late time.Duration) { m.late.Observe(late.Seconds()) }
