// Package enginetest checks that an engine keeps its promises on a store that is kept in a database: that runs are
// part of the program's transactions, and that what a node writes is part of the run's.
package enginetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// Program is a program around an engine: a store, and a table `notes` of texts in the same database.
type Program struct {
	Store store.Store

	// Begin begins a transaction of the program.
	Begin func(t *testing.T) Transaction
	// Insert adds a note in the transaction that a node finds in its context.
	Insert func(ctx context.Context, note string) error
	// Notes gives all that are committed.
	Notes func(t *testing.T) []string
}

// Transaction is one of the program's.
type Transaction struct {
	Tx       store.Tx
	Insert   func(note string) error
	Commit   func() error
	Rollback func() error
}

// Run checks an engine on the store that open makes.
func Run(t *testing.T, open func(t *testing.T) Program) {
	t.Helper()
	cases := []struct {
		name string
		run  func(t *testing.T, p Program)
	}{
		{"a run starts with the program's transaction", startsWithTransaction},
		{"no run starts with a transaction that is rolled back", startsNotWithoutTransaction},
		{"what a node writes is committed with its result", writesWithResult},
		{"what a node wrote is gone if it fails", writesNothingOnFailure},
		{"a run that was left goes on where it was", goesOn},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

// document makes a workflow of nodes in sequence, each of the type of its name.
func document(names ...string) *flowforge.Workflow {
	made := &flowforge.Workflow{Name: "test"}
	for i, name := range names {
		id := flowforge.NodeID("n" + string(rune('0'+i)))
		made.Nodes = append(made.Nodes, flowforge.Node{ID: id, Type: name})
		if i > 0 {
			made.Connections = append(made.Connections, flowforge.Connection{
				From: flowforge.Endpoint{Node: made.Nodes[i-1].ID}, To: flowforge.Endpoint{Node: id},
			})
		}
	}
	return made
}

// start makes an engine on the program's store, with its worker loop.
func (p *Program) start(t *testing.T, types ...nodes.Type) (e *engine.Engine, stop func()) {
	t.Helper()
	types = append(types, nodes.Type{
		Spec: nodes.Spec{Type: "test.write", Transactional: true},
		Node: nodes.Func(func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(call.Input), p.Insert(ctx, call.IdempotencyKey())
		}),
	}, nodes.Type{
		Spec: nodes.Spec{Type: "test.refuse", Transactional: true},
		Node: nodes.Func(func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return nil, errors.Join(p.Insert(ctx, call.IdempotencyKey()), errors.New("refused"))
		}),
	})
	registry, err := nodes.NewRegistry(types...)
	require.NoError(t, err)
	e, err = engine.New(engine.Config{Store: p.Store, Nodes: registry, Lease: 2 * time.Second})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended)
			require.NoError(t, e.Close(context.Background()))
		}
	}
	t.Cleanup(stop)
	return e, stop
}

func startsWithTransaction(t *testing.T, p Program) {
	t.Helper()
	e, _ := p.start(t)
	tx := p.Begin(t)
	require.NoError(t, tx.Insert("order"))
	pending, err := e.StartIn(t.Context(), tx.Tx, engine.StartRequest{Document: document("test.write")})
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	pending.Wake(t.Context())
	run, err := e.Wait(t.Context(), pending.Run.Workspace, pending.Run.ID)
	require.NoError(t, err)
	require.Equal(t, flowforge.RunSucceeded, run.Status)
	require.Len(t, p.Notes(t), 2)
}

func startsNotWithoutTransaction(t *testing.T, p Program) {
	t.Helper()
	e, _ := p.start(t)
	tx := p.Begin(t)
	require.NoError(t, tx.Insert("order"))
	pending, err := e.StartIn(t.Context(), tx.Tx, engine.StartRequest{Document: document("test.write")})
	require.NoError(t, err)
	require.NoError(t, tx.Rollback())
	_, err = e.GetRun(t.Context(), pending.Run.Workspace, pending.Run.ID)
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeNotFound})
	require.Empty(t, p.Notes(t))
}

func writesWithResult(t *testing.T, p Program) {
	t.Helper()
	e, _ := p.start(t)
	run, err := e.DoRequest(t.Context(), engine.StartRequest{
		Document: document("test.write", "test.write", "test.write"), Input: flowforge.MustValue(7),
	})
	require.NoError(t, err)
	require.Equal(t, "7", run.Output.String())
	require.Len(t, p.Notes(t), 3)
}

func writesNothingOnFailure(t *testing.T, p Program) {
	t.Helper()
	e, _ := p.start(t)
	_, err := e.Do(t.Context(), document("test.write", "test.refuse"), nil)
	require.ErrorContains(t, err, "refused")
	require.Len(t, p.Notes(t), 1)
}

func goesOn(t *testing.T, p Program) {
	t.Helper()
	reached := make(chan struct{}, 10)
	var again atomic.Bool
	slow := nodes.Type{
		Spec: nodes.Spec{Type: "test.slow"},
		Node: nodes.Func(func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			reached <- struct{}{}
			if !again.Load() {
				<-ctx.Done() // until its engine is closed
				return nil, ctx.Err()
			}
			return flowforge.Out(call.Input), nil
		}),
	}
	ctx, cancel := context.WithCancel(t.Context())
	registry, err := nodes.NewRegistry(slow, nodes.Type{
		Spec: nodes.Spec{Type: "test.write", Transactional: true},
		Node: nodes.Func(func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(call.Input), p.Insert(ctx, call.IdempotencyKey())
		}),
	})
	require.NoError(t, err)
	left, err := engine.New(engine.Config{Store: p.Store, Nodes: registry, Lease: 2 * time.Second})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- left.Run(ctx) }()
	run, err := left.Start(t.Context(), engine.StartRequest{Document: document("test.write", "test.slow", "test.write"), Input: flowforge.MustValue(5)})
	require.NoError(t, err)
	<-reached
	cancel()
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	require.Error(t, left.Close(gone), "it gives the run back")
	require.NoError(t, <-ended)
	again.Store(true)
	e, _ := p.start(t, slow)
	run, err = e.Wait(t.Context(), run.Workspace, run.ID)
	require.NoError(t, err)
	require.Equal(t, "5", run.Output.String())
	require.Len(t, p.Notes(t), 2, "the first node did not write again")
}
