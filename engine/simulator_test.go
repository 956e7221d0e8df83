package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

var (
	simulated    = flag.Int64("simulate", 5_000, "how many events to simulate")
	simulateSeed = flag.Uint64("seed", 0, "simulate only the world of this seed")
)

// TestSimulation drives worlds of random workflows, engines that are cut off for ever, stores that cannot be reached
// before or after what was asked has happened, and people who pause, cancel and signal; and checks the invariants
// when all has healed. Each world follows from its seed.
func TestSimulation(t *testing.T) {
	t.Parallel()
	if *simulateSeed != 0 {
		synctest.Test(t, func(t *testing.T) { newSimulation(t, *simulateSeed).run() })
		return
	}
	begin := uint64(time.Now().UnixNano())
	for seed, events := begin, int64(0); events < *simulated && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			s := newSimulation(t, seed)
			s.run()
			events += s.events
		})
	}
}

// simulation is a world.
type simulation struct {
	t      *testing.T
	seed   uint64
	store  *memory.Store
	types  *nodes.Registry
	events int64

	mu      sync.Mutex
	random  *rand.Rand
	healed  bool
	engines []*simulatedEngine
	acked   []flowforge.Run
	seen    map[string]string // what an effect saw, by key
	odd     []string
	log     logBook
}

// logBook keeps what the engines of a world have logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

// about gives the newest lines that name something.
func (b *logBook) about(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, name) {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-40):], "")
}

// simulatedEngine is an engine of the world.
type simulatedEngine struct {
	store.Store

	world  *simulation
	engine *engine.Engine
	dead   bool
	stop   func()
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	t.Helper()
	s := &simulation{
		t: t, seed: seed, store: memory.New(memory.Config{Keep: -1}),
		random: rand.New(rand.NewPCG(seed, 1)), seen: make(map[string]string),
	}
	var err error
	s.types, err = nodes.NewRegistry(append(builtin.Types(), do("test.effect", s.effect))...)
	require.NoError(t, err)
	return s
}

// chance draws whether something of this probability happens.
func (s *simulation) chance(p float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64() < p
}

func (s *simulation) upTo(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *simulation) run() {
	for range 3 {
		s.addEngine()
	}
	for range 40 {
		s.startRun()
		s.disturb()
		s.checkLimit()
		time.Sleep(time.Duration(s.upTo(3_000)) * time.Millisecond)
	}
	s.mu.Lock()
	s.healed = true
	s.mu.Unlock()
	s.addEngine()
	s.addEngine() // one for each pool
	for _, run := range s.acked {
		_ = s.last().engine.Resume(s.t.Context(), run.Workspace, run.ID)
	}
	for range 60 {
		time.Sleep(time.Minute)
		s.checkLimit()
		if s.allEnded() {
			break
		}
	}
	for _, run := range s.acked {
		s.check(run)
	}
	require.Empty(s.t, s.odd, "seed %d", s.seed)
	for _, e := range s.engines {
		e.stop()
		_ = e.engine.Close(s.t.Context()) // those that are cut off cannot give anything back
	}
}

func (s *simulation) allEnded() bool {
	for _, run := range s.acked {
		found, err := s.store.Run(s.t.Context(), run.Workspace, run.ID)
		if err != nil || !found.Status.Terminal() {
			return false
		}
	}
	return true
}

func (s *simulation) last() *simulatedEngine { return s.engines[len(s.engines)-1] }

func (s *simulation) addEngine() {
	e := &simulatedEngine{Store: s.store, world: s}
	var err error
	e.engine, err = engine.New(engine.Config{
		Store: e, Nodes: s.types, Lease: 10 * time.Second, ParkAfter: 2 * time.Second,
		Pools:  [][]string{{""}, {"gpu"}, {"", "gpu"}}[len(s.engines)%3],
		Logger: slog.New(slog.NewTextHandler(&s.log, nil)).With("engine", len(s.engines)),
	})
	require.NoError(s.t, err)
	e.stop = loop(s.t, e.engine)
	s.engines = append(s.engines, e)
}

