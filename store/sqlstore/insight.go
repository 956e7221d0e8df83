package sqlstore

import (
	"context"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const (
	selectStanding = `{with workspace:text run:text}
		SELECT r.worker, r.due_at, r.lost, r.wake_at, r.unread, t.types,
			CASE WHEN r.lacks > 0 AND r.worker IS NULL AND r.line IS NULL AND r.due_at <= {now} THEN 1 ELSE 0 END
		FROM runs r JOIN type_sets t ON t.id = r.types
		WHERE r.workspace = (SELECT workspace FROM s) AND r.id = (SELECT run FROM s)`
	selectSlots = `{with workspace:text run:text}
		SELECT k.key AS key, k.places, k.span, k.held, CASE WHEN k.held = 1 OR r.line IS NULL THEN 0 ELSE (
			SELECT count(*) FROM runs o WHERE o.workspace = k.workspace AND o.line = k.key
				AND (o.rank, o.since, o.id) < (r.rank, r.since, r.id)
		) END
		FROM slots k JOIN runs r ON r.workspace = k.workspace AND r.id = k.run
		WHERE k.workspace = (SELECT workspace FROM s) AND k.run = (SELECT run FROM s)
		UNION ALL
		SELECT r.slot, r.places, 0, 1, 0 FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.id = (SELECT run FROM s) AND r.slot IS NOT NULL
		ORDER BY key`
	selectTasksOut = `{with workspace:text run:text}
		SELECT t.id, t.node, t.element, t.pool, t.worker, t.due_at, t.canceled
		FROM tasks t JOIN runs r ON r.workspace = t.workspace AND r.id = t.run
		WHERE t.workspace = (SELECT workspace FROM s) AND t.run = (SELECT run FROM s) AND t.finished = 0
			AND r.finished_at IS NULL
		ORDER BY t.since, t.id`
	selectHolders = `{with workspace:text key:text}
		SELECT run FROM (
			SELECT k.run, k.since FROM slots k
			WHERE k.workspace = (SELECT workspace FROM s) AND k.key = (SELECT key FROM s) AND k.held = 1
				AND (k.until IS NULL OR k.until > {now})
			UNION ALL
			SELECT r.id, r.created_at FROM runs r
			WHERE r.workspace = (SELECT workspace FROM s) AND r.slot = (SELECT key FROM s)
		) h ORDER BY since, run LIMIT 10`
	selectSeqs = `{with workspace:text run:text n:bigint}
		SELECT s.n, r.seq FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.run`
)

// Standing tells how a run stands. Since slots are given when someone claims, those that are free are given first.
func (s *Store) Standing(
	ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID,
) (store.Standing, error) {
	in := [][]any{cells(keyOf(workspace, run))}
	for given := false; ; given = true {
		found, slots, tasks := query(selectStanding, in), query(selectSlots, in), query(selectTasksOut, in)
		if err := s.read(ctx, "read how a run stands", string(workspace), found, slots, tasks); err != nil {
			return store.Standing{}, err
		}
		if len(found.out) == 0 {
			return store.Standing{}, noRun(run)
		}
		standing, due := found.out[0].standing()
		if due && !given {
			if _, err := s.giveSlots(ctx, []string{string(workspace)}); err != nil {
				return store.Standing{}, s.failure(ctx, "give slots", err)
			}
			continue
		}
		standing.Tasks = taskStandings(tasks.out)
		err := s.slotStandings(ctx, workspace, slots.out, &standing)
		return standing, err
	}
}

// standing reads how a run stands, and whether it has yet to look for its slots.
func (r *row) standing() (standing store.Standing, due bool) {
	standing.Worker = flowforge.WorkerID(r.text())
	dueAt := r.time()
	standing.Lost, standing.WakeAt, standing.Unread = int(r.int()), r.time(), int(r.int())
	if types := r.text(); types != "" {
		standing.NodeTypes = strings.Split(types, "\n")
	}
	if standing.Worker != "" {
		standing.LeaseEnds = dueAt
	}
	return standing, r.bool()
}

func taskStandings(rows []row) []store.TaskStanding {
	if len(rows) == 0 {
		return nil
	}
	standings := make([]store.TaskStanding, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		standing := store.TaskStanding{
			ID: flowforge.TaskID(r.text()), Node: store.NodeKey{Node: flowforge.NodeID(r.text()), Element: r.text()},
			Pool: r.text(), Worker: flowforge.WorkerID(r.text()),
		}
		if due := r.time(); standing.Worker != "" {
			standing.LeaseEnds = due
		}
		standing.Canceled = r.bool()
		standings = append(standings, standing)
	}
	return standings
}

func (s *Store) slotStandings(
	ctx context.Context, workspace flowforge.Workspace, rows []row, into *store.Standing,
) error {
	holders := make([]*call, len(rows))
	for i := range rows {
		r := &rows[i]
		slot := store.SlotStanding{Key: r.text(), Limit: int(r.int())}
		slot.For, slot.Held, slot.Ahead = time.Duration(r.int())*time.Microsecond, r.bool(), int(r.int())
		if r.err != nil {
			return s.failure(ctx, "read how a run stands", r.err)
		}
		into.Slots = append(into.Slots, slot)
		holders[i] = query(selectHolders, [][]any{{string(workspace), slot.Key}})
	}
	if len(rows) == 0 {
		return nil
	}
	if err := s.read(ctx, "read who holds slots", string(workspace), holders...); err != nil {
		return err
	}
	for i, c := range holders {
		for j := range c.out {
			into.Slots[i].Holders = append(into.Slots[i].Holders, flowforge.RunID(c.out[j].text()))
		}
	}
	return nil
}

// Seqs gives the number of the newest event of each run.
func (s *Store) Seqs(ctx context.Context, runs []store.RunKey) ([]int64, error) {
	rows := make([][]any, len(runs))
	for i, key := range runs {
		rows[i] = cells(key, int64(i))
	}
	found := query(selectSeqs, rows)
	if err := s.enter(ctx); err != nil || len(runs) == 0 {
		return nil, err
	}
	if err := s.read(ctx, "read event numbers", "", found); err != nil {
		return nil, err
	}
	seqs := make([]int64, len(runs))
	for i := range found.out {
		r := &found.out[i]
		seqs[r.int()] = r.int()
	}
	return seqs, nil
}
