package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// mortal is a store whose engine is cut off from it at a commit: before it is applied, or after, so that the answer
// is lost. From then on that engine is a zombie.
type mortal struct {
	store.Store

	mu      sync.Mutex
	commits int // until it is cut off
	after   bool
	dead    bool
	finish  bool // it is at the end of a task, not at a commit
}

var errCutOff = flowforge.Errorf(flowforge.CodeUnavailable, "the store cannot be reached")

func (m *mortal) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, errCutOff
	}
	if m.finish {
		return m.Store.Commit(ctx, transitions)
	}
	m.commits--
	m.dead = m.commits == 0
	if m.dead && !m.after {
		return nil, errCutOff
	}
	answers, err := m.Store.Commit(ctx, transitions)
	if m.dead {
		return nil, errCutOff
	}
	return answers, err
}

func (m *mortal) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	if err := m.gone(); err != nil {
		return nil, err
	}
	return m.Store.Create(ctx, runs)
}

func (m *mortal) Claim(ctx context.Context, claim store.Claim) (store.Claims, error) {
	if err := m.gone(); err != nil {
		return store.Claims{}, err
	}
	return m.Store.Claim(ctx, claim)
}

func (m *mortal) Renew(ctx context.Context, leases []store.Lease) ([]store.Renewed, error) {
	if err := m.gone(); err != nil {
		return nil, err
	}
	return m.Store.Renew(ctx, leases)
}

func (m *mortal) Release(ctx context.Context, leases []store.Lease) error {
	if err := m.gone(); err != nil {
		return err
	}
	return m.Store.Release(ctx, leases)
}

func (m *mortal) ClaimTasks(ctx context.Context, claim store.Claim) ([]store.ClaimedTask, error) {
	if err := m.gone(); err != nil {
		return nil, err
	}
	return m.Store.ClaimTasks(ctx, claim)
}

func (m *mortal) RenewTasks(ctx context.Context, leases []store.TaskLease) ([]store.RenewedTask, error) {
	if err := m.gone(); err != nil {
		return nil, err
	}
	return m.Store.RenewTasks(ctx, leases)
}

func (m *mortal) FinishTask(ctx context.Context, lease store.TaskLease, result store.TaskResult) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errCutOff
	}
	if !m.finish {
		return m.Store.FinishTask(ctx, lease, result)
	}
	m.commits--
	m.dead = m.commits == 0
	if m.dead && !m.after {
		return errCutOff
	}
	err := m.Store.FinishTask(ctx, lease, result)
	if m.dead {
		return errCutOff
	}
	return err
}

func (m *mortal) gone() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errCutOff
	}
	return nil
}

// sink notes what effects saw: by idempotency key the input and the parameters of the first attempt.
type sink struct {
	mu   sync.Mutex
	seen map[string]string
	odd  []string // attempts that saw something else than the one before
}

func (s *sink) note(call *nodes.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saw := call.Input.String() + " " + call.Params.String()
	if s.seen == nil {
		s.seen = make(map[string]string)
	}
	key := call.IdempotencyKey()
	if before, seen := s.seen[key]; seen && before != saw {
		s.odd = append(s.odd, fmt.Sprintf("%s[%s]: %s, then %s", call.Node, call.Element, before, saw))
	}
	s.seen[key] = saw
}

// effects gives the built-in types with every pure one made effectful and noted, so that each step is a commit.
func (s *sink) effects(t *testing.T) *nodes.Registry {
	t.Helper()
	types := builtin.Types()
	for i := range types {
		if types[i].Spec.Kind != nodes.Pure {
			continue
		}
		types[i].Spec.Kind = nodes.Effectful
		pure := types[i].Node
		types[i].Node = nodes.Func(func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			s.note(call)
			return pure.Execute(ctx, call)
		})
	}
	registry, err := nodes.NewRegistry(types...)
	require.NoError(t, err)
	return registry
}

// TestACrashAtAnyCommitChangesNothing cuts an engine off at each commit of each case in turn, before and after it,
// lets another engine go on, and expects what the case expects of a run that nothing happens to.
func TestACrashAtAnyCommitChangesNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/semantics/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		for _, c := range readCases(t, file) {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				if c.Race {
					c.Expect = expectation{Status: c.Expect.Status}
				}
				for commit := 1; ; commit++ {
					crashed := false
					for _, after := range []bool{false, true} {
						synctest.Test(t, func(t *testing.T) { crashed = c.crash(t, commit, after) })
					}
					if t.Failed() || !crashed {
						return
					}
				}
			})
		}
	}
}

