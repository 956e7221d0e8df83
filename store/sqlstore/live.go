package sqlstore

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// A live run is what a transaction knows of a run whose row it has locked, and what it makes of it.
type live struct {
	key                            store.RunKey
	now                            int64 // the store's clock when it was locked
	status                         flowforge.RunStatus
	reason                         string
	seq, epoch                     int64
	held                           bool // someone has its lease, which may have ended
	parked                         bool
	due, since, wake               int64 // instants; 0: none
	lost, rank                     int64
	steps, logs, journal, received int64 // counters; journal counts bytes
	unread, cancels                int64
	tasks                          bool
	own                            string // the slot that it has on its own row
	slots, releases, lacks         int64
	line                           string // the slot that it waits for
	started, finished              int64
	was                            int64 // its seq when it was locked
	changed, freed                 bool
	output, failure                any
	dropped                        map[flowforge.NodeID]bool // nodes of which this batch drops outputs
}

const lockRuns = `{with workspace:text id:text}
	SELECT {now}, r.workspace, r.id, r.status, r.reason, r.seq, r.epoch, CASE WHEN r.worker IS NULL THEN 0 ELSE 1 END,
		r.parked, r.due_at, r.since, r.wake_at, r.lost, r.rank, r.steps, r.logs, r.journal, r.received, r.unread,
		r.cancels, r.tasks, r.slot, r.slots, r.releases, r.lacks, r.line, r.started_at, r.finished_at
	FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.id ORDER BY r.workspace, r.id {lock}`

func (r *row) live() *live {
	l := &live{
		now: r.int(), key: keyOf(flowforge.Workspace(r.text()), flowforge.RunID(r.text())),
		status: flowforge.RunStatus(r.text()), reason: r.text(), seq: r.int(), epoch: r.int(), held: r.bool(),
		parked: r.bool(), due: r.int(), since: r.int(), wake: r.int(), lost: r.int(), rank: r.int(), steps: r.int(),
		logs: r.int(), journal: r.int(), received: r.int(), unread: r.int(), cancels: r.int(), tasks: r.bool(),
		own: r.text(), slots: r.int(), releases: r.int(), lacks: r.int(), line: r.text(), started: r.int(), finished: r.int(),
	}
	l.was = l.seq
	return l
}

const updateRuns = `{with workspace:text id:text epoch:bigint was:bigint held:bigint status:text reason:text seq:bigint
	due:bigint since:bigint wake:bigint parked:bigint lost:bigint steps:bigint logs:bigint journal:bigint
	received:bigint unread:bigint cancels:bigint tasks:bigint lacks:bigint line:text started:bigint finished:bigint
	output:text failure:text}
	UPDATE runs AS r SET worker = CASE WHEN s.held = 1 THEN r.worker END, status = s.status, reason = s.reason,
		seq = s.seq, due_at = s.due, since = s.since, wake_at = s.wake, parked = s.parked, lost = s.lost,
		steps = s.steps, logs = s.logs, journal = s.journal, received = s.received, unread = s.unread,
		cancels = s.cancels, tasks = s.tasks,
		slot = CASE WHEN s.finished IS NULL THEN r.slot END, lacks = s.lacks, line = s.line, started_at = s.started,
		finished_at = s.finished, output = coalesce(s.output, r.output), error = coalesce(s.failure, r.error)
	FROM s WHERE r.workspace = s.workspace AND r.id = s.id AND r.epoch = s.epoch AND r.seq = s.was`

func (l *live) row() []any {
	var line any
	if l.line != "" {
		line = l.line
	}
	return cells(l.key, l.epoch, l.was, number(l.held), string(l.status), l.reason, l.seq,
		orNull(l.due), l.since, orNull(l.wake), number(l.parked), l.lost, l.steps, l.logs, l.journal,
		l.received, l.unread, l.cancels, number(l.tasks), l.lacks, line, orNull(l.started), orNull(l.finished),
		l.output, l.failure)
}

// take takes a message in. It wakes a run that nobody owns and that is parked; one that has not begun, or waits for a
// slot, goes on only to be canceled. It gives the slot whose line the run has left.
func (l *live) take(kind store.MessageKind) (left string) {
	l.changed = true
	l.received++
	l.unread++
	if kind == store.MessageCancel {
		l.cancels++
	}
	if l.held || l.due != 0 && l.due <= l.now {
		return ""
	}
	if l.cancels > 0 || l.parked && l.line == "" {
		left, l.line = l.line, ""
		l.due = l.now
	}
	return left
}

// park lets go of the run until a message or its time.
func (l *live) park(wake int64) {
	l.held, l.parked, l.lost = false, true, 0
	l.wake, l.due = wake, wake
	if l.lacks == 0 {
		l.lacks = l.releases
	}
	if l.unread > 0 {
		l.due = l.now
	}
}

// prolong lets the lease last for a span, where less than nine tenths of that are left: not each commit is to change the
// indexes. Renew passes a run over that is locked, so that one which commits all the time lives by this.
func (l *live) prolong(span int64) {
	const tenth = 10
	if span > 0 && l.due < l.now+span-span/tenth {
		l.due = l.now + span
	}
}

// end lets go of all that the run has.
func (l *live) end(finished int64) {
	l.held, l.parked, l.finished = false, false, finished
	l.due, l.wake, l.line = 0, 0, ""
	l.unread, l.cancels, l.lacks, l.own = 0, 0, 0, ""
}
