package engine

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/store"
)

// RetryFrom says where a retry begins.
type RetryFrom string

// Where a retry may begin.
const (
	FromFailed RetryFrom = "failed" // all that succeeded is copied
	FromNode   RetryFrom = "node"   // the node and all that follows it is made again
	FromStart  RetryFrom = "start"  // nothing is copied
)

// RetryRequest says how to make a run again.
type RetryRequest struct {
	From    RetryFrom                            // empty: FromFailed
	Node    flowforge.NodeID                     // with FromNode, a node of the workflow's own graph
	Latest  bool                                 // with the published version of the workflow instead of the run's own
	Outputs map[flowforge.NodeID]flowforge.Value // edited outputs: these nodes are not run, what follows them is

	IdempotencyKey string // as in StartRequest
	Fingerprint    string
}

// Retry makes a new run of one that has ended. What came before the point of retry is copied and not run again. The
// new run's Origin says whether its nodes use the idempotency keys of the old one (Keys) and which do not (Anew):
// keys are kept with the same version, for nodes that are neither edited nor chosen nor after such. A run that has
// not ended is an Error with CodeConflict.
func (e *Engine) Retry(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, request RetryRequest,
) (flowforge.Run, error) {
	old, err := e.config.Store.Run(ctx, workspace, id)
	if err != nil {
		return flowforge.Run{}, err
	}
	if !old.Status.Terminal() {
		return flowforge.Run{}, flowforge.Errorf(flowforge.CodeConflict, "run %s is %s: only a run that has ended can be retried", id, old.Status)
	}
	if request.From == "" {
		request.From = FromFailed
	}
	again, workflow, err := e.retryOf(ctx, &old, &request)
	if err != nil {
		return flowforge.Run{}, err
	}
	// It is never leased from the start: whoever claims it begins with what is copied.
	_, created, err := e.createRun(ctx, again, workflow, false)
	if err != nil {
		return created.Run, err
	}
	e.hint(ctx, created.Run)
	return created.Run, nil
}

// retryOf makes the run that a retry asks for.
func (e *Engine) retryOf(ctx context.Context, old *flowforge.Run, request *RetryRequest) (store.NewRun, *dag.Workflow, error) {
	start := StartRequest{
		Workspace: old.Workspace, Input: old.Input, Test: old.Test, Priority: old.Priority, Pool: old.Pool,
		IdempotencyKey: request.IdempotencyKey, Fingerprint: request.Fingerprint,
	}
	var found loaded
	var err error
	if request.Latest {
		start.Workflow = old.Workflow.Name
		found, err = e.load(ctx, start)
	} else {
		found, err = e.loadRun(ctx, *old)
	}
	if err != nil {
		return store.NewRun{}, nil, err
	}
	again, err := e.fresh(ctx, found, start)
	if err != nil {
		return store.NewRun{}, nil, err
	}
	again.Run.Vars = old.Vars
	if err := e.admitAgain(ctx, &again, found.workflow); err != nil {
		return store.NewRun{}, nil, err
	}
	again.Fingerprint += "/" + string(old.ID) + "/" + string(request.From) + "/" + string(request.Node)
	origin := &flowforge.Origin{Run: old.ID, Kind: flowforge.OriginRetry, Node: request.Node}
	again.Run.Origin = origin
	origin.Anew, err = anewOf(found.workflow.Graph, old, request)
	if err != nil {
		return store.NewRun{}, nil, err
	}
	if request.From == FromStart && len(request.Outputs) == 0 {
		return again, found.workflow, nil
	}
	if found.ref.Hash == old.Workflow.Hash && request.From != FromStart {
		origin.Keys = old.ID
		if old.Origin != nil && old.Origin.Keys != "" {
			origin.Keys = old.Origin.Keys
		}
	}
	again.Nodes, err = e.copies(ctx, found.workflow.Graph, old, request)
	return again, found.workflow, err
}

// anewOf gives the nodes that, with all that follows them, are not what they were in the old run.
func anewOf(graph *dag.Graph, old *flowforge.Run, request *RetryRequest) ([]flowforge.NodeID, error) {
	var anew []flowforge.NodeID
	if old.Origin != nil {
		anew = append(anew, old.Origin.Anew...)
	}
	if request.From == FromNode {
		anew = append(anew, request.Node)
	}
	for id := range request.Outputs {
		anew = append(anew, id)
	}
	for _, id := range anew {
		if _, known := graph.Find(id); !known {
			return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the workflow has no node %q in its own graph", id)
		}
	}
	slices.Sort(anew)
	return slices.Compact(anew), nil
}

