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
	Slots     []Slot    // all needed before it may be claimed
	Lease     *Lease    // eager start; Epoch is ignored; nil: to be claimed

	Nodes []flowforge.NodeRun // recorded from the start: copied from the run it is retried from

	IdempotencyKey string // unique within the workspace; empty: none
	Fingerprint    string // of the request: the same key with another one is CodeConflict
}

// Document is a workflow as text; the same text has the same Hash, and is kept once.
type Document struct {
	Hash string          // SHA-256 of the canonical JSON, hexadecimal
	Text flowforge.Value // canonical JSON
}

// Slot is one place under a concurrency limit. It is taken when granted and freed when the run ends, or when
// it parks where ReleaseWhileWaiting. Who needs several gets all of them or none. A freed one is for the oldest
// who waits for it, and nobody new takes it before.
type Slot struct {
	Key                 string // of the workspace; once per run
	Limit               int    // at least 1
	ReleaseWhileWaiting bool
}

// Created answers a NewRun.
type Created struct {
	Run      flowforge.Run // as it is stored
	Existing bool          // it was there before
	Err      error         // this run was refused

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
