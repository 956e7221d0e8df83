package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

const (
	deleteRetention = `{with workspace:text} DELETE FROM retention WHERE workspace = (SELECT workspace FROM s)`
	insertRetention = `{with workspace:text status:text keep:bigint}
		INSERT INTO retention (workspace, status, keep) SELECT workspace, status, keep FROM s`
	selectRetention = `{with workspace:text} SELECT t.status, t.keep FROM retention t WHERE t.workspace = (SELECT workspace FROM s)`
)

// SetRetention says how long the runs of a workspace are kept after their end.
func (s *Store) SetRetention(
	ctx context.Context, workspace flowforge.Workspace, keep map[flowforge.RunStatus]time.Duration,
) error {
	rows := make([][]any, 0, len(keep))
	for status, d := range keep {
		rows = append(rows, []any{string(workspace), string(status), d.Microseconds()})
	}
	return s.writeOf(ctx, "set the retention", workspace, auth.Told(ctx, ""), nil,
		exec(deleteRetention, [][]any{{string(workspace)}}), exec(insertRetention, rows))
}

// RetentionOf gives what was set.
func (s *Store) RetentionOf(
	ctx context.Context, workspace flowforge.Workspace,
) (map[flowforge.RunStatus]time.Duration, error) {
	found := query(selectRetention, [][]any{{string(workspace)}})
	if err := s.read(ctx, "read the retention", string(workspace), found); err != nil {
		return nil, err
	}
	keep := make(map[flowforge.RunStatus]time.Duration, len(found.out))
	for i := range found.out {
		r := &found.out[i]
		keep[flowforge.RunStatus(r.text())] = time.Duration(r.int()) * time.Microsecond
	}
	return keep, nil
}

// Deleting goes in transactions that are short, so that others who write need not wait. Autovacuum, and SQLite's
// list of free pages, give the space to new rows.
const (
	pastAtOnce = 200 // runs that are looked for at once
	runsAtOnce = 50  // in one transaction
	rowsAtOnce = 200 // in one transaction, about
)

// Prune forgets finished runs that are past their time, and what nothing refers to any more.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	pruned := 0
	for pruned < limit {
		past, err := s.pastTime(ctx, min(limit-pruned, pastAtOnce))
		if err != nil {
			return pruned, err
		}
		n, err := s.forgetAll(ctx, past)
		pruned += n
		if err != nil {
			return pruned, s.failure(ctx, "prune", err)
		}
		if n == 0 { // or others prune them
			break
		}
	}
	return pruned, s.failure(ctx, "prune", s.sweep(ctx))
}

const (
	selectAllRetention = `SELECT t.workspace, t.status, t.keep FROM retention t`
	pastTimeLite       = `{with workspace:text status:text keep:bigint most:bigint}
		SELECT r.workspace, r.id, r.finished_at + (SELECT keep FROM s) FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.status = (SELECT status FROM s)
			AND r.finished_at <= {now} - (SELECT keep FROM s)
		ORDER BY r.finished_at LIMIT (SELECT most FROM s)`
	pastTime = `{with most:bigint}
		SELECT p.workspace, p.id, p.over FROM retention t CROSS JOIN LATERAL (
			SELECT r.workspace, r.id, r.finished_at + t.keep AS over FROM runs r
			WHERE r.workspace = t.workspace AND r.status = t.status AND r.finished_at <= {now} - t.keep
			ORDER BY r.finished_at LIMIT (SELECT most FROM s)
		) p ORDER BY p.over LIMIT (SELECT most FROM s)`
)

// pastTime gives runs that are past their time, those first that have been so the longest.
func (s *Store) pastTime(ctx context.Context, most int) ([]store.RunKey, error) {
	found := query(pastTime, [][]any{{int64(most)}})
	if s.dialect.lite {
		all := query(selectAllRetention, nil)
		if err := s.read(ctx, "read the retention", "", all); err != nil {
			return nil, err
		}
		rows := make([][]any, len(all.out))
		for i := range all.out {
			r := &all.out[i]
			rows[i] = []any{r.text(), r.text(), r.int(), int64(most)}
		}
		found = query(pastTimeLite, rows)
	}
	if err := s.read(ctx, "find runs past their time", "", found); err != nil {
		return nil, err
	}
	type past struct {
		key  store.RunKey
		over int64
	}
	all := make([]past, len(found.out))
	for i := range found.out {
		all[i] = past{found.out[i].key(), found.out[i].int()}
	}
	slices.SortStableFunc(all, func(a, b past) int { return cmp.Compare(a.over, b.over) })
	all = all[:min(len(all), most)]
	keys := make([]store.RunKey, len(all))
	for i := range all {
		keys[i] = all[i].key
	}
	return keys, nil
}

// How many rows a run has, about: of node runs no more are counted than make it large.
const selectSizes = `{with workspace:text run:text}
	SELECT r.workspace, r.id, r.steps + r.logs + r.received + (SELECT count(*) FROM (
		SELECT 1 FROM node_runs v WHERE v.workspace = r.workspace AND v.run = r.id LIMIT 200) c)
	FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.run`