// effect is an effect that succeeds, fails, dawdles or ignores that it is to stop.
func (s *simulation) effect(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
	key, saw := call.IdempotencyKey(), call.Input.String()
	s.mu.Lock()
	if before, seen := s.seen[key]; seen && before != saw {
		s.odd = append(s.odd, fmt.Sprintf("%s[%s] saw %s, then %s", call.Node, call.Element, before, saw))
	}
	s.seen[key] = saw
	what, pause := s.random.IntN(10), time.Duration(s.random.IntN(20_000))*time.Millisecond
	s.mu.Unlock()
	switch {
	case what < 2:
		return nil, errors.New("it failed")
	case what == 3:
		time.Sleep(pause)
	case what < 6:
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return flowforge.Out(flowforge.MustValue(map[string]any{"of": string(call.Node), "n": what})), nil
}

// startRun starts a random workflow, again and again until it is acknowledged.
func (s *simulation) startRun() {
	request := engine.StartRequest{
		Document: s.document(), Input: flowforge.MustValue(s.upTo(100)), IdempotencyKey: strconv.Itoa(len(s.acked)),
	}
	for {
		run, err := s.alive().engine.Start(s.t.Context(), request)
		if err == nil {
			s.acked = append(s.acked, run)
			return
		}
		if flowforge.CodeOf(err) == flowforge.CodeLimited {
			return
		}
		require.ErrorIs(s.t, err, errCutOff, "seed %d", s.seed)
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *simulation) alive() *simulatedEngine {
	for {
		if e := s.engines[s.upTo(len(s.engines))]; !e.gone() {
			return e
		}
	}
}

// document draws a workflow.
func (s *simulation) document() *flowforge.Workflow {
	size := 1 + s.upTo(8)
	document := &flowforge.Workflow{Name: "random"}
	document.Settings.FailFast = new(s.chance(0.5))
	s.limit(document)
	for i := range size {
		n := flowforge.Node{ID: flowforge.NodeID(fmt.Sprintf("n%d", i)), Type: "test.effect"}
		switch s.upTo(8) {
		case 0, 1:
			n.Type = "core.noop"
		case 2:
			n.Type, n.Params = "core.wait", params(map[string]any{"duration": fmt.Sprintf("%dms", s.upTo(20_000))})
		case 3:
			n.Each, n.EachParallel = flowforge.MustValue([]any{1, 2, 3, 4}), 1+s.upTo(3)
		case 4:
			n.Retry = flowforge.RetryPolicy{MaxAttempts: 3, InitialInterval: flowforge.Duration(time.Second)}
		case 5:
			n.Timeout = flowforge.Duration(5 * time.Second)
		case 6:
			n.Type, n.Params = "core.wait", params(map[string]any{"signal": "go", "timeout": "5m"})
		}
		if n.Type == "test.effect" && s.upTo(3) == 0 {
			n.Pool = "gpu"
		}
		n.OnError = []flowforge.OnError{"", "", flowforge.OnErrorContinue}[s.upTo(3)]
		n.Join = []flowforge.Join{"", "", flowforge.JoinAll, flowforge.JoinFirst}[s.upTo(4)]
		n.Finally = i > 0 && s.upTo(10) == 0
		document.Nodes = append(document.Nodes, n)
		for range s.upTo(3) {
			if i == 0 || n.Finally {
				break
			}
			from := s.upTo(i)
			c := flowforge.Connection{From: flowforge.Endpoint{Node: document.Nodes[from].ID}, To: flowforge.Endpoint{Node: n.ID}}
			if !document.Nodes[from].Finally && !has(document.Connections, c) {
				document.Connections = append(document.Connections, c)
			}
		}
	}
	return document
}

// most is the concurrency limit that some workflows have.
const most = 2

// limit draws what keeps runs of a workflow from beginning.
func (s *simulation) limit(document *flowforge.Workflow) {
	settings := &document.Settings
	settings.Priority = s.upTo(6)
	switch s.upTo(10) {
	case 0, 1:
		document.Name = "limited"
		settings.Concurrency = &flowforge.Concurrency{Limit: most, OnLimit: []flowforge.OnLimit{
			flowforge.OnLimitQueue, flowforge.OnLimitQueue, flowforge.OnLimitReject, flowforge.OnLimitCancelRunning,
		}[s.upTo(4)]}
	case 2:
		document.Name = "throttled"
		settings.Throttle = &flowforge.Rate{Limit: 2, Period: flowforge.Duration(10 * time.Second)}
	case 3:
		document.Name = "debounced"
		settings.Debounce = &flowforge.Debounce{Period: flowforge.Duration(4 * time.Second)}
	case 4:
		document.Name = "batched"
		settings.Batch = &flowforge.Batch{Size: 3, Period: flowforge.Duration(10 * time.Second)}
	case 5:
		document.Name = "single"
		settings.Singleton = &flowforge.Singleton{}
		settings.RateLimit = &flowforge.Rate{Limit: 5, Period: flowforge.Duration(time.Minute)}
	}
}

// checkLimit checks that no more runs than the limit have a place under it.
func (s *simulation) checkLimit() {
	synctest.Wait() // else one may end, and another begin, between two looks
	held := map[flowforge.RunID]bool{}
	for _, run := range s.acked {
		standing, err := s.store.Standing(s.t.Context(), run.Workspace, run.ID)
		require.NoError(s.t, err)
		for _, slot := range standing.Slots {
			if slot.Held && slot.Key == "concurrency/limited" {
				held[run.ID] = true
			}
		}
	}
	require.LessOrEqual(s.t, len(held), most, "seed %d", s.seed)
}

func has(list []flowforge.Connection, wanted flowforge.Connection) bool {
	for _, c := range list {
		if c.From.Node == wanted.From.Node && c.To.Node == wanted.To.Node {
			return true
		}
	}
	return false
}

// disturb cuts an engine off, or does to a run what people do.
func (s *simulation) disturb() {
	run := s.acked[s.upTo(len(s.acked))]
	e := s.alive().engine
	switch s.upTo(12) {
	case 0, 1:
		s.addEngine()
		cut := s.engines[s.upTo(len(s.engines)-1)]
		s.mu.Lock()
		cut.dead = true
		s.mu.Unlock()
	case 2:
		_ = e.Pause(s.t.Context(), run.Workspace, run.ID, "")
	case 3, 4:
		_ = e.Resume(s.t.Context(), run.Workspace, run.ID)
	case 5:
		_ = e.Cancel(s.t.Context(), run.Workspace, run.ID, "")
	case 6, 7:
		_ = e.Signal(s.t.Context(), engine.SignalRequest{Run: run.ID, Name: "go"})
	}
}

// check checks what must hold of a run after all.
func (s *simulation) check(started flowforge.Run) {
	about := fmt.Sprintf("seed %d, run %s", s.seed, started.ID)
	defer func() {
		if s.t.Failed() {
			s.t.Log(s.log.about(string(started.ID)))
		}
	}()
	run, err := s.store.Run(context.Background(), started.Workspace, started.ID)
	require.NoError(s.t, err, about)
	if !run.Status.Terminal() {
		told, _ := s.last().engine.Explain(context.Background(), run.Workspace, run.ID)
		require.Fail(s.t, "it has not ended", "%s: %+v", about, told)
	}
	for n, err := range s.last().engine.NodeRuns(context.Background(), run.Workspace, run.ID) {
		require.NoError(s.t, err, about)
		require.True(s.t, n.Status.Terminal(), "%s: %s[%s] is %s", about, n.Node, n.Element, n.Status)
		require.LessOrEqual(s.t, n.Lost, flowforge.DefaultMaxLost, about)
		require.LessOrEqual(s.t, n.Attempts-n.Lost, 3, about)
	}
	seq := int64(0)
	for {
		events, err := s.store.Events(context.Background(), run.Workspace, run.ID, seq, 1_000)
		require.NoError(s.t, err, about)
		if len(events) == 0 {
			break
		}
		for _, event := range events {
			seq++
			require.Equal(s.t, seq, event.Seq, about)
			require.Equal(s.t, seq == run.Seq, event.Kind == flowforge.RunEnd(run.Status), about)
		}
	}
	require.Equal(s.t, run.Seq, seq, about)
	s.events += seq
}

// reach does what an engine asks of the store, unless it cannot be reached before or after that.
func reach[A any](e *simulatedEngine, ask func() (A, error)) (A, error) {
	var none A
	e.world.mu.Lock()
	healed, draw, dead := e.world.healed, e.world.random.Float64(), e.dead
	e.world.mu.Unlock()
	if dead || (!healed && draw < 0.04) {
		return none, errCutOff
	}
	answer, err := ask()
	if e.gone() || (!healed && draw > 0.96) {
		return none, errCutOff
	}
	return answer, err
}

func (e *simulatedEngine) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	return reach(e, func() ([]store.Created, error) { return e.Store.Create(ctx, runs) })
}

func (e *simulatedEngine) Claim(ctx context.Context, claim store.Claim) (store.Claims, error) {
	return reach(e, func() (store.Claims, error) { return e.Store.Claim(ctx, claim) })
}

func (e *simulatedEngine) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	return reach(e, func() ([]store.Committed, error) { return e.Store.Commit(ctx, transitions) })
}

