package memory_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

const workspace = flowforge.Workspace("acme")

func newRun(i int) store.NewRun {
	return store.NewRun{
		Run: flowforge.Run{
			ID: flowforge.RunID("0199c8a1-0000-7000-8000-" + fmt.Sprintf("%012d", i)), Workspace: workspace,
			Workflow: flowforge.WorkflowRef{Name: "w", Hash: "h"}, CreatedAt: time.Unix(int64(i), 0).UTC(),
		},
		Document:  store.Document{Hash: "h"},
		NodeTypes: []string{"core.set@1"},
	}
}

func eager(i int) store.NewRun {
	n := newRun(i)
	n.Lease = &store.Lease{Worker: "worker", For: time.Minute}
	return n
}

func create(tb testing.TB, s *memory.Store, runs ...store.NewRun) []store.Created {
	tb.Helper()
	created, err := s.Create(context.Background(), runs)
	require.NoError(tb, err)
	return created
}

// step is the transition that ends node i of a run and starts the next.
func step(run flowforge.RunID, i int, nodes []flowforge.NodeID) store.Transition {
	t := store.Transition{
		Events: make([]flowforge.Event, 1), Nodes: make([]flowforge.NodeRun, 2), Status: flowforge.RunRunning,
	}
	refill(&t, run, i, nodes)
	return t
}

// refill makes t the step, in the memory that it has: a store keeps none of it.
func refill(t *store.Transition, run flowforge.RunID, i int, nodes []flowforge.NodeID) {
	at := time.Unix(1_000, 0).UTC()
	t.Workspace, t.Run, t.Epoch, t.FromSeq, t.ToSeq = workspace, run, 1, int64(i+1), int64(i+2)
	t.Events[0] = flowforge.Event{
		Run: run, Seq: t.ToSeq, Kind: flowforge.EventNodeSucceeded, At: at, Node: nodes[i], Attempt: 1,
	}
	t.Nodes[0] = flowforge.NodeRun{
		Node: nodes[i], Status: flowforge.NodeSucceeded, Attempts: 1, StartedAt: at, FinishedAt: at,
	}
	t.Nodes[1] = flowforge.NodeRun{Node: nodes[i+1], Status: flowforge.NodeRunning, Attempts: 1, StartedAt: at}
}

func names(n int) []flowforge.NodeID {
	nodes := make([]flowforge.NodeID, n)
	for i := range nodes {
		nodes[i] = flowforge.NodeID("node_" + strconv.Itoa(i))
	}
	return nodes
}

// BenchmarkCommitStep is one step of a run with many in sequence: a result, and the start of the next node.
func BenchmarkCommitStep(b *testing.B) {
	for _, steps := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("nodes=%d", steps), func(b *testing.B) {
			nodes := names(steps + 1)
			s := memory.New(memory.Config{})
			ctx := context.Background()
			runs := make([]flowforge.RunID, b.N/steps+1)
			for i := range runs {
				runs[i] = create(b, s, eager(i))[0].Run.ID
			}
			batch := []store.Transition{step(runs[0], 0, nodes)}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				refill(&batch[0], runs[i/steps], i%steps, nodes)
				if answers, err := s.Commit(ctx, batch); err != nil || answers[0].Err != nil {
					b.Fatal(err, answers)
				}
			}
		})
	}
}

// BenchmarkCreateCommit is the whole life of a run that starts eagerly: created leased, then ended in one commit.
func BenchmarkCreateCommit(b *testing.B) {
	s := memory.New(memory.Config{})
	ctx := context.Background()
	b.ReportAllocs()
	for i := range b.N {
		n := eager(i)
		create(b, s, n)
		answers, err := s.Commit(ctx, []store.Transition{end(n.Run.ID)})
		if err != nil || answers[0].Err != nil {
			b.Fatal(err, answers)
		}
	}
}

func end(run flowforge.RunID) store.Transition {
	return store.Transition{
		Workspace: workspace, Run: run, Epoch: 1, FromSeq: 1, ToSeq: 2,
		Events: []flowforge.Event{{Run: run, Seq: 2, Kind: flowforge.EventRunSucceeded}},
		Status: flowforge.RunSucceeded, End: &store.End{FinishedAt: time.Unix(1_000, 0).UTC()},
	}
}

// BenchmarkCreateClaim makes a run and claims the oldest, with a backlog of queued runs.
func BenchmarkCreateClaim(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			s := memory.New(memory.Config{})
			ctx := context.Background()
			for i := range backlog {
				create(b, s, newRun(i))
			}
			claim := store.Claim{
				Worker: "worker", Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: 1, For: time.Hour,
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				create(b, s, newRun(backlog+i))
				if claims, err := s.Claim(ctx, claim); err != nil || len(claims.Runs) != 1 {
					b.Fatal(err, claims)
				}
			}
		})
	}
}
