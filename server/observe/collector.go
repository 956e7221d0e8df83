package observe

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowforge-go/flowforge/engine"
)

// collector asks the engine for its figures whenever metrics are read.
type collector struct{ engine *engine.Engine }

func descOf(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flowforge_"+name, help, labels, nil)
}

// descs are the gauges, in the order in which Collect gives them.
type descs struct{ queued, oldest, running, slots, free, runs, tasks, active *prometheus.Desc }

func newDescs() descs {
	return descs{
		queued:  descOf("pool_queued", "Runs and tasks that are ready and that nobody has.", "pool", "kind"),
		oldest:  descOf("pool_oldest_wait_seconds", "How long the first of them has waited.", "pool", "kind"),
		running: descOf("worker_running", "Runs and tasks that this worker has; the sum over all workers is what the pool runs.", "pool"),
		slots:   descOf("worker_slots", "Attempts that this worker makes at a time at most."),
		free:    descOf("worker_slots_free", "Of these, how many are free."),
		runs:    descOf("worker_runs", "Runs that this worker has."),
		tasks:   descOf("worker_tasks", "Tasks that this worker has."),
		active:  descOf("worker_active", "1 while this worker takes runs, 0 while it drains."),
	}
}

// Describe tells which metrics there are.
func (*collector) Describe(into chan<- *prometheus.Desc) {
	d := newDescs()
	for _, desc := range []*prometheus.Desc{d.queued, d.oldest, d.running, d.slots, d.free, d.runs, d.tasks, d.active} {
		into <- desc
	}
}

// Collect gives the figures of now; those of the store are left out where it cannot be reached.
func (c *collector) Collect(into chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	figures, _ := c.engine.Figures(ctx) // the worker's own are there all the same
	d := newDescs()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		into <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, pool := range figures.Pools {
		gauge(d.queued, float64(pool.Runs.Count), pool.Pool, "run")
		gauge(d.queued, float64(pool.Tasks.Count), pool.Pool, "task")
		gauge(d.oldest, pool.Runs.Oldest.Seconds(), pool.Pool, "run")
		gauge(d.oldest, pool.Tasks.Oldest.Seconds(), pool.Pool, "task")
	}
	for pool, running := range figures.Worker.Running {
		gauge(d.running, float64(running), pool)
	}
	gauge(d.slots, float64(figures.Worker.Slots))
	gauge(d.free, float64(figures.Worker.Free))
	gauge(d.runs, float64(figures.Worker.Runs))
	gauge(d.tasks, float64(figures.Worker.Tasks))
	active := 0.0
	if figures.Worker.Active {
		active = 1
	}
	gauge(d.active, active)
}
