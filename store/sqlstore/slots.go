package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// Slots are given in one place, under a lock for each workspace: whoever frees a slot notes that, and a run that is
// due but lacks slots stays due. Who claims, or wants a run leased from the start, gives what is free first.

// giveSlots gives free slots to the runs of workspaces that are due, and to those in line. It reports whether any run
// got what it needs.
func (s *Store) giveSlots(ctx context.Context, workspaces []string) (bool, error) {
	slices.Sort(workspaces)
	given := false
	for _, workspace := range slices.Compact(workspaces) {
		err := retry(ctx, func() error {
			for more := true; more; {
				x := s.engine()
				g := &giving{x: x, workspace: workspace, rooms: map[string]*room{}, runs: map[string]*waiter{}}
				err := g.give(ctx)
				x.close(ctx)
				if err != nil {
					return err
				}
				given, more = given || g.given, g.more
			}
			return nil
		})
		if err != nil {
			return given, err
		}
	}
	return given, nil
}

// giving is one such transaction.
type giving struct {
	x           *session
	workspace   string
	rooms       map[string]*room
	runs        map[string]*waiter
	held        [][]any
	given, more bool
}

// A room is a slot: how many hold it, and who waits, the oldest first.
type room struct {
	held int64
	line []*waiter
}

// A waiter is a run that lacks slots.
type waiter struct {
	run     string
	since   int64
	rank    int64
	slots   []needed
	line    string
	granted bool
	changed bool
}

type needed struct {
	key    string
	places int64
	held   bool
	timed  bool // it has its place for a time
}

func (w *waiter) compare(other *waiter) int {
	return cmp.Or(cmp.Compare(w.rank, other.rank), cmp.Compare(w.since, other.since), cmp.Compare(w.run, other.run))
}

const (
	lockSlots = `{with workspace:text} SELECT pg_advisory_xact_lock(hashtextextended('flowforge slots ' || workspace, 0)) FROM s`
	takeFreed = `{with workspace:text} DELETE FROM freed
		WHERE workspace = (SELECT workspace FROM s) AND at <= {now} RETURNING key, at`
	dueRuns = `{with workspace:text} SELECT r.id, r.due_at, r.rank FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.lacks > 0 AND r.due_at <= {now} AND r.cancels = 0
		ORDER BY r.due_at, r.id LIMIT 200 {skip}`
	slotsOfRuns = `{with workspace:text run:text} SELECT k.run, k.key, k.places, k.held, k.span
		FROM s JOIN slots k ON k.workspace = s.workspace AND k.run = s.run ORDER BY k.run, k.n`
	countHeld = `{with workspace:text key:text} SELECT k.workspace, k.key, count(*) FROM (
			SELECT r.workspace, r.key FROM s JOIN slots r
			ON r.workspace = s.workspace AND r.key = s.key AND r.held = 1 AND (r.until IS NULL OR r.until > {now}) {share}
		) k GROUP BY k.workspace, k.key`
	lineRuns = `{with workspace:text key:text} SELECT r.id, r.since, r.rank FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.line = (SELECT key FROM s)
		ORDER BY r.rank, r.since, r.id LIMIT 50 {lock}`
	updateWaiters = `{with workspace:text id:text due:bigint since:bigint line:text lacks:bigint}
		UPDATE runs AS r SET due_at = s.due, since = s.since, line = s.line, lacks = coalesce(s.lacks, r.lacks)
		FROM s WHERE r.workspace = s.workspace AND r.id = s.id`
	holdSlots = `{with workspace:text run:text key:text}
		UPDATE slots AS k SET held = 1, since = {now}, until = CASE WHEN k.span > 0 THEN {now} + k.span END FROM s
		WHERE k.workspace = s.workspace AND k.run = s.run AND k.key = s.key`

	// Where those in line wait for a place that is held for a time, the end of that frees it.
	forgetWake = `{with workspace:text key:text}
		DELETE FROM freed WHERE (workspace, key) IN (SELECT workspace, key FROM s) AND at > {now}`
	insertWake = `{with workspace:text key:text}
		INSERT INTO freed (workspace, key, at) SELECT s.workspace, s.key, min(k.until) FROM s
			JOIN slots k ON k.workspace = s.workspace AND k.key = s.key AND k.held = 1 AND k.until > {now}
		GROUP BY s.workspace, s.key`

	dueBatch, lineBatch = 200, 50 // the limits above
)

