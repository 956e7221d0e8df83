package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

const (
	readGate = `{with workspace:text key:text n:bigint}
		SELECT s.n, (SELECT count(*) FROM slots k WHERE k.workspace = s.workspace AND k.key = s.key AND k.held = 1
				AND (k.until IS NULL OR k.until > {now})) + (SELECT count(*) FROM runs h WHERE h.workspace = s.workspace AND h.slot = s.key),
			CASE WHEN EXISTS (SELECT 1 FROM runs l WHERE l.workspace = s.workspace AND l.line = s.key) OR EXISTS (
				SELECT 1 FROM runs d JOIN slots k ON k.workspace = d.workspace AND k.run = d.id AND k.key = s.key AND k.held = 0
				WHERE d.workspace = s.workspace AND d.lacks > 0 AND d.due_at <= {now} AND d.cancels = 0
			) THEN 1 ELSE 0 END,
			(SELECT min(k.until) FROM slots k WHERE k.workspace = s.workspace AND k.key = s.key AND k.held = 1 AND k.until > {now})
		FROM s`
	readPending = `{with workspace:text n:bigint}
		SELECT s.workspace FROM s WHERE EXISTS (SELECT 1 FROM freed f WHERE f.workspace = s.workspace AND f.at <= {now}
			AND EXISTS (SELECT 1 FROM runs l WHERE l.workspace = f.workspace AND l.line = f.key))`
	readHolder = `{with workspace:text key:text n:bigint}
		SELECT s.n, ` + whole + ` FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = (
			SELECT run FROM (
				SELECT k.run, k.since FROM slots k WHERE k.workspace = s.workspace AND k.key = s.key AND k.held = 1
				UNION ALL SELECT o.id, o.created_at FROM runs o WHERE o.workspace = s.workspace AND o.slot = s.key
			) h ORDER BY since, run LIMIT 1)`
	readBacklog = `{with workspace:text most:bigint}
		SELECT s.workspace, (SELECT count(*) FROM (
			SELECT 1 FROM runs b WHERE b.workspace = s.workspace AND b.status = 'queued' AND b.epoch = 0 AND b.status NOT IN ('succeeded')
			LIMIT (SELECT max(most) FROM s)) c) FROM s`
	readGathering = `{with workspace:text key:text n:bigint}
		SELECT s.n, g.inputs, ` + whole + ` FROM s JOIN gatherings g ON g.workspace = s.workspace AND g.key = s.key
			JOIN runs r ON r.workspace = g.workspace AND r.id = g.run
		WHERE r.status = 'queued' AND r.epoch = 0 AND r.cancels = 0 {lock}`
	readJoined = `{with workspace:text name:text n:bigint}
		SELECT s.n, ` + whole + ` FROM s JOIN messages m ON m.workspace = s.workspace AND m.id = s.name AND m.kind = 'input'
			JOIN runs r ON r.workspace = m.workspace AND r.id = m.run`
)

// read takes the locks and reads what is to be known, in one round trip, or two where a place is answered.
func (g *gate) read(ctx context.Context) error {
	all := g.all
	keys, timed, asks := g.keys()
	var names, gathers, backlogs [][]any
	for i, c := range all {
		workspace := string(c.Run.Workspace)
		if c.Gather != nil {
			names = append(names, []any{workspace, c.Name(), int64(i)})
			gathers = append(gathers, []any{workspace, c.Gather.Key, int64(i)})
		}
		if c.Backlog > 0 {
			backlogs = append(backlogs, []any{workspace, int64(c.Backlog)})
		}
	}
	clock, rooms, holders := query(`{with} SELECT {now}`, nil), query(readGate, keys), query(readHolder, asks)
	open, joined, backlog := query(readGathering, gathers), query(readJoined, names), query(readBacklog, backlogs)
	pending := query(readPending, g.workspaces())
	calls := append(g.locks(all), exec(dropExpired, timed), clock, pending, rooms, holders, joined, open, backlog)
	if err := g.x.run(ctx, calls...); err != nil {
		return err
	}
	g.now = clock.out[0].int()
	for i := range pending.out {
		g.pending[pending.out[i].text()] = true
	}
	if g.x.hasty && len(g.pending) > 0 {
		return errLine
	}
	for i := range backlog.out {
		g.backlogs[backlog.out[i].text()] = backlog.out[i].int()
	}
	for i := range rooms.out {
		r := &rooms.out[i]
		*g.roomOf(keys, r.int()) = entrance{held: r.int(), lined: r.bool(), frees: r.int()}
	}
	l := &loader{}
	for i := range holders.out {
		r := &holders.out[i]
		room := g.roomOf(keys, r.int())
		room.answers = true
		r.wholeRun(l, &room.holder)
	}
	g.noteGatherings(l, open.out, joined.out)
	if err := l.load(ctx, g.x.run); err != nil {
		return err
	}
	if crowded := g.crowded(); len(crowded)+len(names)+len(backlogs) > 0 {
		return g.readAgain(ctx, crowded)
	}
	return nil
}

