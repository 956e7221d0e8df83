package storetest

import (
	"context"
	"fmt"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// check compares the store with the model: no run is lost, its events are gapless and end with its end, its
// results are those that were recorded first, and no limit is exceeded.
func (w *world) check(*rapid.T) {
	ctx := context.Background()
	for _, r := range w.model.runs {
		run, err := w.kit.Store.Run(ctx, r.workspace, r.id)
		require.NoError(w, err)
		require.Equal(w, r.status, run.Status)
		require.Equal(w, r.seq, run.Seq)
		events, err := w.kit.Store.Events(ctx, r.workspace, r.id, 0, 10_000)
		require.NoError(w, err)
		require.Len(w, events, int(r.seq))
		for i, event := range events {
			require.Equal(w, int64(i+1), event.Seq)
			require.Equal(w, r.status.Terminal() && i == len(events)-1, event.Kind == flowforge.EventRunSucceeded)
		}
		nodes, err := w.kit.Store.NodeRuns(ctx, r.workspace, r.id, 0, 100)
		require.NoError(w, err)
		require.Len(w, nodes, len(r.nodes))
		for _, node := range nodes {
			require.Equal(w, r.nodes[node.Node].Status, node.Status)
			require.Equal(w, r.nodes[node.Node].FinishedAt.UnixMicro(), node.FinishedAt.UnixMicro())
		}
		for _, slot := range r.slots {
			sure, _ := w.model.holders(r.workspace, slot.Key)
			require.LessOrEqual(w, sure, slot.Limit, "the limit of slot %s is exceeded", slot.Key)
		}
	}
}

// finish ends all runs, which must be possible, and checks that no slot was lost.
func (w *world) finish() {
	for _, r := range w.model.runs {
		if !r.status.Terminal() && !r.held {
			message := store.Message{Workspace: r.workspace, Run: r.id, ID: "last", Kind: store.MessageCancel}
			w.code(w.model.send(message), w.kit.Store.Send(context.Background(), message))
		}
	}
	w.claimAll(nil)
	for _, r := range w.model.runs {
		if r.status.Terminal() {
			continue
		}
		require.True(w, r.held, "run %s of %s cannot be ended", r.id, r.workspace)
		end := store.Transition{
			Workspace: r.workspace, Run: r.id, Epoch: r.epoch, FromSeq: r.seq, ToSeq: r.seq + 1,
			Status: flowforge.RunSucceeded, End: &store.End{FinishedAt: w.kit.Now()},
			Events: []flowforge.Event{{Run: r.id, Seq: r.seq + 1, Kind: flowforge.EventRunSucceeded}},
		}
		answers, err := w.kit.Store.Commit(context.Background(), []store.Transition{end})
		require.NoError(w, err)
		require.NoError(w, answers[0].Err)
		w.code("", answers[0].Err)
		require.Empty(w, w.model.commit(&end))
	}
	w.check(nil)
	for _, workspace := range w.workspaces {
		for _, key := range []string{"single", "wide", "released"} {
			for i := range limits(key) + 1 {
				n := w.newRun(workspace, flowforge.RunID(fmt.Sprint(key, i)), key)
				n.Lease = &store.Lease{Worker: alice, For: long}
				require.Equal(w, i < limits(key), w.created(n).Epoch == 1, "slot %s was lost or given twice", key)
			}
		}
	}
}
