package engine

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Pending is a run that a transaction of the program creates if it commits.
type Pending struct {
	Run flowforge.Run

	engine *Engine
}

// Wake tells the workers of the run. It is called after the transaction has committed; without it the run begins
// all the same, a little later.
func (p *Pending) Wake(ctx context.Context) { p.engine.hint(ctx, p.Run) }

// StartIn is Start within a transaction of the program: there is a run if it commits, and none if it does not. The
// transaction is made of the program's own by the store's package, such as sqlstore.Tx. A store that cannot do so
// is an Error with CodeUnsupported.
func (e *Engine) StartIn(ctx context.Context, tx store.Tx, request StartRequest) (*Pending, error) {
	transactional, can := e.config.Store.(store.Transactional)
	if !can {
		return nil, flowforge.Errorf(flowforge.CodeUnsupported,
			"this store has no transactions to share: use one that is kept in a database")
	}
	fresh, _, err := e.prepare(ctx, request)
	if err != nil {
		return nil, err
	}
	answers, err := transactional.CreateIn(ctx, tx, []store.NewRun{fresh})
	if err != nil {
		return nil, err
	}
	if err := refusal(answers[0]); err != nil {
		return nil, err
	}
	return &Pending{Run: answers[0].Run, engine: e}, nil
}
