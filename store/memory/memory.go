// Package memory keeps everything in this process: the store of tests and of programs that need nothing after
// their end. It is also the reference implementation: read it to learn the contract of package store. A run is
// in one place at a time (leased, asleep, in line for a slot, or ready in a group), and every step of a run
// costs O(log n) in the number of runs, and nothing in the size of the run.
//
// It holds what it is given, and gives out what it holds, without copying values: they are immutable. Finished
// runs are forgotten, whole, once there are more than Config.Keep of them.
package memory

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

// Config says how a Store behaves; its zero value is ready to use.
type Config struct {
	Now  func() time.Time // the store's clock; nil: time.Now
	Keep int              // finished runs that are kept, the latest to finish; 0: 1,000; negative: all
}

const defaultKeep = 1_000

// Store is a store.Store in memory. Its methods may be called from many goroutines.
type Store struct {
	now  func() time.Time
	keep int

	mu      sync.Mutex
	closed  bool
	order   uint64 // counts what began to wait, to tell the first of two at the same instant
	scratch []byte
	steps   int // comparisons made to find a place in a line or a record in a run: what tests of complexity count

	runs     map[runKey]*run
	keys     map[idempotencyKey]*run
	lists    map[flowforge.Workspace]*catalog
	finished *list.List         // of *run, the earliest first
	ended    map[endedKey]*line // of finished runs, by the time of their end
	keeping  map[flowforge.Workspace]map[flowforge.RunStatus]time.Duration

	groups   map[string]*group // by workspace, pool and node types
	quotas   map[flowforge.Workspace]store.Quota
	turns    limits.Turns                             // of workspaces whose runs have not begun
	leases   line                                     // by the end of the lease
	sleeping line                                     // by the time to wake
	mail     map[flowforge.WorkerID]map[*run]struct{} // runs with unread messages
	slots    map[slotKey]*slot
	timed    line                        // of places, by the time they are held for
	gathered map[slotKey]*gathering      // runs that starts join
	joined   map[idempotencyKey]*run     // by the names of starts that did
	queued   map[flowforge.Workspace]int // runs that nobody has had

	tasks      map[flowforge.TaskID]*task
	taskGroups map[taskGroupKey]*line
	taskLeases line // by the end of the lease

	documents map[documentKey]*document
	workflows map[flowforge.Workspace]*shelf
	variables map[flowforge.Workspace]map[string]flowforge.Value
	schedules map[flowforge.Workspace]*timetable
	jobs      map[jobKey]*job
	jobLines  map[string]*line                 // by kind, by when they are due
	littered  map[flowforge.Workspace]struct{} // may have blobs that nothing refers to
	winding   line                             // of schedules, by their next time
	blobs     map[flowforge.Workspace]map[string]*blob

	identity
}

var (
	_ store.Store = (*Store)(nil)
	_ auth.Stores = (*Store)(nil)
)

// New makes an empty store.
func New(cfg Config) *Store {
	s := &Store{
		now: cfg.Now, keep: cfg.Keep,
		runs:       map[runKey]*run{},
		keys:       map[idempotencyKey]*run{},
		lists:      map[flowforge.Workspace]*catalog{},
		groups:     map[string]*group{},
		quotas:     map[flowforge.Workspace]store.Quota{},
		slots:      map[slotKey]*slot{},
		gathered:   map[slotKey]*gathering{},
		queued:     map[flowforge.Workspace]int{},
		joined:     map[idempotencyKey]*run{},
		tasks:      map[flowforge.TaskID]*task{},
		taskGroups: map[taskGroupKey]*line{},
		documents:  map[documentKey]*document{},
		workflows:  map[flowforge.Workspace]*shelf{},
		variables:  map[flowforge.Workspace]map[string]flowforge.Value{},
		schedules:  map[flowforge.Workspace]*timetable{},
		jobs:       map[jobKey]*job{},
		jobLines:   map[string]*line{},
		blobs:      map[flowforge.Workspace]map[string]*blob{},
		finished:   list.New(),
		ended:      map[endedKey]*line{},
		keeping:    map[flowforge.Workspace]map[flowforge.RunStatus]time.Duration{},
		littered:   map[flowforge.Workspace]struct{}{},
		mail:       map[flowforge.WorkerID]map[*run]struct{}{},
		identity:   newIdentity(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.keep == 0 {
		s.keep = defaultKeep
	}
	for _, line := range []*line{&s.leases, &s.sleeping, &s.taskLeases, &s.winding, &s.timed} {
		*line = s.newLine()
	}
	return s
}

// Close refuses all further calls with flowforge.CodeClosed. Closing again is nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// enter locks the store for a call. The caller unlocks it unless there is an error.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return flowforge.Errorf(flowforge.CodeClosed, "the store is closed")
	}
	return nil
}

// find gives a run of a workspace. The caller holds the lock, here and in all that is unexported.
func (s *Store) find(workspace flowforge.Workspace, id flowforge.RunID) (*run, error) {
	if r := s.runs[runKey{workspace, id}]; r != nil {
		return r, nil
	}
	return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no run %s", id)
}

// next counts what begins to wait.
func (s *Store) next() uint64 {
	s.order++
	return s.order
}

// defaultPage is how many of a list are given where the caller says no limit.
const defaultPage = 50

// page gives the indices [from, to) of the part of n items that begins after skip and holds at most limit.
func page(n, skip, limit int) (from, to int) {
	if limit <= 0 {
		limit = defaultPage
	}
	from = min(max(skip, 0), n)
	return from, from + min(limit, n-from)
}