// copies gives the records that the new run begins with.
func (e *Engine) copies(ctx context.Context, graph *dag.Graph, old *flowforge.Run, request *RetryRequest) ([]flowforge.NodeRun, error) {
	again := make([]bool, len(graph.Nodes)) // nodes whose results are not copied
	if request.From == FromStart {
		for i := range again {
			again[i] = true
		}
	}
	if request.From == FromNode {
		i, _ := graph.Find(request.Node)
		again[i] = true
		graph.Following([]int32{i}, again)
	}
	edited := make([]int32, 0, len(request.Outputs))
	for id := range request.Outputs {
		i, _ := graph.Find(id)
		edited = append(edited, i)
	}
	graph.Following(edited, again)
	var copied []flowforge.NodeRun
	keep := copier{graph: graph, again: again}
	for n, err := range e.NodeRuns(ctx, old.Workspace, old.ID) {
		if err != nil {
			return nil, err
		}
		if _, given := request.Outputs[n.Node]; !given && keep.keeps(&n) {
			n.Copied, n.Reason = true, ""
			copied = append(copied, n)
		}
	}
	for id, output := range request.Outputs {
		now := e.now()
		copied = append(copied, flowforge.NodeRun{
			Node: id, Status: flowforge.NodeSucceeded, Copied: true, StartedAt: now, FinishedAt: now, Output: flowforge.Out(output),
		})
	}
	return copied, nil
}

// copier decides which records of a run are copied.
type copier struct {
	graph *dag.Graph
	again []bool
}

func (c *copier) keeps(n *flowforge.NodeRun) bool {
	top, node := c.graph.Inside(n.Node)
	if node == nil || c.again[top] {
		return false
	}
	good := n.Status == flowforge.NodeSucceeded || (n.Status == flowforge.NodeFailed && node.OnError != flowforge.OnErrorFail)
	switch {
	case n.Element == "":
		return good && !n.Gathered // gathered again of its elements
	case node.IsLoop() && node.Body == nil && n.Status == flowforge.NodeFailed:
		return false // tried again, if the loop is
	case node.Body != nil:
		return false // made again of what is in it
	default:
		return good
	}
}

// copy ends a node run with the result that is copied from the run that this one retries, if there is one.
func (r *run) copy(a *activity) bool {
	record := r.copied[a.key()]
	if record == nil {
		return false
	}
	a.copied, a.ports, a.failure = true, record.Output, record.Error
	a.attempts, a.losses, a.began = record.Attempts, record.Lost, record.StartedAt
	r.lengthen(a, record)
	event := dag.Event{Kind: dag.Failed, At: a.ref, Permanent: true}
	if record.Status == flowforge.NodeSucceeded {
		emitted, err := portsOf(a.node, record.Output)
		if err != nil {
			return false // another version of its type
		}
		event = dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: emitted}
	} else if record.Error != nil {
		event.Code = record.Error.Code
	}
	r.follow = append(r.follow, event)
	return true
}

// keyRun gives the run that a node run's idempotency key is made of.
func (r *run) keyRun(a *activity) flowforge.RunID {
	origin := r.info.Origin
	if origin == nil || origin.Keys == "" {
		return r.info.ID
	}
	top := a.ref.Node
	for f := a.frame; f.outer != nil; f = f.outer {
		top = f.owner.Node
	}
	if r.anew()[top] {
		return r.info.ID
	}
	return origin.Keys
}

// anewNodes gives which nodes of the workflow's own graph have keys of this run's own.
func (r *run) anewNodes() []bool {
	graph := r.workflow.Graph
	anew := make([]bool, len(graph.Nodes))
	if r.info.Origin == nil {
		return anew
	}
	var from []int32
	for _, id := range r.info.Origin.Anew {
		if i, known := graph.Find(id); known {
			anew[i] = true
			from = append(from, i)
		}
	}
	graph.Following(from, anew)
	return anew
}
