package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// reconcileLimit bounds finding out what became of an effect, where the node has no timeout.
const reconcileLimit = time.Minute

// atMostOnce reports whether an effect of the node must not happen twice.
func (a *activity) atMostOnce() bool {
	return a.hasEffect() && cmp.Or(a.node.Doc.Delivery, a.node.Type.Spec.Delivery) == flowforge.AtMostOnce
}

// doubtful notes that the effect of an attempt may or may not have happened. The type's Reconcile is asked first.
func (r *run) doubtful(a *activity, cause error) {
	a.doubt = r.failureOf(a, cause)
	if a.node.Type.Reconcile != nil {
		r.ask(a, jobReconcile)
		return
	}
	r.awaitDecision(a)
}

// awaitDecision leaves a node run in doubt until someone tells what became of it.
func (r *run) awaitDecision(a *activity) {
	r.now = r.engine.now()
	r.unrecord(a)
	r.record(flowforge.Event{
		Kind: flowforge.EventNodeInDoubt, Node: a.node.Doc.ID, Element: a.path, Attempt: a.attempts, Error: a.doubt,
	})
	r.recordNode(flowforge.NodeRun{
		Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeInDoubt, Attempts: a.attempts, Lost: a.losses,
		StartedAt: a.began, Error: a.doubt,
	})
	if !a.stopped { // what is to be stopped stops once it is known what became of it
		r.apply(dag.Event{Kind: dag.Waiting, At: a.ref})
	}
}

// inDoubt reports whether the run waits for a decision.
func (r *run) inDoubt() bool {
	for _, a := range r.live {
		if a.doubt != nil {
			return true
		}
	}
	return false
}

// reconcile asks the node's type whether the effect has happened.
func (r *run) reconcile(a *activity) (event dag.Event, told bool) {
	ctx, cancel := context.WithTimeout(a.frame.ctx, cmp.Or(a.node.Doc.Timeout.Std(), reconcileLimit))
	defer cancel()
	ports, err := r.executeWith(ctx, a, a.node.Type.Reconcile)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[a.ref] != a || r.lost != nil {
		return dag.Event{}, false
	}
	switch {
	case err == nil:
		return r.decided(a, ports), true
	case nodes.AdviceOf(err).NotDone:
		return r.notDone(a), true
	default:
		a.doubt.Message += "; asking what became of it failed: " + err.Error()
		r.awaitDecision(a)
		return dag.Event{}, false
	}
}

// decided ends the doubt: the effect has happened, with this result.
func (r *run) decided(a *activity, ports flowforge.Ports) dag.Event {
	a.doubt = nil
	emitted, err := portsOf(a.node, ports)
	if err != nil {
		return r.failed(a, err)
	}
	a.ports = ports
	return dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: emitted}
}

// notDone ends the doubt: the effect has not happened, so that it may be tried again.
func (r *run) notDone(a *activity) dag.Event {
	a.doubt = nil
	if a.stopped {
		return dag.Event{Kind: dag.Canceled, At: a.ref}
	}
	return dag.Event{Kind: dag.Lost, At: a.ref}
}

// decision is what someone tells of a node run in doubt.
type decision struct {
	Node    flowforge.NodeID   `json:"node"`
	Element string             `json:"element,omitempty"`
	Output  *flowforge.Ports   `json:"output,omitempty"`   // it has happened
	Error   *flowforge.Failure `json:"error,omitempty"`    // it is to count as failed
	NotDone bool               `json:"not_done,omitempty"` // it has not happened: do it
}

// decide applies a decision; one about what is in no doubt changes nothing.
func (r *run) decide(payload flowforge.Value) {
	var told decision
	if json.Unmarshal(payload.JSON(), &told) != nil {
		return
	}
	for _, a := range r.live {
		if a.doubt == nil || a.node.Doc.ID != told.Node || a.path != told.Element {
			continue
		}
		if r.info.Reason == "decision" {
			r.info.Reason = ""
		}
		switch {
		case told.Output != nil:
			r.apply(r.decided(a, *told.Output))
		case told.NotDone:
			r.apply(r.notDone(a))
		default:
			a.doubt = nil
			a.failure = told.Error
			r.apply(dag.Event{Kind: dag.Failed, At: a.ref, Code: told.Error.Code, Permanent: true})
		}
		return
	}
}

// tellLate tells the run's new owner what became of an attempt whose worker was taken for lost.
func (e *Engine) tellLate(workspace flowforge.Workspace, id flowforge.RunID, of store.NodeKey, ports flowforge.Ports) {
	payload, err := flowforge.ValueOf(decision{Node: of.Node, Element: of.Element, Output: &ports})
	if err != nil {
		return
	}
	message := store.Message{
		Workspace: workspace, Run: id, ID: "late:" + string(of.Node) + "/" + of.Element,
		Kind: store.MessageDecide, Payload: payload, At: e.now(),
	}
	err = e.config.Store.Send(context.WithoutCancel(e.base), message)
	if err != nil && !errors.Is(err, &flowforge.Error{Code: flowforge.CodeConflict}) {
		e.logger.Error("tell what became of a late attempt", "run", id, "node", of.Node, "error", err)
	}
}
