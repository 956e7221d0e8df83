package main

import (
	"context"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// births is a store that tells which runs come into being: the run itself before it begins, so that nothing of it
// is missed, and those that are started by its end.
type births struct {
	store.Store
	created func(run flowforge.Run) // called before the run begins; may be nil

	mu       sync.Mutex
	handlers []flowforge.Run
}

// Create makes runs and tells of them.
func (b *births) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	answers, err := b.Store.Create(ctx, runs)
	if b.created != nil {
		for _, answer := range answers {
			if answer.Err == nil {
				b.created(answer.Run)
			}
		}
	}
	return answers, err
}

// Commit applies transitions and remembers the handlers that they have started.
func (b *births) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	answers, err := b.Store.Commit(ctx, transitions)
	for _, answer := range answers {
		for _, started := range answer.Started {
			if started.Err == nil && started.Run.Origin != nil && started.Run.Origin.Kind == flowforge.OriginOnFailure {
				b.mu.Lock()
				b.handlers = append(b.handlers, started.Run)
				b.mu.Unlock()
			}
		}
	}
	return answers, err
}

// started gives the handlers that were started.
func (b *births) started() []flowforge.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handlers
}
