package store

import (
	"time"

	"github.com/flowforge-go/flowforge"
)

// NewRun is a run to be created. Its status is queued and its Seq 1: the event EventRunCreated.
type NewRun struct {
	Run       flowforge.Run
	Document  Document
	NodeTypes []string  // what a worker must have to run it: "core.set@1", sorted
	WakeAt    time.Time // not claimed earlier; zero: at once
	Slots     []Slot    // what it needs of what is limited; looked at in this order
	Gather    *Gather   // nil: it joins no other run
	Backlog   int       // refused with CodeLimited while so many runs of its workspace wait for their first worker; 0: never
	Lease     *Lease    // eager start; Epoch is ignored; nil: to be claimed

	Nodes   []flowforge.NodeRun // recorded from the start: copied from the run it is retried from
	Started []flowforge.NodeRun // recorded where it is leased from the start: attempts that begin with it

	IdempotencyKey string // unique within the workspace; empty: none
	Fingerprint    string // of the request: the same key with another one is CodeKeyReused
}

// Name is what a start is known by when it is sent again: its idempotency key, or else its run's ID.
func (n *NewRun) Name() string {
	if n.IdempotencyKey != "" {
		return n.IdempotencyKey
	}
	return string(n.Run.ID)
}

// Document is a workflow as text; the same text has the same Hash, and is kept once.
type Document struct {
	Hash string          // SHA-256 of the canonical JSON, hexadecimal
	Text flowforge.Value // canonical JSON
}

// Slot is one place under a limit. A run that waits for it takes it when it is due, and has it until it ends, or
// parks where ReleaseWhileWaiting, or for a time. Who waits for several gets all of them or none. A freed one is for
// the oldest who waits for it, and nobody new takes it before.
type Slot struct {
	Key                 string        // of the workspace; once per run
	Limit               int           // at least 1
	For                 time.Duration // 0: until the run ends; else so long from when it was taken, whatever becomes of the run
	AtLimit             AtLimit
	ReleaseWhileWaiting bool
}

// AtLimit says what becomes of a run whose slot is not to be had.
type AtLimit uint8

// What may become of it.
const (
	// LimitWaits lets it wait.
	LimitWaits AtLimit = iota
	// LimitRefuses does not create it: Created.Err is an Error with CodeLimited. The place is taken, or not, when the
	// run is created.
	LimitRefuses
	// LimitAnswers does not create it: the oldest run that has the place is answered. Taken as with LimitRefuses.
	LimitAnswers
	// LimitCancels lets it wait, and sends MessageCancel to the oldest of those that have the place or wait for it, so
	// that no more than the limit are left with it.
	LimitCancels
)

// Gather makes one run of many starts: while a run of the key has not been leased, another start adds its input as a
// MessageInput and is answered with that run.
type Gather struct {
	Key    string        // of the workspace
	Size   int           // ready at once when so many inputs are together; 0: only the latest counts, and each puts it off
	Period time.Duration // ready so long after the first input, or with Size 0 after the latest; 0: only by Size
}

// Created answers a NewRun.
type Created struct {
	Run      flowforge.Run // as it is stored
	Existing bool          // it was there before
	Err      error         // this run was refused
	After    time.Duration // how long it takes until a limit that refused it may have a place; 0: not known

	// Epoch is that of the lease; 0: not leased. An existing run has it only where it has the ID and the worker
	// that were sent, so that a start whose outcome is unknown may be sent again.
	Epoch int64
}

// Lease is the right to write a run until a moment that only the store's clock knows.
type Lease struct {
	Worker    flowforge.WorkerID
	Workspace flowforge.Workspace
	Run       flowforge.RunID
	Epoch     int64
	For       time.Duration
}

// Claim asks for runs to own.
type Claim struct {
	Worker    flowforge.WorkerID
	Pools     []string // "" is the default pool
	NodeTypes []string // what the worker can run: "core.set@1", sorted
	Limit     int
	For       time.Duration // of the leases
	Only      *RunKey       // no other run than this; nil: any
}

// Claims is what a Claim came to.
type Claims struct {
	Runs []Claimed

	// Next is how long it takes until another run of the claim's pools may wake by its time, so that nobody need
	// look before; 0: none is known to. It is a hint.
	Next time.Duration
}

// Claimed is a run with all that is needed to go on with it.
type Claimed struct {
	Run      flowforge.Run
	Lease    Lease
	Lost     int                 // leases of it that ran out in a row: since it was created, parked or released
	Nodes    []flowforge.NodeRun // recorded ones, as History.NodeRuns; of a dropped output the ports, with null values
	Journal  []byte              // all of it
	Messages []Message           // unread ones, oldest first
}