// noteGatherings reads which runs gather, and which starts have joined one before.
func (g *gate) noteGatherings(l *loader, open, joined []row) {
	for i := range open {
		r := &open[i]
		c := g.all[r.int()]
		into := &gatheringRow{inputs: r.int()}
		r.wholeRun(l, &into.run)
		g.open[slotKey{string(c.Run.Workspace), c.Gather.Key}] = into
	}
	for i := range joined {
		r := &joined[i]
		c := g.all[r.int()]
		run := &flowforge.Run{}
		r.wholeRun(l, run)
		g.joined[[2]string{string(c.Run.Workspace), c.Name()}] = run
	}
}

// crowded gives the slots whose limits the creations may meet.
func (g *gate) crowded() [][]any {
	wanted, seen := map[slotKey]int64{}, map[slotKey]bool{}
	var rows [][]any
	for _, c := range g.all {
		for i := range c.Slots {
			name := slotKey{string(c.Run.Workspace), c.Slots[i].Key}
			wanted[name]++
			at := g.rooms[name]
			if (at.lined || at.held+wanted[name] > int64(c.Slots[i].Limit)) && !seen[name] {
				seen[name] = true
				rows = append(rows, []any{name.workspace, name.key})
			}
		}
	}
	slices.SortFunc(rows, compareRows)
	return rows
}

// readAgain counts places under locks on those who hold them, so that one who ends knows of who waits, and notes which
// creations were made before: they pass, whatever the limits are.
func (g *gate) readAgain(ctx context.Context, crowded [][]any) error {
	held, owned := query(countHeld, crowded), query(lockHolders, crowded)
	if err := g.x.run(ctx, held, owned); err != nil {
		return err
	}
	for _, row := range crowded {
		workspace, _ := row[0].(string)
		key, _ := row[1].(string)
		g.rooms[slotKey{workspace, key}].held = 0
	}
	for _, r := range slices.Concat(held.out, owned.out) {
		g.rooms[slotKey{r.text(), r.text()}].held += r.int()
	}
	found, err := g.x.store.find(ctx, g.x, g.all)
	for i := range found {
		g.known[g.all[i]] = found[i] != nil
	}
	return err
}

// workspaces gives those of the creations that need slots.
func (g *gate) workspaces() [][]any {
	var rows [][]any
	seen := map[string]bool{}
	for name := range g.rooms {
		if !seen[name.workspace] {
			seen[name.workspace] = true
			rows = append(rows, []any{name.workspace, int64(0)})
		}
	}
	return rows
}

// locks gives the calls that lock the workspaces of creations, in order.
func (g *gate) locks(all []*creation) []*call {
	if g.x.store.dialect.lite {
		return nil
	}
	return lockWorkspaces(workspacesOf(all))
}

// lockWorkspaces gives the calls that lock the slots of workspaces.
func lockWorkspaces(workspaces []string) []*call {
	slices.Sort(workspaces)
	workspaces = slices.Compact(workspaces)
	calls := make([]*call, 0, len(workspaces))
	for _, workspace := range workspaces {
		calls = append(calls, query(lockSlots, [][]any{{workspace}}))
	}
	return calls
}

// keys gives the slots that creations need, those that are held for a time, and those whose holder may have to answer.
func (g *gate) keys() (keys, timed, asks [][]any) {
	for _, c := range g.all {
		for i := range c.Slots {
			name := slotKey{string(c.Run.Workspace), c.Slots[i].Key}
			if g.rooms[name] != nil {
				continue
			}
			g.rooms[name] = &entrance{}
			row := []any{name.workspace, name.key, int64(len(keys))}
			keys = append(keys, row)
			if c.Slots[i].For > 0 {
				timed = append(timed, row)
			}
			if c.Slots[i].AtLimit == store.LimitAnswers {
				asks = append(asks, row)
			}
		}
	}
	return keys, timed, asks
}

// roomOf gives the slot that a row of input was about.
func (g *gate) roomOf(keys [][]any, n int64) *entrance {
	workspace, _ := keys[n][0].(string)
	key, _ := keys[n][1].(string)
	return g.rooms[slotKey{workspace, key}]
}

const (
	dropExpired = `{with workspace:text key:text n:bigint}
		DELETE FROM slots WHERE (workspace, key) IN (SELECT workspace, key FROM s) AND until <= {now}`
	closeGathering = `{with workspace:text key:text}
		DELETE FROM gatherings WHERE (workspace, key) IN (SELECT workspace, key FROM s)`
	openGathering = `{with workspace:text key:text run:text inputs:bigint}
		INSERT INTO gatherings (workspace, key, run, inputs) SELECT workspace, key, run, inputs FROM s WHERE true
		ON CONFLICT (workspace, key) DO UPDATE SET run = excluded.run, inputs = excluded.inputs`
)

// sends reports whether other runs are to be told of the new ones.
func (g *gate) sends() bool {
	return g != nil && (len(g.joins) > 0 || slices.ContainsFunc(g.all, func(c *creation) bool {
		return slices.ContainsFunc(c.Slots, func(slot store.Slot) bool { return slot.AtLimit == store.LimitCancels })
	}))
}

