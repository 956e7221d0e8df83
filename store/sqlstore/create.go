package sqlstore

import (
	"context"
	"errors"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Create makes runs.
func (s *Store) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	answers := make([]store.Created, len(runs))
	all := make([]*creation, len(runs))
	for i := range runs {
		all[i] = &creation{NewRun: &runs[i], answer: &answers[i]}
	}
	err := s.bisect(ctx, len(all), func(from, to int) error {
		part := all[from:to]
		err := s.createOnce(ctx, part, true)
		if errors.Is(err, errLine) {
			if _, err = s.giveSlots(ctx, workspacesOf(part)); err == nil {
				err = s.createOnce(ctx, part, false)
			}
		}
		return err
	}, func(i int, err error) { answers[i] = store.Created{Err: err} })
	return answers, s.failure(ctx, "create runs", err)
}

// createOnce makes runs in one transaction. A hasty one ends with errLine where others are to be given slots first.
func (s *Store) createOnce(ctx context.Context, all []*creation, hasty bool) error {
	x := s.engine()
	x.hasty = hasty
	defer x.close(ctx)
	return s.create(ctx, x, all, true)
}

// errLine says that slots were freed which others wait for.
var errLine = errors.New("others in line are to be given slots first")

func workspacesOf(all []*creation) []string {
	workspaces := make([]string, len(all))
	for i, c := range all {
		workspaces[i] = string(c.Run.Workspace)
	}
	return workspaces
}

// A creation is a run to be created, with the place of its answer.
type creation struct {
	*store.NewRun
	answer *store.Created
	done   bool
	admission
}

// made reports whether the run was made just now.
func (c *creation) made() bool { return c.done && c.answer.Err == nil && !c.answer.Existing }

// refuse ends a creation with an error.
func (c *creation) refuse(err error) { *c.answer, c.done = store.Created{Err: err}, true }

// bisect tries n items at once. Where the database refuses them for their data it tries halves, until only the
// culprits are left, who are blamed.
func (s *Store) bisect(ctx context.Context, n int, try func(from, to int) error, blame func(i int, err error)) error {
	var part func(from, to int) error
	part = func(from, to int) error {
		if from == to {
			return nil
		}
		err := retry(ctx, func() error { return try(from, to) })
		if fault := faultOf(err); fault != faultData && fault != faultRecorded {
			return err
		}
		if to-from == 1 {
			blame(from, s.failure(ctx, "", err))
			return nil
		}
		middle := (from + to) / 2
		if err := part(from, middle); err != nil {
			return err
		}
		return part(middle, to)
	}
	return part(0, n)
}

const insertDocuments = `{with workspace:text hash:text text:text}
	INSERT INTO documents (workspace, hash, text) SELECT workspace, hash, text FROM s WHERE true
	ON CONFLICT (workspace, hash) DO UPDATE SET hash = excluded.hash WHERE false`

// A run is leased from the start if it may begin now. One whose document is not there is not made.
const insertRuns = insertRunsInput + insertRunsFrom + insertRunsEnd

const insertRunsInput = `{with workspace:text id:text pool:text types:bigint rank:bigint worker:text lease:bigint wake:bigint
	own:text places:bigint slots:bigint releases:bigint lacks:bigint line:text steps:bigint created:bigint
	workflow:text name:text version:bigint hash:text document:text
	test:bigint priority:bigint origin_run:text origin:text key:text fingerprint:text acts:text input:text vars:text}`

const insertRunsFrom = `
	INSERT INTO runs (workspace, id, status, reason, pool, types, rank, seq, epoch, worker, due_at, since, wake_at,
		parked, lost, steps, logs, journal, received, unread, cancels, tasks, slot, places, slots, releases, lacks, line, created_at,
		workflow_id, workflow_name, workflow_version, workflow_hash, document, test, priority, origin_run, origin,
		idempotency_key, fingerprint, acts_for, input, vars)
	SELECT s.workspace, s.id, 'queued', '', s.pool, s.types, s.rank, 1,
		CASE WHEN s.worker IS NULL OR s.wake > {now} THEN 0 ELSE 1 END,
		CASE WHEN s.worker IS NULL OR s.wake > {now} THEN NULL ELSE s.worker END,
		CASE WHEN s.wake > {now} THEN s.wake WHEN s.line IS NOT NULL THEN NULL WHEN s.worker IS NULL THEN {now} ELSE {now} + s.lease END,
		{now}, CASE WHEN s.wake > {now} THEN s.wake END,
		0, 0, s.steps, 0, 0, 0, 0, 0, 0, s.own, s.places, s.slots, s.releases, s.lacks, s.line, s.created,
		s.workflow, s.name, s.version, s.hash, s.document, s.test, s.priority, s.origin_run, s.origin,
		s.key, s.fingerprint, nullif(s.acts, ''), s.input, s.vars
	FROM s LEFT JOIN (
		SELECT r.workspace, r.hash FROM documents r WHERE (r.workspace, r.hash) IN (SELECT workspace, document FROM s) {share}
	) d ON d.workspace = s.workspace AND d.hash = s.document
	WHERE (s.document = '' OR d.hash IS NOT NULL)`

