package sqlstore

import (
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// A result that is recorded stays: the same one sent again is passed over, and another one makes the status NULL,
// which the table refuses.
const upsertNodes = `{with workspace:text run:text node:text element:text n:bigint status:text final:bigint
	attempts:bigint started:bigint finished:bigint ports:text rest:text output:text}
	INSERT INTO node_runs (workspace, run, node, element, n, status, final, attempts, started_at, finished_at, dropped,
		ports, rest, output)
	SELECT workspace, run, node, element, n, status, final, attempts, started, finished, 0, ports, rest, output
	FROM s WHERE true
	ON CONFLICT (workspace, run, node, element) DO UPDATE SET
		status = CASE WHEN node_runs.final = 0 THEN excluded.status END,
		final = excluded.final, attempts = excluded.attempts, started_at = excluded.started_at,
		finished_at = excluded.finished_at, dropped = 0, ports = excluded.ports, rest = excluded.rest,
		output = excluded.output
	WHERE node_runs.final = 0 OR node_runs.status <> excluded.status OR node_runs.attempts <> excluded.attempts
		OR coalesce(node_runs.finished_at, 0) <> coalesce(excluded.finished_at, 0)`

// nodeRest is what few node runs have.
type nodeRest struct {
	Reason   flowforge.Reason   `json:"reason,omitempty"`
	Lost     int                `json:"lost,omitempty"`
	Copied   bool               `json:"copied,omitempty"`
	Error    *flowforge.Failure `json:"error,omitempty"`
	ResumeAt time.Time          `json:"resume_at,omitzero"`
	Awaits   flowforge.Value    `json:"awaits,omitzero"`
	Passed   []flowforge.Port   `json:"passed,omitempty"`
	Gathered bool               `json:"gathered,omitempty"`
}

// ordinal orders node runs by when they were first recorded: by step, then by their place in it.
func ordinal(step int64, i int) int64 {
	const most = 24 // bits for the place; a million elements take 20
	return step<<most | int64(i)
}

// node gives the row of a node run.
func (p *payloads) node(key store.RunKey, n int64, node *flowforge.NodeRun) ([]any, error) {
	ports, output, err := p.ports(key.Workspace, node.Output)
	if err != nil {
		return nil, err
	}
	var rest any
	if node.Reason != "" || node.Lost != 0 || node.Copied || node.Error != nil || !node.ResumeAt.IsZero() || !node.Awaits.IsNull() ||
		node.Passed != nil || node.Gathered {
		rest, err = encode(nodeRest{
			node.Reason, node.Lost, node.Copied, node.Error, node.ResumeAt.UTC(), node.Awaits, node.Passed, node.Gathered,
		})
		if err != nil {
			return nil, err
		}
	}
	return cells(key, string(node.Node), node.Element, n, string(node.Status), number(node.Status.Terminal()),
		int64(node.Attempts), micros(node.StartedAt), micros(node.FinishedAt), ports, rest, output), nil
}

// nodeColumns are what node reads.
const nodeColumns = `v.node, v.element, v.status, v.attempts, v.started_at, v.finished_at, v.rest, v.ports`

// node reads a node run, whose output is in the next cell.
func (r *row) node(l *loader, workspace flowforge.Workspace, into *flowforge.NodeRun) {
	*into = flowforge.NodeRun{
		Node: flowforge.NodeID(r.text()), Element: r.text(), Status: flowforge.NodeStatus(r.text()),
		Attempts: int(r.int()), StartedAt: r.time(), FinishedAt: r.time(),
	}
	var rest nodeRest
	r.json(&rest)
	into.Reason, into.Lost, into.Copied = rest.Reason, rest.Lost, rest.Copied
	into.Error, into.ResumeAt, into.Awaits = rest.Error, rest.ResumeAt, rest.Awaits
	into.Passed, into.Gathered = rest.Passed, rest.Gathered
	names := r.next()
	l.ports(workspace, names, r.next(), &into.Output)
	l.fail(r.err)
}
