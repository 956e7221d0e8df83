package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// do is a node of a test: a function of the call.
func do(name string, run func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error)) nodes.Type {
	return nodes.Type{Spec: nodes.Spec{Type: name, Kind: nodes.Effectful}, Node: nodes.Func(run)}
}

// newEngine makes an engine that knows the built-in types and some more, and closes it with the test.
func newEngine(t *testing.T, config engine.Config, types ...nodes.Type) *engine.Engine {
	t.Helper()
	registry, err := nodes.NewRegistry(append(builtin.Types(), types...)...)
	require.NoError(t, err)
	config.Nodes = registry
	e, err := engine.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	return e
}

// workflow makes a document of nodes and of connections written "a.port>b".
func workflow(connections []string, list ...flowforge.Node) *flowforge.Workflow {
	document := &flowforge.Workflow{Name: "test", Graph: flowforge.Graph{Nodes: list}}
	for _, text := range connections {
		var c flowforge.Connection
		var from, to string
		for i := range text {
			if text[i] == '>' {
				from, to = text[:i], text[i+1:]
			}
		}
		if err := errors.Join(c.From.UnmarshalText([]byte(from)), c.To.UnmarshalText([]byte(to))); err != nil {
			panic(err)
		}
		document.Connections = append(document.Connections, c)
	}
	return document
}

func params(fields map[string]any) flowforge.Value { return flowforge.MustValue(fields) }

// nodeRuns gives the node runs of a run by node and element: "node" or "node[path]".
func nodeRuns(t *testing.T, e *engine.Engine, run flowforge.Run) map[string]flowforge.NodeRun {
	t.Helper()
	byName := make(map[string]flowforge.NodeRun)
	for node, err := range e.NodeRuns(t.Context(), run.Workspace, run.ID) {
		require.NoError(t, err)
		name := string(node.Node)
		if node.Element != "" {
			name += "[" + node.Element + "]"
		}
		byName[name] = node
	}
	return byName
}

func TestBranchesRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	// Each branch waits for the other: it ends only if both run at once.
	var both sync.WaitGroup
	both.Add(2)
	e := newEngine(t, engine.Config{}, do("test.meet", func(context.Context, *nodes.Call) (flowforge.Ports, error) {
		both.Done()
		both.Wait()
		return flowforge.Ports{}, nil
	}))
	_, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "a", Type: "test.meet"}, flowforge.Node{ID: "b", Type: "test.meet"}), nil)
	require.NoError(t, err)
}

// enter counts an attempt until leave is called.
func (g *gauge) enter() (leave func()) {
	now := g.now.Add(1)
	for {
		most := g.most.Load()
		if now <= most || g.most.CompareAndSwap(most, now) {
			return func() { g.now.Add(-1) }
		}
	}
}

// gauge counts how many attempts run at the same time.
type gauge struct{ now, most atomic.Int64 }

func (g *gauge) node(name string) nodes.Type {
	return do(name, func(context.Context, *nodes.Call) (flowforge.Ports, error) {
		defer g.enter()()
		time.Sleep(time.Second)
		return flowforge.Out(flowforge.Value{}), nil
	})
}

func TestBoundsOnWhatRunsAtTheSameTime(t *testing.T) {
	t.Parallel()
	many := make([]flowforge.Node, 20)
	for i := range many {
		many[i] = flowforge.Node{ID: flowforge.NodeID(fmt.Sprintf("n%d", i)), Type: "test.count"}
	}
	list := make([]any, 20)
	narrow := workflow(nil, many...)
	narrow.Settings.MaxParallel = 3
	tests := []struct {
		name     string
		workers  int
		document *flowforge.Workflow
		want     int64
	}{
		{"the engine's workers", 5, workflow(nil, many...), 5},
		{"max_parallel", 0, narrow, 3},
		{"each_parallel", 0, workflow(nil, flowforge.Node{ID: "n", Type: "test.count", Each: flowforge.MustValue(list), EachParallel: 4}), 4},
		{"each without each_parallel", 0, workflow(nil, flowforge.Node{ID: "n", Type: "test.count", Each: flowforge.MustValue(list)}), 16},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var g gauge
				e := newEngine(t, engine.Config{Workers: test.workers}, g.node("test.count"))
				_, err := e.Do(t.Context(), test.document, nil)
				require.NoError(t, err)
				require.Equal(t, test.want, g.most.Load())
			})
		})
	}
}

func TestAttemptTimeoutIsAFailureThatIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{}, do("test.slow", func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			if call.Attempt == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return flowforge.Out(flowforge.MustValue("done")), nil
		}))
		node := flowforge.Node{
			ID: "n", Type: "test.slow", Timeout: flowforge.Duration(time.Second),
			Retry: flowforge.RetryPolicy{MaxAttempts: 2, RetryOn: []flowforge.Code{flowforge.CodeTimeout}},
		}
		run, err := e.Do(t.Context(), workflow(nil, node), nil)
		require.NoError(t, err)
		require.Equal(t, "done", run.Output.Any())
		require.Equal(t, 2, nodeRuns(t, e, run)["n"].Attempts)
	})
}

// meter counts abandoned attempts and runs that schedules started.
type meter struct{ abandoned, fired, late atomic.Int64 }

func (*meter) RunEnded(flowforge.Run)                                 {}
func (*meter) AttemptEnded(string, time.Duration, *flowforge.Failure) {}
func (m *meter) AttemptAbandoned(string)                              { m.abandoned.Add(1) }
func (*meter) Committed(int, time.Duration)                           {}
func (m *meter) ScheduleFired(late time.Duration)                     { m.fired.Add(1); m.late.Add(int64(late)) }

func TestANodeThatOutlivesItsEndIsAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var m meter
		e := newEngine(t, engine.Config{Meter: &m, Workers: 2}, do("test.deaf", func(context.Context, *nodes.Call) (flowforge.Ports, error) {
			<-release
			return flowforge.Out(flowforge.MustValue("too late")), nil
		}))
		began := time.Now()
		run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "test.deaf", Timeout: flowforge.Duration(time.Second)}), nil)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeTimeout})
		require.Equal(t, 11*time.Second, time.Since(began), "its timeout and ten seconds of patience")
		require.EqualValues(t, 1, m.abandoned.Load())
		node := nodeRuns(t, e, run)["n"]
		require.Equal(t, flowforge.NodeFailed, node.Status)
		require.Empty(t, node.Output)

		// The other worker goes on; the abandoned one comes back once its attempt ends.
		_, err = e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}), nil)
		require.NoError(t, err)
		close(release)
		synctest.Wait()
		require.Equal(t, flowforge.NodeFailed, nodeRuns(t, e, run)["n"].Status, "a late result is discarded")
	})
}

