package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/keyring"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/watch"
	"github.com/flowforge-go/flowforge/server/observe"
	"github.com/flowforge-go/flowforge/store"
)

// workerCommand is `flowforge worker`.
type workerCommand struct {
	storeFlags
	nodeFlags
	UntilIdle   bool           `help:"End when no run is left that could go on now or soon."`
	Soon        time.Duration  `default:"10s" placeholder:"TIME" help:"With --until-idle: stay for runs that wake so soon (default: 10s)."`
	Data        string         `placeholder:"DIR" env:"FLOWFORGE_DATA" help:"The folder with the root key of the installation, which opens the credentials of the store (default: the environment has it, docs/config.md)."`
	Concurrency string         `placeholder:"N|MIN-MAX" env:"FLOWFORGE_CONCURRENCY" help:"Attempts at a time; of MIN-MAX it finds the number itself (default: 256)."`
	Pools       []string       `placeholder:"NAME" env:"FLOWFORGE_POOLS" help:"Serve these pools: their runs and nodes (default: the runs of none). ${many}"`
	Slots       int            `placeholder:"N" env:"FLOWFORGE_SLOTS" help:"What attempts may cost together (default: --concurrency alone bounds them)."`
	Cost        map[string]int `placeholder:"TYPE=N" help:"With --slots: what an attempt of a type costs (default: 1; what only computes, 0)."`
	Listen      string         `placeholder:"ADDRESS" env:"FLOWFORGE_LISTEN" help:"Answer /healthz, /readyz, /pools and /metrics here: 127.0.0.1:9090."`
	Lease       time.Duration  `placeholder:"DURATION" env:"FLOWFORGE_LEASE" help:"${lease}"`
	Drain       time.Duration  `default:"30s" placeholder:"TIME" env:"FLOWFORGE_DRAIN" help:"How long attempts may take when it is told to end (default: 30s)."`
	Quiet       bool           `short:"q" env:"FLOWFORGE_QUIET" help:"Print no line for each run that ends."`
}

// Run runs runs: those that are ready, and those whose process died.
func (w *workerCommand) Run(con *console) error {
	if w.Slots < 0 || w.Lease < 0 || w.Drain < 0 || w.Soon < 0 {
		return usage("--slots, --lease, --drain and --soon cannot be negative")
	}
	least, most, err := rangeOf(w.Concurrency)
	if err != nil {
		return err
	}
	if len(w.Cost) > 0 && w.Slots == 0 {
		return usage("--cost says how many of the slots an attempt takes: give --slots too")
	}
	config, err := w.config(con)
	if err != nil {
		return err
	}
	ctx := context.Background()
	kept, err := w.openDurable(ctx)
	if err != nil {
		return err
	}
	if config.Credentials, err = w.credentials(ctx, con, config.Credentials, kept); err != nil {
		return errors.Join(err, kept.Close())
	}
	config.Workers, config.MinWorkers, config.Lease, config.Pools = most, least, w.Lease, w.Pools
	config.Slots, config.Costs = w.Slots, w.Cost
	if len(w.Pools) == 0 {
		config.Pools = []string{""}
	}
	meter := observe.NewMeter()
	config.Meter = meter
	seen := &watch.Witness{Store: kept}
	if !w.Quiet {
		seen.Say = func(line string) { con.printf("%s %s\n", human.Clock(time.Now()), line) }
	}
	s, err := w.over(ctx, con, seen, config)
	if err != nil {
		return err
	}
	defer s.close()
	if w.Listen != "" {
		server, err := listenAt(ctx, w.Listen, meter.Handler(s.engine))
		if err != nil {
			return err
		}
		defer func() { _ = server.Close() }() // who asks just now is not waited for
		con.printf("flowforge: listening at %s\n", server.Addr)
	}
	idle := &watch.Idleness{Store: kept, Workspace: s.workspace, Pools: config.Pools, Types: s.engine.Served(), Soon: w.Soon}
	return w.work(ctx, s, idle)
}

// credentials gives nodes the credentials of the command line, and those of the store where the root key is here.
func (w *workerCommand) credentials(
	ctx context.Context, con *console, given nodes.Credentials, kept store.Store,
) (nodes.Credentials, error) {
	stores, ok := kept.(auth.Stores)
	if !ok {
		return given, nil
	}
	source := keyring.Source{Folder: w.Data, LookupEnv: con.lookupEnv}
	if _, err := source.Roots(); errors.Is(err, keyring.ErrNone) {
		return eitherCredentials{given, lockedCredentials{stores}}, nil
	}
	opened, err := openVault(ctx, source, stores)
	if err != nil {
		return nil, err
	}
	return eitherCredentials{given, openedCredentials(opened, stores)}, nil
}

// rangeOf reads "64", which leaves the least 0, or "4-64"; nothing is 0 and 0.
func rangeOf(text string) (least, most int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		low, high = "0", text
	}
	least, lowErr := strconv.Atoi(low)
	most, highErr := strconv.Atoi(high)
	if lowErr != nil || highErr != nil || most < 1 || isRange && (least < 1 || least > most) {
		return 0, 0, usage("--concurrency is a number from 1 up, such as 64, or two of them, such as 4-64")
	}
	return least, most, nil
}

// work runs the worker loop until a signal or, where that is wanted, until nothing is left.
func (w *workerCommand) work(ctx context.Context, s *session, idle *watch.Idleness) error {
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan struct{})
	signals, release := s.con.listen()
	drained := make(chan struct{})
	go func() { //nolint:contextcheck // It ends the context.
		defer close(drained)
		w.stopAtSignal(s, signals, done, stop)
	}()
	watched := make(chan error, 1)
	go func() {
		if !w.UntilIdle {
			watched <- nil
			return
		}
		watched <- idle.Wait(working)
		stop(nil)
	}()
	err := s.engine.Run(working)
	interrupted := errors.Is(context.Cause(working), errInterrupted)
	stop(nil)
	err = errors.Join(err, <-watched)
	release()
	close(done)
	<-drained
	if interrupted && err == nil {
		s.con.printf("flowforge: the worker has ended; what it had not finished goes on elsewhere\n")
	}
	return err
}

// stopAtSignal ends the loop at the first signal; what does not end in time is given back. The second signal ends the
// program.
func (w *workerCommand) stopAtSignal(s *session, signals <-chan os.Signal, done <-chan struct{}, stop context.CancelCauseFunc) {
	select {
	case <-signals:
		s.con.printf("flowforge: ending: runs under way have %s; interrupt again to end at once\n", w.Drain)
		stop(errInterrupted)
	case <-done:
		return
	}
	timer := time.NewTimer(w.Drain)
	defer timer.Stop()
	select {
	case <-signals:
		s.con.exit(exitInterrupted)
	case <-timer.C:
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.engine.Close(ctx) // it says what it gave back, and that is no fault
	case <-done:
	}
}
