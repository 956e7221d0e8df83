package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge/store"
)

// Pools tells what waits for workers.
func (s *Store) Pools(ctx context.Context) ([]store.PoolStanding, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	s.tick(now)
	byPool := map[string]*store.PoolStanding{}
	standing := func(pool string) *store.PoolStanding {
		if byPool[pool] == nil {
			byPool[pool] = &store.PoolStanding{Pool: pool}
		}
		return byPool[pool]
	}
	for _, g := range s.groups {
		if len(g.ready.spots) > 0 {
			g.ready.waiting(&standing(g.pool).Runs, now)
		}
	}
	for key, l := range s.taskGroups {
		if len(l.spots) > 0 {
			l.waiting(&standing(key.pool).Tasks, now)
		}
	}
	all := make([]store.PoolStanding, 0, len(byPool))
	for _, one := range byPool {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b store.PoolStanding) int { return cmp.Compare(a.Pool, b.Pool) })
	return all, nil
}

// waiting adds who is in a line.
func (l *line) waiting(into *store.Waiting, now time.Time) {
	into.Count = min(into.Count+len(l.spots), store.MostCounted)
	for _, sp := range l.spots {
		into.Oldest = max(into.Oldest, now.Sub(sp.rank.at))
	}
}
