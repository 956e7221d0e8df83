package engine

import (
	"errors"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// makeOutput makes the output of a pass through a body, and for a repeat decides whether another follows.
func (r *run) makeOutput(f *frame) dag.Event {
	r.mu.Lock()
	a := r.activityAt(f.owner)
	g := f.outer.gathers[f.owner.Node]
	r.mu.Unlock()
	a.pass = nil
	event := dag.Event{Kind: dag.Succeeded, At: f.owner}
	output, err := r.graphOutput(f)
	if err == nil && a.node.Loop == nodes.LoopRepeat {
		event.More, err = r.goesOn(a, f, g, output)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropFrame(f)
	if err != nil {
		a.failure = r.failureOf(a, err)
		return dag.Event{Kind: dag.Failed, At: f.owner, Code: a.failure.Code, Permanent: true}
	}
	g.previous = output
	a.ports = flowforge.Out(output)
	return event
}

// goesOn reports whether a repeat makes another pass.
func (r *run) goesOn(a *activity, f *frame, g *gather, output flowforge.Value) (bool, error) {
	last := a.index+1 >= g.last
	if a.node.Until == nil {
		return !last, nil
	}
	env := r.frameEnv(f.outer, f.owner.Node)
	env.Input, env.Item, env.Index, env.Output = g.input, f.outer.item, a.index, output.Any()
	result, err := a.node.Until.Eval(f.ctx, env)
	if err != nil {
		return false, err
	}
	ended, ok := result.(bool)
	switch {
	case !ok:
		return false, flowforge.Errorf(flowforge.CodeInvalidParams, "until of %q must be true or false: compare something", a.node.Doc.ID)
	case !ended && last:
		return false, flowforge.Errorf(flowforge.CodeRepeatLimit,
			"%q made its most passes, %d, and `until` does not hold yet: raise max or mend the condition", a.node.Doc.ID, g.last)
	}
	return !ended, nil
}

// graphOutput gives what a graph's template says, or else what its terminal nodes came to.
func (r *run) graphOutput(f *frame) (flowforge.Value, error) {
	if f.graph.Output != nil {
		return f.graph.Output.Eval(f.ctx, r.outputEnv(f))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return f.defaultOutput(), nil
}

func (r *run) outputEnv(f *frame) *expr.Env { return r.frameEnv(f, readsAll) }

// defaultOutput gives the value of the only terminal node, or null; of several an object of those that
// succeeded. Nodes that only handle errors count only where they ran in its stead.
func (f *frame) defaultOutput() flowforge.Value {
	terminals := f.graph.Terminals
	var main []int32
	for _, i := range terminals {
		if !f.graph.Nodes[i].Handler {
			main = append(main, i)
		}
	}
	switch {
	case len(terminals) == 1:
		return f.view(terminals[0]).Output
	case len(main) == 1 && f.results[main[0]].succeeded:
		return f.view(main[0]).Output
	}
	parts := make(map[string]flowforge.Value)
	for _, i := range terminals {
		if f.results[i].succeeded {
			parts[string(f.graph.Nodes[i].Doc.ID)] = f.view(i).Output
		}
	}
	if len(main) == 1 && len(parts) == 0 {
		return flowforge.Value{}
	}
	return flowforge.ObjectOf(parts)
}

// finish makes the run's output and lets the end be written.
func (r *run) finish() {
	root := r.frames[0]
	end := &store.End{}
	status := r.info.Status
	if status == flowforge.RunSucceeded {
		output, err := r.graphOutput(root)
		tooLarge := output.Check()
		switch {
		case err == nil && tooLarge == nil:
			end.Output = output
		case err == nil && root.graph.Output == nil:
			// Nobody asked for it: what passes on its input makes an output that doubles at each join.
			r.info.Reason = "the output was left out: " + tooLarge.Error() + "; say with `output` what is wanted"
		default:
			status = flowforge.RunFailed
			err = errors.Join(err, tooLarge)
			root.failure = nodes.FailureOf(err)
			root.failure.Message = "make the run's output: " + root.failure.Message
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if status == flowforge.RunSucceeded && r.stopOutput != nil {
		end.Output = *r.stopOutput
	}
	r.now = r.engine.now()
	end.Error, end.FinishedAt = r.failureFor(status), r.now
	r.info.Status, r.info.Output, r.info.Error, r.info.FinishedAt = status, end.Output, end.Error, r.now
	r.startHandler(end)
	r.tellParent(end)
	r.record(flowforge.Event{Kind: flowforge.RunEnd(status), Reason: r.info.Reason, Error: end.Error, Data: end.Output})
	r.ending = end
}

// failureFor says why a run ended as it did; nil where it succeeded.
func (r *run) failureFor(status flowforge.RunStatus) *flowforge.Failure {
	switch status {
	case flowforge.RunFailed:
		if failure := r.frames[0].failure; failure != nil {
			return failure
		}
		return nodes.FailureOf(flowforge.Errorf(flowforge.CodeTimeout, "the finally nodes took longer than finally_timeout"))
	case flowforge.RunTimedOut:
		return nodes.FailureOf(flowforge.Errorf(flowforge.CodeRunTimeout,
			"the run took longer than its timeout of %s", r.workflow.Document.Settings.Timeout))
	case flowforge.RunCanceled:
		text := "the run was canceled"
		if r.info.Reason != "" {
			text += ": " + r.info.Reason
		}
		return nodes.FailureOf(flowforge.Errorf(flowforge.CodeCanceled, "%s", text))
	default:
		return nil
	}
}
