package engine

import (
	"context"
	"maps"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

// NodeTypes gives the specs of the node types that the engine knows, by name and version.
func (e *Engine) NodeTypes() []nodes.Spec { return e.config.Nodes.Specs() }

// Preview asks what a template gives: with the data of a run, or with what is said here, which counts more.
type Preview struct {
	Template flowforge.Value
	Run      flowforge.RunID // empty: none
	Input    flowforge.Value // `input`, and `trigger` without a run
	Vars     map[string]flowforge.Value
	Outputs  map[flowforge.NodeID]flowforge.Value // of nodes
	Item     flowforge.Value
	Index    int
}

// previewTime bounds one preview, beside the budgets that every expression has.
const previewTime = time.Second

// PreviewTemplate evaluates a template, without any effect. What is wrong with it is an Error with CodeExpression, or
// with CodeInvalidInput where it cannot be read.
func (e *Engine) PreviewTemplate(ctx context.Context, workspace flowforge.Workspace, preview Preview) (flowforge.Value, error) {
	template, problems := expr.NewCompiler().Template(preview.Template, "", expr.Options{Scope: expr.ScopeElement})
	if err := problems.Err(); err != nil {
		return flowforge.Value{}, &flowforge.Error{Code: flowforge.CodeInvalidInput, Msg: "the template has problems", Err: problems}
	}
	known := make(previewNodes)
	env := &expr.Env{
		Input: preview.Input, Trigger: preview.Input, Item: preview.Item.Any(), Index: preview.Index, Nodes: known,
		Now: e.now, Random: e.config.Random, UUID: e.config.NewID,
	}
	vars := make(map[string]any)
	if preview.Run != "" {
		run, err := e.config.Store.Run(ctx, workspace, preview.Run)
		if err != nil {
			return flowforge.Value{}, err
		}
		env.Trigger, env.Run = run.Input, factsOf(run)
		if preview.Input.IsNull() {
			env.Input = run.Input
		}
		frozen, _ := run.Vars.Any().(map[string]any)
		maps.Copy(vars, frozen)
		if err := e.readOutputs(ctx, run, template, known); err != nil {
			return flowforge.Value{}, err
		}
	}
	for name, value := range preview.Vars {
		vars[name] = value
	}
	var err error
	if env.Vars, err = flowforge.Freeze(vars); err != nil {
		return flowforge.Value{}, err
	}
	for id, output := range preview.Outputs {
		known[string(id)] = expr.NodeView{Output: output}
	}
	if err := e.syncClock(ctx); err != nil {
		return flowforge.Value{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	value, err := template.Eval(bounded, env)
	if err != nil && flowforge.CodeOf(err) == "" {
		err = flowforge.Errorf(flowforge.CodeExpression, "%w", err)
	}
	return value, err
}

// readOutputs finds what nodes of a run ended with, those that a template reads.
func (e *Engine) readOutputs(ctx context.Context, run flowforge.Run, template *expr.Template, into previewNodes) error {
	wanted := make(map[flowforge.NodeID]bool)
	for _, ref := range template.Refs() {
		wanted[flowforge.NodeID(ref.Node)] = true
	}
	if len(wanted) == 0 {
		return nil
	}
	for n, err := range e.NodeRuns(ctx, run.Workspace, run.ID) {
		if err != nil {
			return err
		}
		if n.Element != "" || !wanted[n.Node] {
			continue
		}
		view := expr.NodeView{}
		if output, ok := n.Output.Get(flowforge.PortOut); ok || len(n.Output) == 0 {
			view.Output = output
		} else {
			view.Output = byPort(n.Output)
		}
		if n.Error != nil {
			view.Error = flowforge.MustValue(n.Error)
		}
		into[string(n.Node)] = view
	}
	return nil
}

// byPort gives the output of a node with several ports as expressions see it.
func byPort(output flowforge.Ports) flowforge.Value {
	ports := make(map[string]any, len(output))
	for _, out := range output {
		ports[string(out.Port)] = out.Value
	}
	return flowforge.MustValue(ports)
}

// previewNodes is what a preview knows of nodes.
type previewNodes map[string]expr.NodeView

// Node gives what a node ended with.
func (p previewNodes) Node(id string) expr.NodeView { return p[id] }