func (e *simulatedEngine) Renew(ctx context.Context, leases []store.Lease) ([]store.Renewed, error) {
	return reach(e, func() ([]store.Renewed, error) { return e.Store.Renew(ctx, leases) })
}

func (e *simulatedEngine) Release(ctx context.Context, leases []store.Lease) error {
	_, err := reach(e, func() (bool, error) { return true, e.Store.Release(ctx, leases) })
	return err
}

func (e *simulatedEngine) Messages(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID) ([]store.Message, error) {
	return reach(e, func() ([]store.Message, error) { return e.Store.Messages(ctx, workspace, run) })
}

func (e *simulatedEngine) ClaimTasks(ctx context.Context, claim store.Claim) ([]store.ClaimedTask, error) {
	return reach(e, func() ([]store.ClaimedTask, error) { return e.Store.ClaimTasks(ctx, claim) })
}

func (e *simulatedEngine) RenewTasks(ctx context.Context, leases []store.TaskLease) ([]store.RenewedTask, error) {
	return reach(e, func() ([]store.RenewedTask, error) { return e.Store.RenewTasks(ctx, leases) })
}

func (e *simulatedEngine) FinishTask(ctx context.Context, lease store.TaskLease, result store.TaskResult) error {
	_, err := reach(e, func() (bool, error) { return true, e.Store.FinishTask(ctx, lease, result) })
	return err
}

// gone reports whether the engine is cut off.
func (e *simulatedEngine) gone() bool {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	return e.dead
}
