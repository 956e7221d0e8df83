package engine_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	queuememory "github.com/flowforge-go/flowforge/queue/memory"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// pools is an owner of runs and a worker of the pool "gpu" on one store. The node type "test.do" does what it is told
// to, and counts.
type pools struct {
	store  *memory.Store
	queue  *queuememory.Queue
	owner  *engine.Engine
	worker *engine.Engine
	stop   func() // ends the worker's loop
	begun  atomic.Int32
}

func newPools(t *testing.T, config engine.Config, run nodes.Func) *pools {
	t.Helper()
	p := onStore(t)
	p.owner = looped(t, engine.Config{Store: p.store, Queue: p.queue}, p.node(run))
	p.worker, p.stop = p.join(t, config, run)
	return p
}

func onStore(t *testing.T) *pools {
	t.Helper()
	p := &pools{store: memory.New(memory.Config{}), queue: queuememory.New()}
	t.Cleanup(func() { require.NoError(t, p.queue.Close()) })
	return p
}

// join adds a worker of the pool.
func (p *pools) join(t *testing.T, config engine.Config, run nodes.Func) (worker *engine.Engine, stop func()) {
	t.Helper()
	config.Store, config.Queue, config.Pools = p.store, p.queue, []string{"gpu"}
	worker = newEngine(t, config, p.node(run))
	return worker, loop(t, worker)
}

func (p *pools) node(run nodes.Func) nodes.Type {
	made := do("test.do", func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
		p.begun.Add(1)
		return run(ctx, call)
	})
	made.Spec.Credentials = []nodes.CredentialSlot{{Name: "auth"}}
	return made
}

// onGPU is a node of the pool.
func onGPU(change func(n *flowforge.Node)) *flowforge.Workflow {
	n := flowforge.Node{ID: "n", Type: "test.do", Pool: "gpu"}
	if change != nil {
		change(&n)
	}
	return workflow([]string{"n>after"}, n, flowforge.Node{ID: "after", Type: "core.noop"})
}

// untilEnded waits until an attempt is told to end.
func untilEnded(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (p *pools) node1(t *testing.T, run flowforge.Run) flowforge.NodeRun {
	t.Helper()
	return nodeRuns(t, p.owner, run)["n"]
}

func TestANodeOfAnotherPoolRunsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		credentials := nodes.StaticCredentials{"model-key": {Name: "model-key", Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret("s3cret")}}}
		p := newPools(t, engine.Config{Credentials: credentials}, func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			credential, err := call.Credential(ctx, "auth")
			require.NoError(t, err)
			call.Log().WarnContext(ctx, "computing", slog.Int("rows", 3))
			return flowforge.Out(flowforge.MustValue(map[string]any{
				"input": call.Input, "params": call.Params, "workflow": call.Workflow, "attempt": call.Attempt,
				"key": call.IdempotencyKey(), "token": len(credential.Fields["token"].Reveal()),
			})), nil
		})
		p.stop()
		run := started(t, p.owner, onGPU(func(n *flowforge.Node) {
			n.Params = params(map[string]any{"double": "{{ input.n * 2 }}"})
			n.Credentials = map[string]string{"auth": "model-key"}
		}), map[string]any{"n": 21})
		synctest.Wait()
		require.Equal(t, flowforge.RunWaiting, statusOf(t, p.owner, run), "the run keeps no worker while it waits")
		told, err := p.owner.Explain(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, `Node n waits for a worker of pool "gpu"; none has taken it.`, told.Causes[0].Text)
		require.Contains(t, told.Causes[0].Action, "--pools gpu")

		p.join(t, engine.Config{Credentials: credentials}, func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			credential, err := call.Credential(ctx, "auth")
			call.Log().WarnContext(ctx, "computing", slog.Int("rows", 3))
			return flowforge.Out(flowforge.MustValue(map[string]any{
				"input": call.Input, "params": call.Params, "workflow": call.Workflow, "attempt": call.Attempt,
				"token": len(credential.Fields["token"].Reveal()),
			})), err
		})
		found := ended(t, p.owner, run)
		require.Equal(t, flowforge.RunSucceeded, found.Status)
		require.JSONEq(t, `{"attempt": 1, "input": {"n": 21}, "params": {"double": 42}, "token": 6, "workflow": "test"}`, found.Output.String())
		logs, err := p.store.Logs(t.Context(), run.Workspace, run.ID, 0, 0)
		require.NoError(t, err)
		require.Len(t, logs, 1)
		require.Equal(t, "computing", logs[0].Message)
		require.Equal(t, flowforge.NodeID("n"), logs[0].Node)
	})
}

func TestATaskHoldsNoSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPools(t, engine.Config{}, untilEnded)
		p.stop()
		started(t, p.owner, onGPU(func(n *flowforge.Node) { n.Credentials = map[string]string{"auth": "model-key"} }), nil)
		synctest.Wait()
		tasks, err := p.store.ClaimTasks(t.Context(), store.Claim{
			Worker: "me", Pools: []string{"gpu"}, NodeTypes: []string{"test.do@1"}, Limit: 1, For: time.Second,
		})
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		require.Equal(t, map[string]any{"auth": "model-key"}, tasks[0].Task.Call.Any().(map[string]any)["credentials"])
	})
}

func TestACanceledRunWaitsForItsTask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claimed bool
		kind    flowforge.RunStatus
	}{"that nobody has": {false, flowforge.RunCanceled}, "that is under way": {true, flowforge.RunCanceled}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running atomic.Int32
				p := newPools(t, engine.Config{}, func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
					running.Add(1)
					defer running.Add(-1)
					<-ctx.Done()
					time.Sleep(3 * time.Second) // it takes its time
					return nil, ctx.Err()
				})
				if !c.claimed {
					p.stop()
				}
				run := started(t, p.owner, onGPU(nil), nil)
				synctest.Wait()
				require.NoError(t, p.owner.Cancel(t.Context(), run.Workspace, run.ID, "enough"))
				for !statusOf(t, p.owner, run).Terminal() {
					time.Sleep(100 * time.Millisecond)
				}
				require.Zero(t, running.Load(), "the run reads canceled while its attempt runs")
				require.Equal(t, c.kind, statusOf(t, p.owner, run))
				require.Equal(t, c.claimed, p.begun.Load() == 1)
				require.Equal(t, flowforge.NodeCanceled, p.node1(t, run).Status)
			})
		})
	}
}

// TestACanceledRunIsNotParkedForEver lets the worker of a canceled task be lost, and the run be parked between looks.
func TestACanceledRunIsNotParkedForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := onStore(t)
		p.owner = looped(t, engine.Config{Store: p.store, Queue: p.queue, ParkAfter: 100 * time.Millisecond}, p.node(untilEnded))
		run := started(t, p.owner, onGPU(nil), nil)
		synctest.Wait()
		claim := store.Claim{Worker: "dead", Pools: []string{"gpu"}, NodeTypes: []string{"test.do@1"}, Limit: 1, For: 3 * time.Second}
		dead, err := p.store.ClaimTasks(t.Context(), claim)
		require.NoError(t, err)
		require.Len(t, dead, 1)
		require.NoError(t, p.owner.Cancel(t.Context(), run.Workspace, run.ID, "enough"))
		time.Sleep(15 * time.Second)
		require.Equal(t, flowforge.RunCanceled, statusOf(t, p.owner, run))
	})
}

func TestALostTaskIsMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPools(t, engine.Config{}, func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.MustValue(call.Attempt)), nil
		})
		p.stop()
		run := started(t, p.owner, onGPU(nil), nil)
		atMostOnce := started(t, p.owner, onGPU(func(n *flowforge.Node) { n.Delivery = flowforge.AtMostOnce }), nil)
		synctest.Wait()
		claim := store.Claim{Worker: "dead", Pools: []string{"gpu"}, NodeTypes: []string{"test.do@1"}, Limit: 2, For: time.Second}
		dead, err := p.store.ClaimTasks(t.Context(), claim)
		require.NoError(t, err)
		require.Len(t, dead, 2)
		time.Sleep(time.Second)
		p.join(t, engine.Config{}, func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.MustValue(call.Attempt)), nil
		})
		time.Sleep(5 * time.Second) // virtual: the first look may be before it listens for hints
		require.Equal(t, "2", ended(t, p.owner, run).Output.String())
		n := p.node1(t, run)
		require.Equal(t, 1, n.Lost)
		require.Equal(t, 2, n.Attempts)
		require.Equal(t, flowforge.NodeInDoubt, p.node1(t, atMostOnce).Status)
		require.EqualValues(t, 1, p.begun.Load(), "what may happen once was begun again")
		for _, lost := range dead {
			require.ErrorIs(t, p.store.FinishTask(t.Context(), lost.Lease, store.TaskResult{}), &flowforge.Error{Code: flowforge.CodeStaleEpoch})
		}
	})
}

func TestALossIsCountedOnceWhileTheRunIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := onStore(t)
		run := func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			if call.Attempt == 1 {
				return untilEnded(ctx, call)
			}
			return flowforge.Out(flowforge.MustValue(call.Attempt)), nil
		}
		cut := &mute{Store: p.store}
		first := looped(t, engine.Config{Store: cut, Lease: 10 * time.Second}, p.node(run))
		document := onGPU(func(n *flowforge.Node) { n.Pool = "" })
		of := started(t, first, document, nil)
		time.Sleep(time.Second)
		require.NoError(t, first.Pause(t.Context(), of.Workspace, of.ID, ""))
		time.Sleep(2 * time.Second)
		cut.since.Store(true)
		time.Sleep(time.Minute)
		for range 3 { // each reads the run, which stays paused, and gives it back
			next := newEngine(t, engine.Config{Store: p.store}, p.node(run))
			stop := loop(t, next)
			require.NoError(t, next.Signal(t.Context(), engine.SignalRequest{Run: of.ID, Name: "wakes it"}))
			time.Sleep(10 * time.Second)
			require.Equal(t, 1, nodeRuns(t, next, of)["n"].Lost)
			stop()
		}
		last := looped(t, engine.Config{Store: p.store}, p.node(run))
		require.NoError(t, last.Resume(t.Context(), of.Workspace, of.ID))
		time.Sleep(10 * time.Second)
		require.Equal(t, "2", ended(t, last, of).Output.String())
		n := nodeRuns(t, last, of)["n"]
		require.Equal(t, 1, n.Lost)
		require.Equal(t, 2, n.Attempts)
	})
}

func TestALostTaskIsToldOfWhenTheStoreIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		once := func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.MustValue(call.Attempt)), nil
		}
		p := newPools(t, engine.Config{}, once)
		p.stop()
		run := started(t, p.owner, onGPU(nil), nil)
		synctest.Wait()
		_, err := p.store.ClaimTasks(t.Context(), store.Claim{
			Worker: "dead", Pools: []string{"gpu"}, NodeTypes: []string{"test.do@1"}, Limit: 1, For: time.Second,
		})
		require.NoError(t, err)
		away := &mute{Store: p.store}
		away.since.Store(true)
		looped(t, engine.Config{Store: away, Pools: []string{"gpu"}, Lease: 10 * time.Second}, p.node(once))
		time.Sleep(time.Minute) // longer than a lease, and than a worker's patience
		require.Zero(t, p.begun.Load())
		away.since.Store(false)
		time.Sleep(time.Minute)
		require.Equal(t, "2", ended(t, p.owner, run).Output.String())
	})
}

// mute is a store that takes and gives nothing for a time.
type mute struct {
	store.Store

	since atomic.Bool
}

func (m *mute) FinishTask(ctx context.Context, lease store.TaskLease, result store.TaskResult) error {
	if m.since.Load() {
		return flowforge.Errorf(flowforge.CodeUnavailable, "the store is away")
	}
	return m.Store.FinishTask(ctx, lease, result)
}

func (m *mute) Renew(ctx context.Context, leases []store.Lease) ([]store.Renewed, error) {
	if m.since.Load() {
		return nil, flowforge.Errorf(flowforge.CodeUnavailable, "the store is away")
	}
	return m.Store.Renew(ctx, leases)
}

func (m *mute) Claim(ctx context.Context, claim store.Claim) (store.Claims, error) {
	if m.since.Load() {
		return store.Claims{}, flowforge.Errorf(flowforge.CodeUnavailable, "the store is away")
	}
	return m.Store.Claim(ctx, claim)
}

func (m *mute) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	if m.since.Load() {
		return nil, flowforge.Errorf(flowforge.CodeUnavailable, "the store is away")
	}
	return m.Store.Commit(ctx, transitions)
}

func (m *mute) RenewTasks(ctx context.Context, leases []store.TaskLease) ([]store.RenewedTask, error) {
	if m.since.Load() {
		return nil, flowforge.Errorf(flowforge.CodeUnavailable, "the store is away")
	}
	return m.Store.RenewTasks(ctx, leases)
}