const insertRunsEnd = ` ON CONFLICT DO NOTHING RETURNING workspace, id, epoch`

const insertSlots = `{with workspace:text run:text key:text n:bigint places:bigint releases:bigint held:bigint span:bigint}
	INSERT INTO slots (workspace, run, key, n, places, releases, held, since, span, until)
	SELECT workspace, run, key, n, places, releases, held, CASE WHEN held = 1 THEN {now} END, span,
		CASE WHEN held = 1 AND span > 0 THEN {now} + span END FROM s`

// create makes runs within a session, which it commits if it is the last to use it.
func (s *Store) create(ctx context.Context, x *session, all []*creation, last bool) error {
	for _, c := range all {
		*c.answer, c.done = store.Created{}, false
	}
	const passes = 3 // a document may be pruned at the very moment
	for range passes {
		waiting := make([]*creation, 0, len(all))
		for _, c := range all {
			if !c.done {
				waiting = append(waiting, c)
			}
		}
		if len(waiting) == 0 {
			break
		}
		if err := s.pass(ctx, x, waiting, last); err != nil {
			return err
		}
		if x.done {
			x.renew(ctx)
		}
	}
	for _, c := range all {
		if !c.done {
			return errNoRows
		}
	}
	return nil
}

// pass inserts what is new, and answers that and what was there before.
func (s *Store) pass(ctx context.Context, x *session, waiting []*creation, last bool) error {
	in, g, err := s.insert(ctx, x, waiting, last)
	if err != nil {
		return err
	}
	inserted := map[store.RunKey]int64{}
	for i := range in.inserted {
		r := &in.inserted[i]
		inserted[keyOf(flowforge.Workspace(r.text()), flowforge.RunID(r.text()))] = r.int()
	}
	for _, c := range waiting {
		key := keyOf(c.Run.Workspace, c.Run.ID)
		epoch, ok := inserted[key]
		if c.done || !ok {
			continue
		}
		delete(inserted, key)
		c.done, c.answer.Run, c.answer.Epoch = true, stored(c.Run), epoch
	}
	if !x.done {
		if err := s.follow(ctx, x, waiting, in, g, last); err != nil {
			return err
		}
	}
	if x.done {
		s.sawDocuments(in.documents, true)
	}
	return s.existing(ctx, x, waiting)
}

// insert inserts what is new, as far as the gate lets it, and commits where nothing follows. A nil gate was not needed.
func (s *Store) insert(
	ctx context.Context, x *session, waiting []*creation, last bool,
) (in *newRows, g *gate, err error) {
	if in, err = s.insertWhereRoom(ctx, x, waiting, last); in != nil || err != nil {
		return in, nil, err
	}
	if g, err = s.gate(ctx, x, waiting); err != nil {
		return nil, nil, err
	}
	if in, err = s.newRows(waiting, x.begun); err != nil {
		return nil, nil, err
	}
	sets := x
	if !x.begun {
		sets = nil
	}
	if err := s.keepSets(ctx, sets, in.sets); err != nil {
		return nil, nil, err
	}
	err = in.insert(ctx, x, insertRuns, nil, last && g == nil)
	return in, g, err
}

// insert inserts the rows, after locks were taken, and commits them if they are the last and nothing follows.
func (in *newRows) insert(ctx context.Context, x *session, runs string, locks []*call, last bool) error {
	made := query(runs, in.runs)
	calls := slices.Concat(locks, []*call{
		exec(insertBlobs, in.blobs.rows), exec(insertRefs, in.references()), exec(insertDocuments, in.documents), made,
	})
	run := x.run
	if last && len(in.nodes) == 0 {
		run = x.commit
	}
	err := run(ctx, calls...)
	in.inserted = made.out
	return err
}

