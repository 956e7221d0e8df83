// Package store is the contract of what FlowForge keeps: workflows, runs with their node runs and events, the
// messages sent to runs, tasks, schedules, variables and blobs. The store is the truth; queues and buses only make
// things faster.
//
// Three rules hold for every implementation, and store/storetest checks them. A run is written only by who
// holds its lease: each lease has an epoch, and a write with another epoch is refused alone, without failing
// its batch. Sending a write again after an unknown outcome is safe. Another workspace's object answers
// exactly as one that does not exist: an Error with flowforge.CodeNotFound.
//
// Instants are kept to the microsecond at least, values as their canonical JSON. What a store is given and what
// it gives out is shared: neither side changes it. A closed store answers flowforge.CodeClosed. One that cannot
// be reached just now, or cannot write, answers flowforge.CodeUnavailable: what was asked may have happened, and
// asking again is safe.
package store

import (
	"context"
	"io"
	"time"
)

// Store is everything an engine needs.
//
//nolint:interfacebloat // It is the sum of the roles, for who opens one; who uses a store takes roles.
type Store interface {
	Runs
	Inbox
	History
	Insight
	Workflows
	Variables
	Schedules
	Tasks
	Jobs
	Blobs
	Retention
	Quotas
	io.Closer
}

// Runs is how an engine creates, owns and advances runs. Its methods take many at once, since the cost of a
// store is the round trip; each item is judged alone.
type Runs interface {
	// Create makes runs. One whose ID exists, or whose workspace has seen its IdempotencyKey, changes nothing
	// and answers what there is. So does one that joins another run, see Gather, or whose Slot another run answers;
	// one that a limit refuses is an Error with CodeLimited. Runs with a Lease are owned by it from the start, unless
	// a slot they need is taken or their WakeAt is to come; the others wait to be claimed.
	Create(ctx context.Context, runs []NewRun) ([]Created, error)

	// Claim leases runs that are ready: those whose wake-up time has come and that have their slots, parked ones
	// with unread messages, those that were released or whose lease has ended. A run with an unread
	// MessageCancel is ready whatever it waits for, even a slot, since all it will do is end; no other message
	// lets a run begin before its time. By priority, then those that have begun before those that have not, so that
	// neither a lost worker's runs nor those that wake wait behind a backlog, then the longest waiting first; of those
	// that have not begun workspaces get shares in proportion to the weights of their quotas. Never one that needs a
	// node type or a pool the claim does not name.
	Claim(ctx context.Context, claim Claim) (Claims, error)

	// Commit applies transitions, each only where the run has the transition's epoch and FromSeq, and each
	// whole or not at all. A run that is already at ToSeq or beyond under that epoch has applied it before,
	// which is success. Transitions of one run are in order and may follow each other in one batch. A lease
	// that has ended still holds until someone else claims the run: the epoch decides, not the clock. What
	// would leave a gap in the events, follow an end or change a recorded result is CodeConflict.
	Commit(ctx context.Context, transitions []Transition) ([]Committed, error)

	// Renew prolongs leases, from now on, and tells which were lost.
	Renew(ctx context.Context, leases []Lease) ([]Renewed, error)

	// Release gives runs back, to be claimed by any worker at once; leases lost already are ignored.
	Release(ctx context.Context, leases []Lease) error

	// Now gives the store's clock, by which leases end and runs wake.
	Now(ctx context.Context) (time.Time, error)
}
