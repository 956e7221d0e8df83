package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
)

const (
	insertSteps = `{with workspace:text run:text to_seq:bigint n:bigint events:text journal:bytea}
		INSERT INTO steps (workspace, run, to_seq, n, events, journal)
		SELECT workspace, run, to_seq, n, events, journal FROM s`
	insertLogs = `{with workspace:text run:text n:bigint line:text}
		INSERT INTO logs (workspace, run, n, line) SELECT workspace, run, n, line FROM s`
	readMessages = `{with workspace:text run:text id:text}
		UPDATE messages AS m SET unread = 0, payload = NULL FROM s
		WHERE m.workspace = s.workspace AND m.run = s.run AND m.id = s.id`
	insertMessages = `{with workspace:text run:text id:text n:bigint kind:text at:bigint payload:text}
		INSERT INTO messages (workspace, run, id, n, kind, at, unread, payload)
		SELECT workspace, run, id, n, kind, at, 1, payload FROM s`
	insertTasks = `{with workspace:text run:text id:text node:text element:text pool:text type:text rank:bigint
		made:bigint call:text}
		INSERT INTO tasks (id, workspace, run, node, element, pool, node_type, rank, epoch, lost, due_at, since, canceled,
			finished, call)
		SELECT id, workspace, run, node, element, pool, type, rank, 0, 0, s.made, made, 0, 0, call FROM s`
	cancelSomeTasks = `{with workspace:text run:text id:text}
		UPDATE tasks AS t SET canceled = 1, due_at = CASE WHEN t.worker IS NOT NULL THEN t.due_at END, call = NULL FROM s
		WHERE t.id = s.id AND t.workspace = s.workspace AND t.run = s.run`
	cancelAllTasks = `{with workspace:text run:text}
		UPDATE tasks AS t SET canceled = 1, due_at = NULL, call = NULL FROM s
		WHERE t.workspace = s.workspace AND t.run = s.run AND t.finished = 0`
	dropOutputs = `{with workspace:text run:text node:text element:text}
		UPDATE node_runs AS v SET dropped = 1 FROM s
		WHERE v.workspace = s.workspace AND v.run = s.run AND v.node = s.node AND v.element = s.element`
	dropElements = `{with workspace:text run:text node:text}
		UPDATE node_runs AS v SET dropped = 1 FROM s
		WHERE v.workspace = s.workspace AND v.run = s.run AND v.node = s.node AND v.element <> '' AND v.dropped = 0`

	// What is freed is noted where someone waits for it; who claims next lets the oldest waiters have it. The slots are
	// locked first: who joins a line has locked those that keep it from beginning, so that one sees the other.
	lockSlotsOfRuns = `{with workspace:text run:text}
		SELECT 1 FROM s JOIN slots r ON r.workspace = s.workspace AND r.run = s.run ORDER BY r.workspace, r.run, r.key {lock}`
	freeOfEnded = `{with workspace:text run:text}
		INSERT INTO freed (workspace, key, at) SELECT k.workspace, k.key, {now} FROM s JOIN slots k
			ON k.workspace = s.workspace AND k.run = s.run AND k.held = 1 AND k.until IS NULL
		WHERE {awaited k} RETURNING workspace`
	deleteSlots = `{with workspace:text run:text}
		DELETE FROM slots WHERE (workspace, run) IN (SELECT workspace, run FROM s) AND (until IS NULL OR until <= {now})`
	freeOfParked = `{with workspace:text run:text}
		INSERT INTO freed (workspace, key, at) SELECT k.workspace, k.key, {now} FROM s JOIN slots k
			ON k.workspace = s.workspace AND k.run = s.run AND k.held = 1 AND k.releases = 1
		WHERE {awaited k} RETURNING workspace`
	releaseSlots = `{with workspace:text run:text}
		UPDATE slots AS k SET held = 0 FROM s
		WHERE k.workspace = s.workspace AND k.run = s.run AND k.releases = 1`
	// Who is due and lacks slots keeps others from passing, who then stand in line. Where it will not get them any more
	// nobody else would let those go on. That is noted whether anyone waits or not: who joins the line just now is not
	// seen yet.
	freeOfPassed = `{with workspace:text run:text}
		INSERT INTO freed (workspace, key, at) SELECT k.workspace, k.key, {now} FROM s JOIN slots k
			ON k.workspace = s.workspace AND k.run = s.run AND k.held = 0`
	insertFreed = `{with workspace:text key:text} 
		INSERT INTO freed (workspace, key, at) SELECT workspace, key, {now} FROM s`

	setInputs = `{with workspace:text run:text input:text}
		UPDATE runs AS r SET input = s.input FROM s WHERE r.workspace = s.workspace AND r.id = s.run`
)

// write writes the batch and commits it. What a run starts comes last, so that it may wait for what the run freed.
func (b *batch) write(ctx context.Context, x *session) error {
	if len(b.created) == 0 {
		return x.commit(ctx, b.calls()...)
	}
	if err := x.run(ctx, b.calls()...); err != nil {
		return err
	}
	return b.store.create(ctx, x, b.created, true)
}

// calls writes the batch.
func (b *batch) calls() []*call {
	var updates [][]any
	for _, l := range b.runs {
		if l.changed {
			updates = append(updates, l.row())
		}
	}
	slices.SortFunc(updates, compareRows)
	var locked *call
	if b.store.dialect.lite { // has one writer only
		locked = exec(lockSlotsOfRuns, nil)
	} else {
		locked = query(lockSlotsOfRuns, slices.Concat(b.endSlots, b.parkSlots))
	}
	ended, own, parked := query(freeOfEnded, b.endSlots), query(freeOwn, b.leftRows()), query(freeOfParked, b.parkSlots)
	b.passing = []*call{ended, own, parked}
	return []*call{
		exec(insertBlobs, b.blobs.rows),
		exec(insertRefs, b.references(updates)),
		exec(updateRuns, updates),
		exec(setInputs, b.inputs),
		exec(insertSteps, b.steps),
		exec(upsertNodes, b.nodeRows),
		exec(dropOutputs, b.drops),
		exec(dropElements, b.dropsAll),
		exec(insertLogs, b.logs),
		exec(insertMessages, b.sends),
		exec(readMessages, b.reads),
		exec(insertTasks, b.newTasks),
		exec(cancelSomeTasks, b.cancelTasks),
		exec(cancelAllTasks, b.overTasks),
		locked,
		own,
		ended,
		exec(deleteSlots, b.endSlots),
		parked,
		exec(releaseSlots, b.parkSlots),
		exec(insertFreed, b.freed),
		exec(freeOfPassed, b.passed),
	}
}

func (b *batch) leftRows() [][]any {
	rows := make([][]any, 0, len(b.left))
	for slot := range b.left {
		rows = append(rows, []any{slot.workspace, slot.key})
	}
	slices.SortFunc(rows, compareRows)
	return rows
}

// passesOn reports whether others wait for what was freed in a workspace.
func (b *batch) passesOn(workspace flowforge.Workspace) bool {
	return slices.ContainsFunc(b.passing, func(c *call) bool {
		return slices.ContainsFunc(c.out, func(r row) bool { return r.text() == string(workspace) })
	})
}

func compareRows(a, b []any) int {
	const names = 2 // workspace and run
	for i := range names {
		left, _ := a[i].(string)
		right, _ := b[i].(string)
		if order := cmp.Compare(left, right); order != 0 {
			return order
		}
	}
	return 0
}