func TestTimeoutsOfATask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(n *flowforge.Node)
		code   flowforge.Code
		begun  int32
		took   time.Duration
	}{
		"of each attempt":       {func(n *flowforge.Node) { n.Timeout, n.Retry.MaxAttempts = flowforge.Duration(time.Minute), 2 }, flowforge.CodeTimeout, 2, 2 * time.Minute},
		"of the node":           {func(n *flowforge.Node) { n.NodeTimeout = flowforge.Duration(time.Minute) }, flowforge.CodeNodeTimeout, 1, time.Minute},
		"none is for the queue": {func(n *flowforge.Node) { n.Timeout = flowforge.Duration(time.Minute) }, flowforge.CodeTimeout, 1, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPools(t, engine.Config{}, untilEnded)
				began := time.Now()
				run := started(t, p.owner, onGPU(c.change), nil)
				time.Sleep(3 * time.Minute)
				found := ended(t, p.owner, run)
				require.Equal(t, c.code, found.Error.Code)
				require.Equal(t, c.begun, p.begun.Load())
				require.WithinDuration(t, began.Add(c.took), found.FinishedAt, 5*time.Second)
			})
		})
	}
}

func TestADrainedWorkerGivesItsTasksBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPools(t, engine.Config{}, untilEnded)
		run := started(t, p.owner, onGPU(nil), nil)
		synctest.Wait()
		require.EqualValues(t, 1, p.begun.Load())
		over, cancel := context.WithCancel(t.Context())
		cancel()
		closed := make(chan error, 1)
		go func() { closed <- p.worker.Close(over) }()
		synctest.Wait()
		require.NoError(t, <-closed)
		began := time.Now()
		p.join(t, engine.Config{}, func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.MustValue(call.Attempt)), nil
		})
		time.Sleep(4 * time.Second)
		require.Equal(t, "1", ended(t, p.owner, run).Output.String(), "it is the same attempt")
		require.Zero(t, p.node1(t, run).Lost)
		require.Less(t, time.Since(began), 5*time.Second, "nobody had to wait for the lease")
	})
}

func TestSlotsBoundWhatAttemptsCost(t *testing.T) {
	t.Parallel()
	for name, pool := range map[string]string{"of runs": "", "of tasks": "gpu"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running, most atomic.Int32
				costly := func(context.Context, *nodes.Call) (flowforge.Ports, error) {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					time.Sleep(time.Second)
					return flowforge.Out(flowforge.Value{}), nil
				}
				p := onStore(t)
				bounded := engine.Config{Store: p.store, Queue: p.queue, Slots: 6, Costs: map[string]int{"test.do": 2}}
				p.owner = looped(t, bounded, p.node(costly))
				p.join(t, bounded, costly)
				document := onGPU(func(n *flowforge.Node) {
					n.Pool, n.Each, n.EachParallel = pool, flowforge.MustValue("{{ input }}"), 20
				})
				began := time.Now()
				run := started(t, p.owner, document, make([]int, 9))
				time.Sleep(time.Minute)
				require.Equal(t, flowforge.RunSucceeded, ended(t, p.owner, run).Status)
				require.EqualValues(t, 3, most.Load())
				require.WithinDuration(t, began.Add(3*time.Second), ended(t, p.owner, run).FinishedAt, 6*time.Second)
			})
		})
	}
	_, err := engine.New(engine.Config{Slots: 1, Costs: map[string]int{"test.do": 2}})
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
}

func TestAWorkflowNamesItsPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPools(t, engine.Config{}, func(context.Context, *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.Value{}), nil
		})
		p.stop()
		document := onGPU(func(n *flowforge.Node) { n.Pool = "" })
		document.Settings.Pool = "gpu"
		run := started(t, p.owner, document, nil)
		time.Sleep(time.Minute)
		require.Equal(t, flowforge.RunQueued, statusOf(t, p.owner, run), "a worker of another pool has taken the run")
		p.join(t, engine.Config{}, func(context.Context, *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.Value{}), nil
		})
		require.Equal(t, flowforge.RunSucceeded, ended(t, p.owner, run).Status)
		require.Equal(t, "gpu", ended(t, p.owner, run).Pool)
	})
}
