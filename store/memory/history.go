package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Run gives a run.
func (s *Store) Run(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID,
) (flowforge.Run, error) {
	return read(ctx, s, workspace, id, func(r *run) flowforge.Run { return r.Run })
}

// NodeRuns gives node runs in the order they were first recorded.
func (s *Store) NodeRuns(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, skip, limit int,
) ([]flowforge.NodeRun, error) {
	return read(ctx, s, workspace, id, func(r *run) []flowforge.NodeRun {
		return r.nodes.slice(page(r.nodes.records.len(), skip, limit))
	})
}

// Events gives the durable events after a sequence number.
func (s *Store) Events(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, after int64, limit int,
) ([]flowforge.Event, error) {
	return read(ctx, s, workspace, id, func(r *run) []flowforge.Event {
		// The first event has number 1, and there are no gaps.
		return r.events.slice(page(r.events.len(), int(min(after, r.Seq)), limit))
	})
}

// Logs gives the lines that nodes logged.
func (s *Store) Logs(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, skip, limit int,
) ([]store.LogLine, error) {
	return read(ctx, s, workspace, id, func(r *run) []store.LogLine {
		return r.logs.slice(page(r.logs.len(), skip, limit))
	})
}

// read looks at a run under the lock.
func read[T any](
	ctx context.Context, s *Store, workspace flowforge.Workspace, id flowforge.RunID, look func(*run) T,
) (T, error) {
	var nothing T
	if err := s.enter(ctx); err != nil {
		return nothing, err
	}
	defer s.mu.Unlock()
	r, err := s.find(workspace, id)
	if err != nil {
		return nothing, err
	}
	return look(r), nil
}

// A catalog is the runs of a workspace, the oldest first.
type catalog struct {
	entries []entry
	gone    int // entries whose run is forgotten
}

type entry struct {
	created int64 // in microseconds since 1970
	id      flowforge.RunID
	run     *run // nil: forgotten
}

func entryOf(r *run) entry { return entry{r.CreatedAt.UnixMicro(), r.ID, r} }

func (e entry) compare(other entry) int {
	return cmp.Or(cmp.Compare(e.created, other.created), cmp.Compare(e.id, other.id))
}

// from gives the index of the first run that was not created before an instant.
func (c *catalog) from(at time.Time) int {
	i, _ := slices.BinarySearchFunc(c.entries, entry{created: at.UnixMicro()}, entry.compare)
	return i
}

// list enters a run; nearly always it is the newest.
func (s *Store) list(r *run) {
	c := s.lists[r.Workspace]
	if c == nil {
		c = &catalog{}
		s.lists[r.Workspace] = c
	}
	e := entryOf(r)
	if n := len(c.entries); n == 0 || c.entries[n-1].compare(e) < 0 {
		c.entries = append(c.entries, e)
		return
	}
	at, found := slices.BinarySearchFunc(c.entries, e, entry.compare)
	if found { // it was forgotten, and is made again
		c.entries[at].run = r
		c.gone--
		return
	}
	c.entries = slices.Insert(c.entries, at, e)
}

// unlist takes a run out, and closes the gaps once they are half of it.
func (s *Store) unlist(r *run) {
	c := s.lists[r.Workspace]
	at, _ := slices.BinarySearchFunc(c.entries, entryOf(r), entry.compare)
	c.entries[at].run = nil
	if c.gone++; 2*c.gone < len(c.entries) {
		return
	}
	c.entries = slices.DeleteFunc(c.entries, func(e entry) bool { return e.run == nil })
	c.gone = 0
	if len(c.entries) == 0 {
		delete(s.lists, r.Workspace)
	}
}

// List gives runs without their input, vars and output, newest first.
func (s *Store) List(
	ctx context.Context, workspace flowforge.Workspace, filter store.Filter,
) ([]flowforge.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c := s.lists[workspace]
	if c == nil {
		c = &catalog{}
	}
	at := len(c.entries)
	if !filter.To.IsZero() {
		at = c.from(filter.To)
	}
	if filter.Before != "" {
		r, err := s.find(workspace, filter.Before)
		if err != nil {
			return nil, err
		}
		before, _ := slices.BinarySearchFunc(c.entries, entryOf(r), entry.compare)
		at = min(at, before)
	}
	last := 0
	if !filter.From.IsZero() {
		last = c.from(filter.From)
	}
	_, limit := page(len(c.entries), 0, filter.Limit)
	var runs []flowforge.Run
	for at--; at >= last && len(runs) < limit; at-- {
		if r := c.entries[at].run; r != nil && r.matches(&filter) {
			listed := r.Run
			listed.Input, listed.Vars, listed.Output = flowforge.Value{}, flowforge.Value{}, flowforge.Value{}
			runs = append(runs, listed)
		}
	}
	return runs, nil
}

func (r *run) matches(filter *store.Filter) bool {
	return (filter.Workflow == "" || filter.Workflow == r.Workflow.Name) &&
		(filter.Origin == "" || r.Origin != nil && r.Origin.Run == filter.Origin) &&
		(len(filter.Statuses) == 0 || slices.Contains(filter.Statuses, r.Status))
}
