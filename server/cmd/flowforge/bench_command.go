package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/bench"
)

// workloads says what can be measured.
const workloads = "W1: one step; W2: ten in sequence; W3: a hundred in parallel and a join; W6: one run of many steps; " +
	"W8: one step that a worker in a process of its own runs."

// benchCommand is `flowforge bench`.
type benchCommand struct {
	Workload string        `required:"" enum:"W1,W2,W3,W6,W8" placeholder:"W1|W2|W3|W6|W8" help:"${workloads}"`
	Store    string        `placeholder:"DSN" env:"FLOWFORGE_STORE" default:"memory:" help:"memory:, ${stores}. The runs stay in it."`
	Mode     string        `default:"sat" enum:"sat,lat" help:"sat: 64 runs in flight (the default); lat: one at a time."`
	Pure     bool          `help:"Steps without an effect, which need no commit of their own."`
	Limit    string        `default:"none" enum:"none,concurrency,throttle" help:"A limit that no run meets: none, concurrency, throttle."`
	Runs     int           `xor:"bound" placeholder:"N" help:"So many runs."`
	Seconds  float64       `xor:"bound" placeholder:"S" help:"For so long (default: 10)."`
	History  int           `placeholder:"N" help:"Make so many finished runs before."`
	Steps    []int         `placeholder:"N" help:"Sizes of W6 (default: 100,1000,10000,100000)."`
	Workers  int           `placeholder:"N" help:"W1 to W3: let so many processes beside this one run the runs, which wait for them."`
	Effect   time.Duration `placeholder:"TIME" help:"How long an effectful step takes."`
	Slots    int           `placeholder:"N" help:"With --workers: attempts at a time of each (default: 256)."`
	queueFlags

	JSON bool `name:"json" help:"Print an object: {workload, store, mode, runs, seconds, runs_per_s, p50_ms, ...}."`
}

// Run measures.
func (b *benchCommand) Run(con *console) error {
	if b.Runs < 0 || b.Seconds < 0 || b.History < 0 || b.Workers < 0 || b.Effect < 0 || b.Slots < 0 {
		return usage("--runs, --seconds, --history, --workers, --effect and --slots cannot be negative")
	}
	for _, steps := range b.Steps {
		if steps < 1 {
			return usage("--steps must be at least 1")
		}
	}
	place := storeFlags{Store: b.Store}
	ctx, cancel := con.untilInterrupted(context.Background())
	defer cancel()
	kept, err := place.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	kind, dsn := place.address()
	var linked engine.Config
	hangUp, err := b.connect(ctx, con, &linked)
	if err != nil {
		return err
	}
	defer hangUp()
	workers := max(b.Workers, 1) // W8 has one
	if (b.Workers > 0 || b.Workload == string(bench.W8)) && !place.isDurable() {
		return usage("workers in other processes need a store that they share: give --store %s", storeForms)
	}
	report, err := bench.Run(ctx, bench.Config{
		Workload: bench.Workload(b.Workload), Store: kept, DSN: dsn, Kind: kind,
		Queue: linked.Queue, Bus: linked.Bus, Mode: bench.Mode(b.Mode), Pure: b.Pure, Limit: b.Limit,
		Runs: b.Runs, Time: time.Duration(b.Seconds * float64(time.Second)), History: b.History, Sizes: b.Steps,
		Effect: b.Effect, Workers: b.Workers,
		Begin: func(ctx context.Context) (func(), error) { return b.beginWorkers(ctx, workers) },
		Tell:  func(format string, args ...any) { con.printf("bench: "+format+"\n", args...) },
	})
	if err != nil {
		return &exit{status: exitFailed, cause: err}
	}
	if b.JSON {
		return json.NewEncoder(con.out).Encode(report)
	}
	return report.Write(con.out)
}

// beginWorkers starts processes of workers, and returns what ends them.
func (b *benchCommand) beginWorkers(ctx context.Context, n int) (end func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var begun []*exec.Cmd
	end = func() {
		for _, worker := range begun {
			_ = worker.Process.Kill() // it is idle
			_ = worker.Wait()
		}
	}
	for range n {
		worker := exec.CommandContext(ctx, program, "bench-worker", "--effect", b.Effect.String(), //nolint:gosec // It is this program.
			"--slots", strconv.Itoa(b.Slots))
		worker.Env = append(os.Environ(), "FLOWFORGE_STORE="+b.Store, "FLOWFORGE_QUEUE="+b.Queue)
		worker.Stderr = os.Stderr
		if err := worker.Start(); err != nil {
			end()
			return nil, err
		}
		begun = append(begun, worker)
	}
	return end, nil
}

// benchWorkerCommand is a worker that bench starts: it knows the steps of the workloads.
type benchWorkerCommand struct {
	storeFlags
	Effect time.Duration
	Slots  int
}

// Run takes runs until it is told to end.
func (b *benchWorkerCommand) Run(con *console) error {
	ctx, cancel := con.untilInterrupted(context.Background())
	defer cancel()
	types, err := bench.Types(b.Effect)
	if err != nil {
		return err
	}
	s, err := b.session(ctx, con, engine.Config{Nodes: types, Workers: b.Slots})
	if err != nil {
		return err
	}
	defer s.close()
	return s.engine.Run(ctx)
}