// follow writes what belongs to the runs that were made.
func (s *Store) follow(ctx context.Context, x *session, waiting []*creation, in *newRows, g *gate, last bool) error {
	after := []*call{exec(insertSlots, in.rowsOf(waiting, in.slots)), exec(upsertNodes, in.rowsOf(waiting, in.nodes))}
	if g != nil {
		after = append(after, g.calls()...)
	}
	if g.sends() {
		if err := x.run(ctx, after...); err != nil {
			return err
		}
		after = nil
		if err := g.send(ctx); err != nil {
			return err
		}
	}
	if last {
		return x.commit(ctx, after...)
	}
	return x.run(ctx, after...)
}

// stored is a new run as it is kept.
func stored(run flowforge.Run) flowforge.Run {
	run.Status, run.Seq = flowforge.RunQueued, 1
	return run
}

// existing answers those that were there before.
func (s *Store) existing(ctx context.Context, x *session, waiting []*creation) error {
	found, err := s.find(ctx, x, waiting)
	if err != nil {
		return err
	}
	var missing [][]any
	for i, c := range waiting {
		switch was := found[i]; {
		case c.done:
		case was == nil:
			missing = append(missing, []any{string(c.Run.Workspace), c.Document.Hash})
		case was.byKey && was.fingerprint != c.Fingerprint:
			c.refuse(usedKey(c.IdempotencyKey))
		default:
			c.done = true
			*c.answer = was.again(c.NewRun)
		}
	}
	s.sawDocuments(missing, false)
	return nil
}

func usedKey(key string) error {
	return flowforge.Errorf(flowforge.CodeKeyReused, "idempotency key %q was used for another request", key)
}

// A known run is one that a creation would be.
type knownRun struct {
	run         flowforge.Run
	worker      string
	epoch       int64
	fingerprint string
	byKey       bool
}

// again answers a run that is there already. Who sent the very same one again, not knowing that it had leased it
// from the start, learns of its lease.
func (k *knownRun) again(n *store.NewRun) store.Created {
	answer := store.Created{Run: k.run, Existing: true}
	if k.run.ID == n.Run.ID && n.Lease != nil && k.worker != "" && k.worker == string(n.Lease.Worker) {
		answer.Epoch = k.epoch
	}
	return answer
}

const (
	selectByID = `{with workspace:text id:text n:bigint}
		SELECT s.n, coalesce(r.worker, ''), r.epoch, coalesce(r.fingerprint, ''), ` + whole + `
		FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.id`
	selectByKey = `{with workspace:text key:text n:bigint}
		SELECT s.n, coalesce(r.worker, ''), r.epoch, coalesce(r.fingerprint, ''), ` + whole + `
		FROM s JOIN runs r ON r.workspace = s.workspace AND r.idempotency_key = s.key`
)

// find reads the runs that the creations not done yet would be, nil for those that are new.
func (s *Store) find(ctx context.Context, x *session, all []*creation) ([]*knownRun, error) {
	var ids, keys [][]any
	for i, c := range all {
		if c.done {
			continue
		}
		ids = append(ids, []any{string(c.Run.Workspace), string(c.Run.ID), int64(i)})
		if c.IdempotencyKey != "" {
			keys = append(keys, []any{string(c.Run.Workspace), c.IdempotencyKey, int64(i)})
		}
	}
	found := make([]*knownRun, len(all))
	if len(ids) == 0 {
		return found, nil
	}
	byKey, byID := query(selectByKey, keys), query(selectByID, ids)
	run := x.run
	if x.done {
		x.close(ctx) // who waits for a connection must not hold one
		run = func(ctx context.Context, calls ...*call) error { return s.read(ctx, "read runs", "", calls...) }
	}
	if err := run(ctx, byKey, byID); err != nil {
		return nil, err
	}
	l := &loader{}
	for _, c := range []*call{byKey, byID} { // the ID counts before the key
		for i := range c.out {
			r := &c.out[i]
			at := r.int()
			k := &knownRun{worker: r.text(), epoch: r.int(), fingerprint: r.text(), byKey: c == byKey}
			r.wholeRun(l, &k.run)
			found[at] = k
		}
	}
	return found, l.load(ctx, run)
}
