// Package bench measures how fast an engine is over a store, with the workloads that docs/benchmarks.md tells of,
// next to yardsticks of what the disk or the server can do at all in the same minute. It decides nothing: a test has
// no use for it.
package bench

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// Config says what to measure. Either Runs or Time bounds it; Sizes are for W6.
type Config struct {
	Workload Workload
	Store    store.Store
	DSN      string      // of the store, for the yardsticks
	Kind     string      // of the store, for the report: memory, sqlite or postgres
	Queue    queue.Queue // nil: within the process
	Bus      queue.Bus   // nil: none
	Mode     Mode
	Pure     bool                                              // steps are pure: no commit between them
	Limit    string                                            // a limit that no run meets: "concurrency", "throttle", else none
	Runs     int                                               // 0: as many as there is Time for
	Time     time.Duration                                     // 0 and no Runs: 10 s
	History  int                                               // finished runs that there are before it begins
	Sizes    []int                                             // nil: 100, 1,000, 10,000 and 100,000 steps
	Effect   time.Duration                                     // how long an effectful step takes
	Workers  int                                               // processes that run the runs; 0: this one does
	Begin    func(ctx context.Context) (end func(), err error) // starts them; needed by Workers and W8
	Tell     func(format string, args ...any)
}

// Mode says how many runs are in flight.
type Mode string

// The modes.
const (
	Saturated Mode = "sat" // 64
	Latency   Mode = "lat" // one at a time
)

const inFlight = 64

func (m Mode) inFlight() int {
	if m == Latency {
		return 1
	}
	return inFlight
}

const defaultTime = 10 * time.Second

// Run measures one workload.
func Run(ctx context.Context, config Config) (Report, error) {
	if config.Runs == 0 && config.Time == 0 {
		config.Time = defaultTime
	}
	types, err := Types(config.Effect)
	if err != nil {
		return Report{}, err
	}
	made, err := engine.New(engine.Config{Store: config.Store, Queue: config.Queue, Bus: config.Bus, Nodes: types})
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = made.Close(ctx) }() // nothing is under way any more
	b := &bench{Config: config, engine: made}
	report := Report{
		Workload: config.Workload, Store: config.Kind, Mode: config.Mode, Pure: config.Pure, Limit: config.Limit, History: config.History,
		Workers: config.Workers, EffectMS: milliseconds(config.Effect),
	}
	config.Tell("yardsticks of the disk and the store")
	if report.Yardsticks, err = measureYardsticks(ctx, config.Kind, config.DSN); err != nil {
		return report, err
	}
	if err := b.fillHistory(ctx); err != nil {
		return report, err
	}
	switch config.Workload {
	case W6:
		report.Mode = Latency
		err = b.scale(ctx, &report)
	case W8:
		report.Mode, report.Pure = Latency, true
		err = b.handOver(ctx, &report)
	default:
		document := config.Workload.document(config.Pure, 0)
		document.Settings = limitOf(config.Limit)
		if config.Workers > 0 {
			err = b.spread(ctx, document, &report)
		} else {
			err = b.measure(ctx, document, &report)
		}
	}
	report.PeakRSSMB = peakMemory()
	return report, err
}

// bench is one measurement.
type bench struct {
	Config
	engine *engine.Engine
}

// fillHistory makes finished runs, so that what is measured is a store that has been used.
func (b *bench) fillHistory(ctx context.Context) error {
	if b.History == 0 {
		return nil
	}
	load := crew{engine: b.engine, document: W1.document(false, 0), workers: inFlight, runs: b.History, tell: b.Tell, what: "history"}
	_, err := load.work(ctx)
	return err
}

// measure runs a document again and again, and reports how fast that was.
func (b *bench) measure(ctx context.Context, document *flowforge.Workflow, report *Report) error {
	load := crew{engine: b.engine, document: document, workers: b.Mode.inFlight(), tell: b.Tell, what: "warming up"}
	load.runs = 2 * load.workers
	if _, err := load.work(ctx); err != nil {
		return err
	}
	load.runs, load.time, load.what = b.Runs, b.Time, string(b.Workload)
	before, began := cpuTime(), time.Now()
	took, err := load.work(ctx)
	if err != nil {
		return err
	}
	report.fill(took, time.Since(began), cpuTime()-before)
	return nil
}
