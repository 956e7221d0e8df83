package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store/limits"
)

// A front is where runs of a workspace that have not begun wait to be claimed.
type front struct {
	pool      string
	rank      int64
	workspace string
}

func (f front) compare(g front) int {
	return cmp.Or(cmp.Compare(f.rank, g.rank), cmp.Compare(f.workspace, g.workspace), cmp.Compare(f.pool, g.pool))
}

// fronts shares claims out among workspaces.
type fronts struct {
	lock  sync.Mutex
	turns limits.Turns
	after string // the last workspace that the claim before could look at; "": it saw all
}

// manyFronts is how many workspaces a claim looks at for each pool and priority; the next one goes on behind them.
const manyFronts = 64

// selectFronts steps from one workspace to the next in the index runs_fresh.
const selectFronts = `{with recursive pool:text rank:bigint after:text most:bigint}, f(pool, rank, most, workspace, n) AS (
		SELECT s.pool, s.rank, s.most, (SELECT min(r.workspace) FROM runs r WHERE r.pool = s.pool AND r.rank = s.rank
			AND r.due_at IS NOT NULL AND r.started_at IS NULL AND r.workspace > s.after), 1 FROM s
		UNION ALL
		SELECT f.pool, f.rank, f.most, (SELECT min(r.workspace) FROM runs r WHERE r.pool = f.pool AND r.rank = f.rank
			AND r.due_at IS NOT NULL AND r.started_at IS NULL AND r.workspace > f.workspace), f.n + 1
		FROM f WHERE f.workspace IS NOT NULL AND f.n < f.most)
	SELECT f.pool, f.rank, f.workspace, f.n, coalesce((SELECT q.weight FROM quotas q WHERE q.workspace = f.workspace), 1),
		CASE WHEN EXISTS (SELECT 1 FROM runs r WHERE r.pool = f.pool AND r.rank = f.rank AND r.workspace = f.workspace
			AND r.due_at IS NOT NULL AND r.started_at IS NULL AND r.due_at <= {now}) THEN 1 ELSE 0 END
	FROM f WHERE f.workspace IS NOT NULL`

// read finds the fronts of pools, and how many runs of each a claim may take. More says that there may be others.
func (f *fronts) read(ctx context.Context, x *session, pools []string, limit int) (shares map[front]int, more bool, err error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	rows := make([][]any, 0, ranks*len(pools))
	for rank := int64(1); rank <= ranks; rank++ {
		for _, pool := range pools {
			rows = append(rows, []any{pool, rank, f.after, int64(manyFronts)})
		}
	}
	found := query(selectFronts, rows)
	if err := x.run(ctx, found); err != nil {
		return nil, false, err
	}
	more, f.after = f.after != "", ""
	var all []front
	wishes := map[int64]map[flowforge.Workspace]int{}
	for i := range found.out {
		r := &found.out[i]
		at := front{r.text(), r.int(), r.text()}
		if r.int() == manyFronts {
			f.after, more = max(f.after, at.workspace), true
		}
		weight, ready := int(r.int()), r.bool()
		if !ready {
			continue
		}
		all = append(all, at)
		if wishes[at.rank] == nil {
			wishes[at.rank] = map[flowforge.Workspace]int{}
		}
		wishes[at.rank][flowforge.Workspace(at.workspace)] = weight
	}
	shares = map[front]int{}
	for rank, weights := range wishes {
		taken := f.share(weights, limit)
		for _, at := range all {
			if at.rank == rank {
				shares[at] = taken[flowforge.Workspace(at.workspace)]
			}
		}
	}
	return shares, more, nil
}

// share shares out so many claims.
func (f *fronts) share(weights map[flowforge.Workspace]int, limit int) map[flowforge.Workspace]int {
	among := make([]limits.Share, 0, len(weights))
	for workspace, weight := range weights {
		among = append(among, limits.Share{Workspace: workspace, Weight: weight})
	}
	taken := map[flowforge.Workspace]int{}
	if len(among) == 1 {
		taken[among[0].Workspace] = limit
		return taken
	}
	slices.SortFunc(among, func(a, b limits.Share) int { return cmp.Compare(a.Workspace, b.Workspace) })
	for range limit {
		taken[among[f.turns.Next(among)].Workspace]++
	}
	return taken
}