func (g *giving) give(ctx context.Context) error {
	here := [][]any{{g.workspace}}
	freed, due := query(takeFreed, here), query(dueRuns, here)
	calls := []*call{freed, due}
	if !g.x.store.dialect.lite {
		calls = append(lockWorkspaces([]string{g.workspace}), calls...)
	}
	if err := g.x.run(ctx, calls...); err != nil {
		return err
	}
	g.more = len(due.out) == dueBatch
	waiting, err := g.waiters(ctx, due.out)
	if err != nil {
		return err
	}
	var keys []string
	events := make([]event, 0, len(freed.out)+len(waiting))
	for i := range freed.out {
		e := event{key: freed.out[i].text(), at: freed.out[i].int()}
		keys, events = append(keys, e.key), append(events, e)
	}
	for _, w := range waiting {
		keys, events = append(keys, w.keys()...), append(events, event{due: w, at: w.since})
	}
	if err := g.load(ctx, keys); err != nil {
		return err
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range events {
		if e.due != nil {
			g.take(e.due, "")
		} else if err := g.grant(ctx, e.key); err != nil {
			return err
		}
	}
	// Who was due may have joined a line whose slot is free.
	for _, key := range slices.Sorted(maps.Keys(g.rooms)) {
		if err := g.grant(ctx, key); err != nil {
			return err
		}
	}
	return g.write(ctx)
}

// An event is a slot that was freed, or a run that began to need its slots. In the order in which they happened
// nobody passes who came before.
type event struct {
	at  int64
	key string
	due *waiter
}

func (w *waiter) keys() []string {
	keys := make([]string, len(w.slots))
	for i := range w.slots {
		keys[i] = w.slots[i].key
	}
	return keys
}

// waiters reads the slots of runs.
func (g *giving) waiters(ctx context.Context, rows []row) ([]*waiter, error) {
	list := make([]*waiter, 0, len(rows))
	var in [][]any
	for i := range rows {
		w := &waiter{run: rows[i].text(), since: rows[i].int(), rank: rows[i].int()}
		if g.runs[w.run] == nil {
			g.runs[w.run] = w
			in = append(in, []any{g.workspace, w.run})
		}
		list = append(list, g.runs[w.run])
	}
	slots := query(slotsOfRuns, in)
	if err := g.x.run(ctx, slots); err != nil {
		return nil, err
	}
	for i := range slots.out {
		r := &slots.out[i]
		w := g.runs[r.text()]
		w.slots = append(w.slots, needed{key: r.text(), places: r.int(), held: r.bool(), timed: r.bool()})
	}
	return list, nil
}

// load reads rooms that are not known yet, and those that their lines need.
func (g *giving) load(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		var counts [][]any
		var calls []*call
		var names []string
		for _, key := range keys {
			if g.rooms[key] != nil {
				continue
			}
			g.rooms[key] = &room{}
			in := []any{g.workspace, key}
			counts, names = append(counts, in), append(names, key)
			calls = append(calls, query(lineRuns, [][]any{in}))
		}
		if len(names) == 0 {
			return nil
		}
		held, owned := query(countHeld, counts), query(lockHolders, counts)
		if err := g.x.run(ctx, append(calls, held, owned)...); err != nil {
			return err
		}
		for _, r := range slices.Concat(held.out, owned.out) {
			_, key := r.text(), r.text()
			g.rooms[key].held += r.int()
		}
		keys = nil
		for i, c := range calls {
			line, err := g.waiters(ctx, c.out)
			if err != nil {
				return err
			}
			g.rooms[names[i]].line = line
			for _, w := range line {
				w.line = names[i]
				keys = append(keys, w.keys()...)
			}
		}
	}
	return nil
}

// take gives a run the slots that it lacks: all or none. Where it gets none it joins the line of the first that is
// taken. Nobody passes those in line, unless turn, who was the first of its line.
func (g *giving) take(w *waiter, turn string) {
	w.changed = true
	for i := range w.slots {
		need := &w.slots[i]
		at := g.rooms[need.key]
		if need.held || at.held < need.places && (need.key == turn || len(at.line) == 0) {
			continue
		}
		w.line = need.key
		place, _ := slices.BinarySearchFunc(at.line, w, (*waiter).compare)
		at.line = slices.Insert(at.line, place, w)
		return
	}
	w.line, w.granted, g.given = "", true, true
	for i := range w.slots {
		if need := &w.slots[i]; !need.held {
			need.held = true
			g.rooms[need.key].held++
			g.held = append(g.held, []any{g.workspace, w.run, need.key})
		}
	}
}

// grant lets the oldest waiters of a slot go on while it has room.
func (g *giving) grant(ctx context.Context, key string) error {
	at := g.rooms[key]
	for gone := 0; len(at.line) > 0; gone++ {
		first := at.line[0]
		for i := range first.slots {
			if first.slots[i].key == key && at.held >= first.slots[i].places {
				return nil
			}
		}
		at.line = at.line[1:]
		g.take(first, key)
		if gone == lineBatch { // there may be more that were not read
			g.more = true
			return g.x.run(ctx, exec(insertFreed, [][]any{{g.workspace, key}}))
		}
	}
	return nil
}

func (g *giving) write(ctx context.Context) error {
	var rows [][]any
	for _, w := range g.runs {
		if !w.changed {
			continue
		}
		var due, line, lacks any
		if w.granted {
			due, lacks = w.since, int64(0)
		} else {
			line = w.line
		}
		rows = append(rows, []any{g.workspace, w.run, due, w.since, line, lacks})
	}
	slices.SortFunc(rows, compareRows)
	wake := wakeLines(g.timedLines())
	return g.x.commit(ctx, append([]*call{exec(updateWaiters, rows), exec(holdSlots, g.held)}, wake...)...)
}

// timedLines gives the slots that are held for a time and that others wait for.
func (g *giving) timedLines() [][]any {
	var lines [][]any
	for key, at := range g.rooms {
		if len(at.line) == 0 {
			continue
		}
		for i := range at.line[0].slots {
			if need := &at.line[0].slots[i]; need.key == key && need.timed {
				lines = append(lines, []any{g.workspace, key})
			}
		}
	}
	slices.SortFunc(lines, compareRows)
	return lines
}

// wakeLines gives the calls that let someone look at lines once a place that is held for a time is free.
func wakeLines(lines [][]any) []*call {
	return []*call{exec(forgetWake, lines), exec(insertWake, lines)}
}
