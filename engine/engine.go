// Package engine runs workflows: it is the only package that moves a run from one status to the next. It
// promises what design calls durability: a run is written by one engine at a time, every result once, and a
// result is stored before anyone is told of it. New starts nothing; Do runs a workflow from start to end, and
// Run is the loop of a worker.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/queue"
	queuememory "github.com/flowforge-go/flowforge/queue/memory"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// Config says what an engine works with. The zero Config is an engine in memory with the built-in nodes.
type Config struct {
	Store       store.Store       // nil: in memory, owned and closed by the engine
	Queue       queue.Queue       // nil: within the process, owned and closed by the engine
	Bus         queue.Bus         // nil: none; what other engines do is looked for in the store
	Nodes       *nodes.Registry   // nil: the built-in nodes
	Credentials nodes.Credentials // nil: none
	Workers     int               // attempts at a time, at most; 0: 256
	MinWorkers  int               // a worker loop finds the number itself, from this one up; 0: it is Workers
	Slots       int               // what attempts may cost together; 0: Workers alone bounds them
	Costs       map[string]int    // with Slots: by node type what an attempt costs; others 1, pure and control ones nothing
	MaxRuns     int               // runs owned at a time, those that wait for long aside; 0: 1,000
	Lease       time.Duration     // how long a lost worker keeps its runs from others; 0: 30s
	ParkAfter   time.Duration     // a run that will wait longer than this waits in the store; 0: 5s
	Pools       []string          // pools whose runs and tasks it claims; nil: the default pool ""
	Logger      *slog.Logger      // nil: none
	Meter       Meter             // nil: none
	Clock       Clock             // nil: the system's
	Random      func() float64    // in [0, 1), for jitter and random(); nil: math/rand
	NewID       func() string     // unique and sortable by time; nil: UUIDv7
	Limits      dag.Limits        // on the size of documents
	Jobs        []JobKind         // work beside runs that worker loops do; nil: only the engine's own
}

// Engine runs workflows. It is safe for concurrent use.
type Engine struct {
	config Config
	worker flowforge.WorkerID
	logger *slog.Logger
	meter  Meter
	clock  Clock
	owns   []func() error // closes what New made
	alone  bool           // nobody else has its store

	compiled compiledCache
	commits  batcher[*store.Transition, store.Committed]
	creates  batcher[store.NewRun, store.Created]
	slots    slots
	scaler   *scaler      // nil: the number of slots is fixed
	size     atomic.Int64 // the number of slots
	budget   budget
	topics   topics
	news     news
	synced   storeClock
	quotas   quotaCache

	mu     sync.Mutex
	runs   map[flowforge.RunID]*run // those this engine owns
	keeper Timer                    // renews their leases
	fence  Timer                    // gives up those whose leases could not be renewed
	mail   Timer                    // looks for messages to them

	reading bool // it does so just now
	again   bool // and is to do so again at once

	idle chan struct{} // closed when the last of them, and of the tasks, ends; nil while there is none

	errands    map[flowforge.TaskID]*errand // tasks that this engine has
	taskKeeper Timer                        // renews their leases
	tasksLeft  bool                         // more tasks may wait to be claimed than this engine could take

	filled  time.Time // when this engine claimed as many as it could the last time
	backlog bool      // more runs wait to be claimed than this engine could take
	bell    func()    // wakes a worker loop; nil: none is active
	closed  bool

	looping   atomic.Int32    // worker loops that are active
	abandoned atomic.Int64    // attempts that did not end when they were told to
	base      context.Context //nolint:containedctx // The parent of all attempts, ended by Close.
	cancel    context.CancelFunc
	loops     sync.WaitGroup
	closing   chan struct{} // closed when Close begins: ends the worker loops
	wound     chan struct{} // tells a worker loop that a schedule was saved
}

// New makes an engine. It starts nothing: no goroutine, no connection.
func New(config Config) (*Engine, error) {
	e := &Engine{
		config: config,
		logger: config.Logger,
		meter:  config.Meter,
		clock:  config.Clock,
		runs:   make(map[flowforge.RunID]*run),

		errands: make(map[flowforge.TaskID]*errand),

		closing: make(chan struct{}),
		wound:   make(chan struct{}, 1),
	}
	if err := e.fillIn(); err != nil {
		return nil, err
	}
	if err := e.checkJobs(); err != nil {
		return nil, err
	}
	e.base, e.cancel = context.WithCancel(context.Background())
	e.worker = flowforge.WorkerID(e.config.NewID())
	e.commits = batcher[*store.Transition, store.Committed]{send: e.commit}
	e.creates = batcher[store.NewRun, store.Created]{send: e.config.Store.Create}
	e.slots.free, e.slots.ahead = e.config.Workers, min(e.config.Workers, claimAtOnce)
	e.size.Store(int64(e.config.Workers))
	if least := e.config.MinWorkers; least > 0 && least < e.config.Workers {
		e.scaler = &scaler{min: least, max: e.config.Workers, size: least, types: make(map[string]*pace)}
	}
	e.budget = budget{size: e.config.Slots, costs: e.config.Costs}
	return e, nil
}

