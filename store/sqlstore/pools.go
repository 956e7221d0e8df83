package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge/store"
)

// These step from one pool to the next in an index. A lease that has ended counts once another worker could claim what
// it was of, with tasks; with runs it takes the claim.
const (
	waitingRuns = `{with recursive most:bigint}, p(pool) AS (
			SELECT (SELECT min(r.pool) FROM runs r WHERE r.due_at IS NOT NULL AND r.worker IS NULL) UNION ALL
			SELECT (SELECT min(r.pool) FROM runs r WHERE r.due_at IS NOT NULL AND r.worker IS NULL AND r.pool > p.pool)
			FROM p WHERE p.pool IS NOT NULL)
		SELECT p.pool, (SELECT count(*) FROM (SELECT 1 FROM runs q WHERE q.pool = p.pool AND q.worker IS NULL
				AND q.due_at IS NOT NULL AND q.due_at <= {now} AND q.lacks = 0 LIMIT (SELECT most FROM s)) c),
			{now} - (SELECT min(q.due_at) FROM runs q WHERE q.pool = p.pool AND q.worker IS NULL
				AND q.due_at IS NOT NULL AND q.due_at <= {now} AND q.lacks = 0)
		FROM p WHERE p.pool IS NOT NULL`
	waitingTasks = `{with recursive most:bigint}, p(pool) AS (
			SELECT (SELECT min(t.pool) FROM tasks t WHERE t.due_at IS NOT NULL) UNION ALL
			SELECT (SELECT min(t.pool) FROM tasks t WHERE t.due_at IS NOT NULL AND t.pool > p.pool)
			FROM p WHERE p.pool IS NOT NULL)
		SELECT p.pool, (SELECT count(*) FROM (SELECT 1 FROM tasks q WHERE q.pool = p.pool AND q.due_at IS NOT NULL
				AND q.due_at <= {now} LIMIT (SELECT most FROM s)) c),
			{now} - (SELECT min(q.due_at) FROM tasks q WHERE q.pool = p.pool AND q.due_at IS NOT NULL AND q.due_at <= {now})
		FROM p WHERE p.pool IS NOT NULL`
)

// Pools tells what waits for workers.
func (s *Store) Pools(ctx context.Context) ([]store.PoolStanding, error) {
	in := [][]any{{int64(store.MostCounted)}}
	runs, tasks := query(waitingRuns, in), query(waitingTasks, in)
	if err := s.read(ctx, "read what waits", "", runs, tasks); err != nil {
		return nil, err
	}
	byPool := map[string]*store.PoolStanding{}
	for _, found := range []*call{runs, tasks} {
		for i := range found.out {
			r := &found.out[i]
			pool := r.text()
			waiting := store.Waiting{Count: int(r.int()), Oldest: time.Duration(r.int()) * time.Microsecond}
			if r.err != nil {
				return nil, s.failure(ctx, "read what waits", r.err)
			}
			if waiting.Count == 0 {
				continue
			}
			if byPool[pool] == nil {
				byPool[pool] = &store.PoolStanding{Pool: pool}
			}
			if found == runs {
				byPool[pool].Runs = waiting
			} else {
				byPool[pool].Tasks = waiting
			}
		}
	}
	all := make([]store.PoolStanding, 0, len(byPool))
	for _, one := range byPool {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b store.PoolStanding) int { return cmp.Compare(a.Pool, b.Pool) })
	return all, nil
}