// crash runs the case with a crash, and reports whether there were enough commits for it.
func (c *semanticCase) crash(t *testing.T, commit int, after bool) bool {
	t.Helper()
	document, err := flowforge.DecodeWorkflow(c.Workflow)
	require.NoError(t, err)
	kept := memory.New(memory.Config{})
	cut := &mortal{Store: kept, commits: commit, after: after}
	effects := &sink{}
	first, err := engine.New(engine.Config{Store: cut, Nodes: effects.effects(t)})
	require.NoError(t, err)
	second, err := engine.New(engine.Config{Store: kept, Nodes: effects.effects(t)})
	require.NoError(t, err)
	stopFirst := loop(t, first)
	run, err := first.Start(t.Context(), engine.StartRequest{Document: document, Input: c.Input})
	require.NoError(t, err)
	synctest.Wait()
	stopSecond := loop(t, second)

	c.checkEnd(t, second, run, effects, fmt.Sprintf("cut off at commit %d, after it: %v", commit, after))
	stopSecond()
	stopFirst()
	_ = first.Close(t.Context()) // the store is gone for it
	require.NoError(t, second.Close(t.Context()))
	return cut.dead
}

// checkEnd waits for the end of a run that something happened to, and expects what the case does.
func (c *semanticCase) checkEnd(t *testing.T, e *engine.Engine, run flowforge.Run, effects *sink, about string) {
	t.Helper()
	run, err := e.Wait(t.Context(), run.Workspace, run.ID)
	require.Equal(t, c.Expect.Status, string(run.Status), "%s: %v", about, err)
	if c.Expect.Output != nil {
		require.Equal(t, c.Expect.Output.String(), run.Output.String(), about)
	}
	if c.Expect.Error != "" {
		require.Equal(t, c.Expect.Error, flowforge.CodeOf(err), "%s: %v", about, err)
	}
	checkNodes(t, e, run, withoutAttempts(t, c.Expect.Nodes))
	checkEvents(t, e, run)
	require.Empty(t, effects.odd, about)
}

// withoutAttempts forgets how many attempts are expected: lost ones come to them.
func withoutAttempts(t *testing.T, expected map[string]json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	fewer := make(map[string]json.RawMessage, len(expected))
	for name, text := range expected {
		var want map[string]any
		if json.Unmarshal(text, &want) == nil {
			delete(want, "attempts")
			changed, err := json.Marshal(want)
			require.NoError(t, err)
			text = changed
		}
		fewer[name] = text
	}
	return fewer
}

// TestWhatIsPassedOnIsNotRecordedAgain lets a value double at each join, far beyond what could be written out, and
// crashes on the way.
func TestWhatIsPassedOnIsNotRecordedAgain(t *testing.T) {
	t.Parallel()
	const layers = 12
	var list []flowforge.Node
	var connections []string
	for layer := range layers {
		for side := range 2 {
			list = append(list, flowforge.Node{ID: flowforge.NodeID(fmt.Sprintf("n%d_%d", layer, side)), Type: "core.noop"})
			for from := range 2 {
				if layer > 0 {
					connections = append(connections, fmt.Sprintf("n%d_%d>n%d_%d", layer-1, from, layer, side))
				}
			}
		}
	}
	list = append(list, flowforge.Node{ID: "all", Type: "core.noop", Each: flowforge.MustValue("{{ nodes.n0_0.output.rows }}")})
	connections = append(connections, fmt.Sprintf("n%d_0>all", layers-1))
	document := workflow(connections, list...)
	document.Output = flowforge.MustValue("{{ nodes.all.output }}")
	rows := make([]any, 30)
	for i := range rows {
		rows[i] = strings.Repeat("x", 1_000)
	}
	text, err := json.Marshal(document)
	require.NoError(t, err)
	output := flowforge.MustValue(rows)
	c := semanticCase{
		Workflow: text, Input: flowforge.MustValue(map[string]any{"rows": rows}),
		Expect: expectation{Status: "succeeded", Output: &output},
	}
	for commit := 1; ; commit += 3 {
		crashed := false
		synctest.Test(t, func(t *testing.T) { crashed = c.crash(t, commit, true) })
		if t.Failed() || !crashed {
			return
		}
	}
}
