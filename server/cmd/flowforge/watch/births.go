// Package watch stands between an engine and its store, and tells a command line what happens to runs: which come
// into being, which are taken over and end, and whether any are left.
package watch

import (
	"context"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Births is a store that tells which runs come into being: the run itself before it begins, so that nothing of it
// is missed, and those that are started by its end.
type Births struct {
	store.Store
	Created func(run flowforge.Run) // called before the run begins; may be nil

	mu       sync.Mutex
	handlers []flowforge.Run
}

// Create makes runs and tells of them.
func (b *Births) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	answers, err := b.Store.Create(ctx, runs)
	if b.Created != nil {
		for _, answer := range answers {
			if answer.Err == nil {
				b.Created(answer.Run)
			}
		}
	}
	return answers, err
}

// Commit applies transitions and remembers the handlers that they have started.
func (b *Births) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
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

// Started gives the handlers that were started.
func (b *Births) Started() []flowforge.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handlers
}
