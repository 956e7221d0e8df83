package sqlstore

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// listed are the columns of a run in a list, whole those of one that is read with its values.
const (
	listed = `r.workspace, r.id, r.workflow_id, r.workflow_name, r.workflow_version, r.workflow_hash, r.status, r.reason,
		r.test, r.priority, r.pool, r.seq, r.created_at, r.started_at, r.finished_at, r.origin, r.error, coalesce(r.acts_for, '')`
	whole = listed + `, r.input, r.vars, r.output`
)

// run reads the columns of a list.
func (r *row) run() flowforge.Run {
	run := flowforge.Run{
		Workspace: flowforge.Workspace(r.text()),
		ID:        flowforge.RunID(r.text()),
		Workflow: flowforge.WorkflowRef{
			ID: flowforge.WorkflowID(r.text()), Name: r.text(), Version: int(r.int()), Hash: r.text(),
		},
		Status: flowforge.RunStatus(r.text()), Reason: r.text(),
		Test: r.bool(), Priority: int(r.int()), Pool: r.text(), Seq: r.int(),
		CreatedAt: r.time(), StartedAt: r.time(), FinishedAt: r.time(),
	}
	r.json(&run.Origin)
	r.json(&run.Error)
	run.ActsFor = r.text()
	return run
}

// wholeRun reads all columns into a run, its values as soon as they are loaded.
func (r *row) wholeRun(l *loader, into *flowforge.Run) {
	*into = r.run()
	l.value(into.Workspace, r.next(), &into.Input)
	l.value(into.Workspace, r.next(), &into.Vars)
	l.value(into.Workspace, r.next(), &into.Output)
	l.fail(r.err)
}

// rank is the priority by which runs are claimed: 1, the first, to 5. 0 means the middle.
func rank(priority int) int64 {
	const middle, last = 3, 5
	if priority == 0 {
		return middle
	}
	return int64(min(max(priority, 1), last))
}

// keyOf names the run of a lease, a transition or a message.
func keyOf(workspace flowforge.Workspace, run flowforge.RunID) store.RunKey {
	return store.RunKey{Workspace: workspace, Run: run}
}

// cells begins a row of input with the names of a run.
func cells(key store.RunKey, more ...any) []any {
	return append([]any{string(key.Workspace), string(key.Run)}, more...)
}