// Close takes no more runs and waits for those under way to end, at most until ctx does; then it stops their
// attempts and gives them back to the store. It closes what New made, and nothing that was given to it.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.closing)
	e.mu.Unlock()
	failed := e.drain(ctx)
	e.cancel()
	e.loops.Wait()
	e.tuneOut()
	e.mu.Lock()
	e.stopKeeping()
	e.mu.Unlock()
	for _, closeOwned := range e.owns {
		failed = errors.Join(failed, closeOwned())
	}
	e.owns = nil
	return failed
}

// fillIn gives everything that the configuration leaves out its default.
func (e *Engine) fillIn() error {
	c := &e.config
	if e.logger == nil {
		e.logger = slog.New(slog.DiscardHandler)
	}
	if e.meter == nil {
		e.meter = noMeter{}
	}
	if e.clock == nil {
		e.clock = systemClock{}
	}
	if c.Workers <= 0 {
		c.Workers = 256
	}
	if c.MaxRuns <= 0 {
		c.MaxRuns = 1_000
	}
	if c.Lease <= 0 {
		c.Lease = 30 * time.Second
	}
	if c.ParkAfter <= 0 {
		c.ParkAfter = 5 * time.Second
	}
	if c.Pools == nil {
		c.Pools = []string{""}
	}
	if err := c.checkCosts(); err != nil {
		return err
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.NewID == nil {
		c.NewID = func() string { return store.NewID(e.clock.Now()) }
	}
	if c.Credentials == nil {
		c.Credentials = nodes.StaticCredentials{}
	}
	if c.Nodes == nil {
		registry, err := nodes.NewRegistry(builtin.Types()...)
		if err != nil {
			return err
		}
		c.Nodes = registry
	}
	if c.Store == nil {
		kept := memory.New(memory.Config{Now: e.clock.Now})
		c.Store, e.owns, e.alone = kept, append(e.owns, kept.Close), true
	}
	if c.Queue == nil {
		hints := queuememory.New()
		c.Queue, e.owns = hints, append(e.owns, hints.Close)
	}
	return nil
}

// checkCosts finds what could never begin.
func (c *Config) checkCosts() error {
	for name, cost := range c.Costs {
		if cost < 0 || cost > c.Slots {
			return flowforge.Errorf(flowforge.CodeInvalidInput,
				"an attempt of %s costs %d of %d slots: the cost must be between 0 and the number of slots", name, cost, c.Slots)
		}
	}
	return nil
}

// drain waits until no run and no task is under way, at most until ctx ends; those left are then given back.
func (e *Engine) drain(ctx context.Context) error {
	for {
		e.mu.Lock()
		idle := e.idle
		e.mu.Unlock()
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return e.giveBack(ctx)
		}
	}
}

// giveBack stops all attempts and releases the runs that are left.
func (e *Engine) giveBack(ctx context.Context) error {
	e.giveTasksBack() //nolint:contextcheck // ctx has ended; it takes a quarter of a lease at most.
	e.mu.Lock()
	left := make([]*run, 0, len(e.runs))
	for _, r := range e.runs {
		left = append(left, r)
	}
	e.mu.Unlock()
	leases := make([]store.Lease, 0, len(left))
	for _, r := range left {
		leases = append(leases, r.lease)
		r.lose(flowforge.Errorf(flowforge.CodeClosed, "the engine was closed while the run was under way"))
	}
	if len(leases) == 0 {
		return nil
	}
	if err := e.config.Store.Release(context.WithoutCancel(ctx), leases); err != nil {
		return err
	}
	return flowforge.Errorf(flowforge.CodeClosed, "%d runs had not ended and were given back: %w", len(leases), context.Cause(ctx))
}

// lanesForPure bounds how many pure attempts of one run are made at a time: they only compute.
func lanesForPure() int { return 4 * runtime.GOMAXPROCS(0) }