// forgetAll forgets runs and tells how many.
func (s *Store) forgetAll(ctx context.Context, keys []store.RunKey) (int, error) {
	forgotten := 0
	for part := range slices.Chunk(keys, runsAtOnce) {
		rows := make([][]any, len(part))
		for i, key := range part {
			rows[i] = cells(key)
		}
		sizes := query(selectSizes, rows)
		if err := s.read(ctx, "measure runs", "", sizes); err != nil {
			return forgotten, err
		}
		var group [][]any
		total := int64(0)
		flush := func() error {
			n, err := s.forget(ctx, group)
			forgotten += n
			group, total = nil, 0
			return err
		}
		for i := range sizes.out {
			r := &sizes.out[i]
			row, size := cells(r.key()), r.int()
			if size >= rowsAtOnce {
				if err := s.shrink(ctx, row); err != nil {
					return forgotten, err
				}
				size = 1
			}
			if total+size > rowsAtOnce {
				if err := flush(); err != nil {
					return forgotten, err
				}
			}
			group, total = append(group, row), total+size
		}
		if err := flush(); err != nil {
			return forgotten, err
		}
	}
	return forgotten, nil
}

const tableOfRefs = "blob_refs"

// tablesOfRuns hold what belongs to a run. A run that has ended has no slots but those it took for a time, which goes
// on without it.
func tablesOfRuns() []string {
	return []string{"steps", "node_runs", "logs", "messages", "tasks"}
}

const (
	lockFinished = `{with workspace:text run:text}
		SELECT r.workspace, r.id, r.document FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.run
		WHERE r.finished_at IS NOT NULL ORDER BY r.workspace, r.id {skip}`
	deleteRefs = `{with workspace:text run:text}
		DELETE FROM blob_refs WHERE (workspace, run) IN (SELECT workspace, run FROM s) RETURNING workspace, hash`
	deleteOfRuns = `{with workspace:text run:text} DELETE FROM {table} WHERE (workspace, run) IN (SELECT workspace, run FROM s)`
	deleteRuns   = `{with workspace:text run:text} DELETE FROM runs WHERE (workspace, id) IN (SELECT workspace, run FROM s)`

	// Rows of a large run, by their place in the table.
	deleteSome = `{with workspace:text run:text most:bigint} DELETE FROM {table} WHERE {place} IN (
		SELECT {place} FROM {table} WHERE workspace = (SELECT workspace FROM s) AND run = (SELECT run FROM s)
		LIMIT (SELECT most FROM s)) RETURNING {returning}`
)

// forget deletes small runs whole, in one transaction.
func (s *Store) forget(ctx context.Context, rows [][]any) (int, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	slices.SortFunc(rows, compareRows)
	forgotten := 0
	err := retry(ctx, func() error {
		x := s.engine()
		defer x.close(ctx)
		locked := query(lockFinished, rows)
		if err := x.run(ctx, locked); err != nil {
			return err
		}
		var runs, litter [][]any
		for i := range locked.out {
			r := &locked.out[i]
			key := r.key()
			runs = append(runs, cells(key))
			litter = addLitter(litter, string(key.Workspace), kindDocument, r.text())
		}
		refs := query(deleteRefs, runs)
		if err := x.run(ctx, refs); err != nil {
			return err
		}
		for i := range refs.out {
			r := &refs.out[i]
			litter = addLitter(litter, r.text(), kindBlob, r.text())
		}
		calls := []*call{exec(insertLitter, sortedLitter(litter))}
		for _, table := range tablesOfRuns() {
			calls = append(calls, exec(strings.ReplaceAll(deleteOfRuns, "{table}", table), runs))
		}
		forgotten = len(runs)
		return x.commit(ctx, append(calls, exec(deleteRuns, runs))...)
	})
	if err != nil {
		return 0, err
	}
	return forgotten, nil
}

func addLitter(to [][]any, workspace, kind, hash string) [][]any {
	if hash == "" {
		return to
	}
	return append(to, []any{workspace, kind, hash, int64(0)})
}

// sortedLitter gives each piece once, in one order for all.
func sortedLitter(rows [][]any) [][]any {
	compare := func(a, b []any) int {
		if order := compareRows(a, b); order != 0 {
			return order
		}
		return compareRows(a[2:], b[2:])
	}
	slices.SortFunc(rows, compare)
	return slices.CompactFunc(rows, func(a, b []any) bool { return compare(a, b) == 0 })
}

// shrink deletes what belongs to a large run, part by part. Who reads it meanwhile, though it is past its time, finds
// less of it.
func (s *Store) shrink(ctx context.Context, run []any) error {
	place := "ctid"
	if s.dialect.lite {
		place = "rowid"
	}
	in := [][]any{append(slices.Clone(run), int64(rowsAtOnce))}
	for _, table := range append([]string{tableOfRefs}, tablesOfRuns()...) {
		returning := "1"
		if table == tableOfRefs {
			returning = "workspace, hash"
		}
		text := strings.NewReplacer("{table}", table, "{place}", place, "{returning}", returning).Replace(deleteSome)
		for {
			gone := 0
			err := retry(ctx, func() error {
				x := s.engine()
				defer x.close(ctx)
				some := query(text, in)
				if err := x.run(ctx, some); err != nil {
					return err
				}
				gone = len(some.out)
				var litter [][]any
				for i := range some.out {
					if table == tableOfRefs {
						litter = addLitter(litter, some.out[i].text(), kindBlob, some.out[i].text())
					}
				}
				return x.commit(ctx, exec(insertLitter, sortedLitter(litter)))
			})
			if err != nil {
				return err
			}
			if gone < rowsAtOnce {
				break
			}
		}
	}
	return nil
}
