package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Standing tells how a run stands.
func (s *Store) Standing(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID,
) (store.Standing, error) {
	return read(ctx, s, workspace, id, func(r *run) store.Standing {
		standing := store.Standing{
			Worker: r.worker, LeaseEnds: r.until, Lost: r.lost, WakeAt: r.wakeAt,
			Unread: len(r.inbox.unread), NodeTypes: r.group.types,
		}
		for i := range r.slots {
			standing.Slots = append(standing.Slots, s.slotStanding(r, &r.slots[i]))
		}
		if !r.Status.Terminal() {
			standing.Tasks = taskStandings(r)
		}
		slices.SortFunc(standing.Slots, func(a, b store.SlotStanding) int { return cmp.Compare(a.Key, b.Key) })
		return standing
	})
}

// taskStandings tells how the tasks of a run stand that have no result; they are in the order they were made.
func taskStandings(r *run) []store.TaskStanding {
	var standings []store.TaskStanding
	for _, t := range r.tasks {
		if t.finished {
			continue
		}
		standing := store.TaskStanding{ID: t.ID, Node: t.Node, Pool: t.Pool, Worker: t.worker, Canceled: t.canceled}
		if t.worker != "" {
			standing.LeaseEnds = t.until
		}
		standings = append(standings, standing)
	}
	return standings
}

// manyHolders is how many of those that hold a slot are told.
const manyHolders = 10

func (s *Store) slotStanding(r *run, need *slotOf) store.SlotStanding {
	standing := store.SlotStanding{Key: need.Key, Limit: need.Limit, For: need.For, Held: need.place != nil}
	k := s.slots[slotKey{r.Workspace, need.Key}]
	if k == nil {
		return standing
	}
	for e := k.holders.Front(); e != nil && len(standing.Holders) < manyHolders; e = e.Next() {
		standing.Holders = append(standing.Holders, e.Value.(*place).run.ID) //nolint:errcheck,forcetypeassert // It holds nothing else.
	}
	if !standing.Held && !r.held {
		own := r.inLine()
		for sp := range k.waiting.inOrder() {
			if !sp.rank.less(&own) {
				break
			}
			standing.Ahead++
		}
	}
	return standing
}

// Seqs gives the number of the newest event of each run.
func (s *Store) Seqs(ctx context.Context, runs []store.RunKey) ([]int64, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	seqs := make([]int64, len(runs))
	for i, key := range runs {
		if r := s.runs[runKey{key.Workspace, key.Run}]; r != nil {
			seqs[i] = r.Seq
		}
	}
	return seqs, nil
}
