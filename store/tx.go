package store

import "context"

// Tx is a transaction of the program around the engine. The store's own package makes it of what the program
// has, as sqlstore.Tx does.
type Tx interface{ FlowForgeTx() }

// Transactional is a store whose writes can be part of a transaction that does other things, too. Not every
// store is one.
type Transactional interface {
	// CreateIn is Create within the program's transaction: there are runs if it commits. They are never leased.
	CreateIn(ctx context.Context, tx Tx, runs []NewRun) ([]Created, error)

	// CommitWith opens a transaction, locks the run, which is CodeStaleEpoch without its lease, and calls work,
	// whose context carries the transaction. The transition that work returns is committed in it, alone; an
	// error of work or of the transition rolls all of it back. Its lease alone does not end the transaction.
	CommitWith(ctx context.Context, lease Lease, work func(ctx context.Context) (Transition, error)) (Committed, error)
}
