package engine

import (
	"cmp"
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// transactLimit bounds an attempt within a transaction: meanwhile the run, and in a file database every writer, waits.
const transactLimit = time.Second

// isTransactional reports whether the node's effect is committed with its result.
func (a *activity) isTransactional() bool {
	return a.node.Type.Spec.Transactional && !a.passesOn()
}

// transact makes an attempt within a transaction that commits what the node wrote together with its result and all
// that led to it: the effect happens exactly once. It is called with the lock held, and without a commit under way.
func (r *run) transact(a *activity) {
	shared, can := r.engine.config.Store.(store.Transactional)
	r.committing = true
	r.mu.Unlock()
	ctx, begun := r.beginAttempt(a)
	var failed error
	var transition store.Transition
	answer, err := store.Committed{}, error(nil)
	switch {
	case !begun:
	case !can:
		failed = nodes.Permanent(flowforge.Errorf(flowforge.CodeUnsupported,
			"%s writes in the transaction that records its result, which this store cannot share: keep runs in a database", a.node.Doc.Type))
	default:
		r.limitAttempt(a)
		ctx, cancel := context.WithTimeoutCause(ctx, transactLimit, errTimeout)
		answer, err = shared.CommitWith(ctx, r.lease, func(ctx context.Context) (store.Transition, error) {
			ports, problem := r.execute(ctx, a)
			if problem != nil {
				failed = problem
				return store.Transition{}, problem
			}
			transition = r.transacted(a, ports) //nolint:contextcheck // The run goes on in contexts of its own.
			return transition, nil
		})
		cancel()
	}
	r.mu.Lock()
	r.committing = false
	switch {
	case r.lost != nil:
	case !begun:
		r.apply(dag.Event{Kind: dag.Canceled, At: a.ref})
	case failed != nil:
		r.apply(r.attemptEvent(a, nil, failed))
	case cmp.Or(err, answer.Err) != nil && r.live[a.ref] == a:
		r.apply(r.attemptEvent(a, nil, cmp.Or(err, answer.Err)))
	case cmp.Or(err, answer.Err) != nil:
		// The plan has gone on with a result that may not be written: what is written is gone on with instead.
		r.engine.logger.ErrorContext(ctx, "commit with a node", "run", r.info.ID, "node", a.node.Doc.ID, "error", cmp.Or(err, answer.Err))
		r.handBack(r.engine.base)
	default:
		r.written(&transition, answer, nil)
	}
}

// transacted tells the plan that a node has succeeded whose transaction is to be committed, and gives the transition
// that is committed with it.
func (r *run) transacted(a *activity, ports flowforge.Ports) store.Transition {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apply(r.attemptEvent(a, ports, nil))
	return *r.transition(nil)
}