// send tells other runs of the new ones, after these were made.
func (g *gate) send(ctx context.Context) error {
	if err := g.writeJoins(ctx); err != nil {
		return err
	}
	return g.supersede(ctx)
}

// calls notes which runs gather from now on, and when those in line look again.
func (g *gate) calls() []*call {
	var closed, opened, lines [][]any
	seen := map[slotKey]bool{}
	for _, c := range g.all {
		for i := range c.Slots {
			if c.Slots[i].For > 0 && c.line == c.Slots[i].Key {
				lines = append(lines, []any{string(c.Run.Workspace), c.line})
			}
		}
		if c.Gather == nil {
			continue
		}
		name := slotKey{string(c.Run.Workspace), c.Gather.Key}
		if seen[name] {
			continue
		}
		seen[name] = true
		if row := g.open[name]; row != nil {
			opened = append(opened, []any{name.workspace, name.key, string(row.run.ID), row.inputs})
		} else {
			closed = append(closed, []any{name.workspace, name.key})
		}
	}
	return append(wakeLines(lines), exec(closeGathering, closed), exec(openGathering, opened))
}

// writeJoins lets the starts join that do so.
func (g *gate) writeJoins(ctx context.Context) error {
	if len(g.joins) == 0 {
		return nil
	}
	b := g.x.store.newBatch()
	for _, j := range g.joins {
		b.letters = append(b.letters, store.Message{
			Workspace: j.Run.Workspace, Run: j.run, ID: j.Name(), Kind: store.MessageInput, Payload: j.Run.Input,
			At: time.UnixMicro(g.now).UTC(),
		})
	}
	if err := b.read(ctx, g.x, nil, false); err != nil {
		return err
	}
	for i, j := range g.joins {
		if err := b.send(&b.letters[i]); err != nil {
			return err
		}
		l := b.runs[keyOf(j.Run.Workspace, j.run)]
		switch {
		case l == nil || l.line != "": // it is due already, and waits for a slot
		case j.Gather.Size == 0:
			l.wake = l.now + j.Gather.Period.Microseconds()
			l.due = l.wake
		case j.n >= int64(j.Gather.Size):
			l.wake, l.due = 0, l.now
		}
	}
	return g.x.run(ctx, b.calls()...)
}

const readRivals = `{with workspace:text key:text n:bigint}
	SELECT s.n, r.id, r.created_at, CASE WHEN r.cancels > 0 OR r.status = 'canceling' THEN 1 ELSE 0 END
	FROM s JOIN slots k ON k.workspace = s.workspace AND k.key = s.key
		JOIN runs r ON r.workspace = k.workspace AND r.id = k.run
	WHERE r.finished_at IS NULL
	UNION ALL
	SELECT s.n, r.id, r.created_at, CASE WHEN r.cancels > 0 OR r.status = 'canceling' THEN 1 ELSE 0 END
	FROM s JOIN runs r ON r.workspace = s.workspace AND r.slot = s.key`

// supersede asks the oldest runs with a place to cancel, so that with the new ones no more than the limit are left.
func (g *gate) supersede(ctx context.Context) error {
	var keys [][]any
	var slots []store.Slot
	var newest []*creation
	at := map[slotKey]int{}
	for _, c := range g.all {
		for i := range c.Slots {
			if c.Slots[i].AtLimit != store.LimitCancels || !c.made() {
				continue
			}
			name := slotKey{string(c.Run.Workspace), c.Slots[i].Key}
			n, known := at[name]
			if !known {
				n, at[name] = len(keys), len(keys)
				keys = append(keys, []any{name.workspace, name.key, int64(n)})
				slots, newest = append(slots, c.Slots[i]), append(newest, c)
			}
			newest[n] = c
		}
	}
	found := query(readRivals, keys)
	if err := g.x.run(ctx, found); err != nil {
		return err
	}
	rivals := make([][]limits.Rival, len(keys))
	for i := range found.out {
		r := &found.out[i]
		n := r.int()
		rival := limits.Rival{Run: flowforge.RunID(r.text()), CreatedAt: r.time(), Leaving: r.bool()}
		if rival.Run != newest[n].Run.ID {
			rivals[n] = append(rivals[n], rival)
		}
	}
	b := g.x.store.newBatch()
	for n, c := range newest {
		for _, id := range limits.Surplus(rivals[n], slots[n].Limit) {
			b.letters = append(b.letters, limits.Superseded(c.Run.Workspace, id, c.Run.ID, time.UnixMicro(g.now).UTC()))
		}
	}
	if len(b.letters) == 0 {
		return nil
	}
	if err := b.read(ctx, g.x, nil, false); err != nil {
		return err
	}
	for i := range b.letters {
		if err := b.send(&b.letters[i]); err != nil {
			return err
		}
	}
	return g.x.run(ctx, b.calls()...)
}