func TestAPanicFailsItsNodeOnly(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{}, do("test.panic", func(context.Context, *nodes.Call) (flowforge.Ports, error) {
		panic("oh no")
	}))
	run, err := e.Do(t.Context(), workflow([]string{"n.error>rescue"},
		flowforge.Node{ID: "n", Type: "test.panic", OnError: flowforge.OnErrorRoute, Retry: flowforge.RetryPolicy{MaxAttempts: 3}},
		flowforge.Node{ID: "rescue", Type: "core.set", Params: params(map[string]any{
			"mode": "replace", "values": map[string]any{"code": "{{ input.code }}", "text": "{{ input.message }}"},
		})},
	), nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"code": "panic", "text": "the node panicked: oh no"}`, run.Output.String())
	require.Equal(t, 1, nodeRuns(t, e, run)["n"].Attempts, "a panic is not tried again")
}

func TestWhatErrorsSayAboutTryingAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		err      error
		attempts int
		took     time.Duration
	}{
		{"plain", errors.New("busy"), 3, 3 * time.Second},
		{"permanent", nodes.Permanent(errors.New("no")), 1, 0},
		{"after", nodes.RetryAfter(errors.New("busy"), time.Minute), 3, 2 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keys := make(map[string]bool)
				e := newEngine(t, engine.Config{}, do("test.fail", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
					keys[call.IdempotencyKey()] = true
					return nil, test.err
				}))
				began := time.Now()
				run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "test.fail", Retry: flowforge.RetryPolicy{
					MaxAttempts: 3, InitialInterval: flowforge.Duration(time.Second), Jitter: flowforge.JitterNone,
				}}), nil)
				require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeNodeFailed})
				require.Equal(t, test.attempts, nodeRuns(t, e, run)["n"].Attempts)
				require.Equal(t, test.took, time.Since(began))
				require.Len(t, keys, 1, "all attempts have the same idempotency key")
			})
		})
	}
}

func TestWhatMayHappenOnceIsTriedAgainOnlyIfItDidNotHappen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		err      error
		attempts int
	}{
		{"an error that does not say", errors.New("lost the answer"), 1},
		{"an error that says it is not done", nodes.NotDone(errors.New("no connection")), 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t, engine.Config{}, do("test.once", func(context.Context, *nodes.Call) (flowforge.Ports, error) {
					return nil, test.err
				}))
				run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{
					ID: "n", Type: "test.once", Delivery: flowforge.AtMostOnce, Retry: flowforge.RetryPolicy{MaxAttempts: 3},
				}), nil)
				require.Error(t, err)
				require.Equal(t, test.attempts, nodeRuns(t, e, run)["n"].Attempts)
			})
		})
	}
}

func TestElementsHaveKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	keys := make(map[string]bool)
	e := newEngine(t, engine.Config{}, do("test.key", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
		mu.Lock()
		defer mu.Unlock()
		keys[call.IdempotencyKey()] = true
		return flowforge.Out(call.Input), nil
	}))
	run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "test.key", Each: flowforge.MustValue("{{ input }}")}), []int{5, 6, 7})
	require.NoError(t, err)
	require.Len(t, keys, 3)
	require.JSONEq(t, `[5, 6, 7]`, run.Output.String(), "an element is the input of its node")
}

func TestOutputsNobodyWillReadStayInTheHistory(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	set := func(id flowforge.NodeID) flowforge.Node {
		return flowforge.Node{ID: id, Type: "core.set", Params: params(map[string]any{"values": map[string]any{string(id): "{{ input }}"}})}
	}
	document := workflow([]string{"a>b", "b>c", "c>d"}, set("a"), set("b"), set("c"), set("d"))
	document.Output = flowforge.MustValue("{{ [nodes.b.output, nodes.d.output] }}")
	run, err := e.Do(t.Context(), document, 1)
	require.NoError(t, err)
	got := nodeRuns(t, e, run)
	for _, id := range []string{"a", "b", "c", "d"} {
		require.NotEmpty(t, got[id].Output, id)
	}
}

func TestPinnedOutputsAreUsedInTestRunsOnly(t *testing.T) {
	t.Parallel()
	pinned := flowforge.MustValue("pinned")
	e := newEngine(t, engine.Config{})
	document := workflow(nil, flowforge.Node{ID: "n", Type: "core.noop", Pinned: &pinned})
	for _, test := range []bool{false, true} {
		run, err := e.DoRequest(t.Context(), engine.StartRequest{Document: document, Input: flowforge.MustValue("real"), Test: test})
		require.NoError(t, err)
		require.Equal(t, map[bool]any{false: "real", true: "pinned"}[test], run.Output.Any())
	}
	document.Nodes[0].Each = flowforge.MustValue("{{ input.list }}")
	run, err := e.DoRequest(t.Context(), engine.StartRequest{Document: document, Test: true})
	require.NoError(t, err, "a pinned loop has no elements to find")
	require.Equal(t, "pinned", run.Output.Any())
}

func TestInputMustFitItsSchema(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"})
	document.InputSchema = flowforge.MustValue(map[string]any{"type": "object", "required": []any{"email"}})
	_, err := e.Do(t.Context(), document, map[string]any{"mail": 1})
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
	require.ErrorContains(t, err, `"email" is missing`)
}

func TestCredentialsReachTheNodeThatNamesThem(t *testing.T) {
	t.Parallel()
	typ := do("test.secret", func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
		credential, err := call.Credential(ctx, "auth")
		if err != nil {
			return nil, err
		}
		return flowforge.Out(flowforge.MustValue(len(credential.Fields["token"].Reveal()))), nil
	})
	typ.Spec.Credentials = []nodes.CredentialSlot{{Name: "auth", Types: []string{"bearer"}}}
	e := newEngine(t, engine.Config{Credentials: nodes.StaticCredentials{
		"crm": {Name: "crm", Type: "bearer", Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret("12345")}},
	}}, typ)
	run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "test.secret", Credentials: map[string]string{"auth": "crm"}}), nil)
	require.NoError(t, err)
	require.EqualValues(t, 5, run.Output.Any())

	_, err = e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "test.secret", Credentials: map[string]string{"auth": "other"}}), nil)
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeCredential})
}

func TestAGraphThatDoublesAtEachJoinRuns(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := layers(10_000, "core.noop")
	run, err := e.Do(t.Context(), document, "x")
	require.NoError(t, err)
	require.Equal(t, "done", run.Output.Any())

	document.Output = flowforge.Value{}
	run, err = e.Do(t.Context(), document, "x")
	require.NoError(t, err, "nobody asked for the output that is too large")
	require.Contains(t, run.Reason, "the output was left out")
}
