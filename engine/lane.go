package engine

import (
	"github.com/flowforge-go/flowforge/engine/dag"
)

// jobKind says what a lane has to do.
type jobKind uint8

const (
	jobNone      jobKind = iota
	jobAttempt           // run a node
	jobHandOver          // let a worker of another pool run it
	jobReconcile         // find out whether its effect has happened
	jobMatch             // look for a signal that it waits for
	jobExpand            // find the elements of a loop
	jobCollect           // gather what they emitted
	jobLeave             // make the output of a pass through a body
	jobFinish            // make the output of the run

	// What is no job, but may be asked of a run that is being resumed.
	jobBackoff // wait before the next attempt
	jobAwait   // wait for something outside
)

// job is something for a lane to do.
type job struct {
	kind     jobKind
	activity *activity
}

// jobs is a queue.
type jobs struct {
	list []job
	head int
}

func (q *jobs) push(j job) { q.list = append(q.list, j) }
func (q *jobs) len() int   { return len(q.list) - q.head }

func (q *jobs) pop() job {
	j := q.list[q.head]
	q.list[q.head] = job{}
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
	return j
}

// remove takes an activity's job out of the queue; false where it is not in it.
func (q *jobs) remove(a *activity) bool {
	for i := q.head; i < len(q.list); i++ {
		if q.list[i].activity == a {
			q.list = append(q.list[:i], q.list[i+1:]...)
			return true
		}
	}
	return false
}

// kick makes sure that a lane does what there is to do.
func (r *run) kick() {
	if r.begun && r.lanes == 0 && r.lost == nil && (r.hasWork() || r.mustSettle(0)) {
		r.addLane()
	}
}

func (r *run) hasWork() bool {
	return r.lost == nil && (r.ready.len() > 0 || r.mustFlush() || r.mayTransact() || r.mayHandOver())
}

// mayTransact reports whether an attempt within a transaction may be begun: it is the run's only commit meanwhile.
func (r *run) mayTransact() bool { return r.transacts.len() > 0 && !r.committing && !r.held() }

// held reports whether nothing new is to be begun.
func (r *run) held() bool { return r.paused || r.leaving }

// ask puts a job in line. While the run is being resumed the job is only noted, and while it is held it waits. An
// attempt with an effect waits until its start is recorded.
func (r *run) ask(a *activity, kind jobKind) {
	j := job{kind: kind, activity: a}
	switch {
	case r.past != nil:
		a.due = kind
	case kind == jobAttempt && a.isForOthers():
		r.handovers.push(job{kind: jobHandOver, activity: a})
	case kind == jobAttempt && a.isTransactional():
		r.transacts.push(j)
	case kind == jobAttempt && a.hasEffect():
		r.effects.push(j)
	case r.held():
		r.later = append(r.later, j)
	default:
		r.ready.push(j)
	}
}

// addLane takes a slot and starts a lane, or gets in line for a slot.
func (r *run) addLane() {
	if r.inLine {
		return
	}
	if !r.engine.slots.take(r.fromLine) {
		r.inLine = true
		return
	}
	r.lanes++
	go r.lane()
}

// fromLine is a lane that had to wait for its slot.
func (r *run) fromLine() {
	r.mu.Lock()
	r.inLine = false
	r.lanes++
	r.mu.Unlock()
	r.lane()
}

// spread starts another lane if there is more to do than this one can.
func (r *run) spread() {
	if r.ready.len() == 0 || r.lanes >= r.limit {
		return
	}
	next := r.ready.list[r.ready.head]
	if next.activity != nil && next.activity.node.Pure && r.lanes >= lanesForPure() {
		return
	}
	r.addLane()
}

// lane does jobs until there are none. It holds a slot, which it gives up to other runs after each job.
func (r *run) lane() {
	defer r.engine.slots.give()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.hasWork() || r.mustSettle(1) {
		if r.mayTransact() {
			r.transact(r.transacts.pop().activity)
			continue
		}
		if r.mayHandOver() {
			r.ready.push(r.handovers.pop())
		}
		if r.mustFlush() || r.ready.len() == 0 {
			r.flush()
			continue
		}
		j := r.ready.pop()
		r.spread()
		r.mu.Unlock()
		event, told := r.work(j)
		r.mu.Lock()
		if j.activity != nil && j.activity.abandoned {
			return // the run went on without it, and without counting this lane
		}
		if told {
			r.apply(event)
		}
		if r.engine.slots.crowded() {
			break
		}
	}
	r.lanes--
	r.kick()
}

// mustSettle reports whether the last of so many lanes leaves something unwritten while the run only waits, or a
// run that may wait elsewhere.
func (r *run) mustSettle(lanes int) bool {
	return r.lost == nil && r.lanes == lanes && !r.committing && (!r.pending.empty() || r.mayLeave())
}

// work does a job without the lock and gives the event that came of it, if any.
func (r *run) work(j job) (event dag.Event, told bool) {
	switch j.kind {
	case jobAttempt:
		return r.attempt(j.activity)
	case jobHandOver:
		return r.handOver(j.activity)
	case jobExpand:
		return r.expand(j.activity), true
	case jobCollect:
		return r.collect(j.activity), true
	case jobReconcile:
		return r.reconcile(j.activity)
	case jobMatch:
		return r.match(j.activity)
	case jobLeave:
		return r.makeOutput(j.activity.pass), true
	case jobFinish:
		r.finish()
	case jobNone, jobBackoff, jobAwait:
	}
	return dag.Event{}, false
}
