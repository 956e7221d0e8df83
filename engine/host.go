package engine

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// An activity is the host of its node.
var _ nodes.Host = (*activity)(nil)

// maxLogLines bounds the lines kept of one run; later ones still go to its watchers.
const maxLogLines = 10_000

// Log keeps a line with the run and shows it to watchers.
func (a *activity) Log(_ context.Context, level slog.Level, message string, fields flowforge.Value) {
	r := a.run
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.engine.now()
	if r.pending.logLines < maxLogLines {
		r.pending.logLines++
		r.pending.logs = append(r.pending.logs, store.LogLine{
			At: now, Node: a.node.Doc.ID, Element: a.path, Attempt: a.attempts,
			Level: level.String(), Message: message, Fields: fields,
		})
	}
	r.note(a, flowforge.EventNodeLog, now, map[string]any{"level": level.String(), "message": message, "fields": fields})
}

// Progress shows watchers how far the attempt is.
func (a *activity) Progress(fraction float64, message string) {
	r := a.run
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(a, flowforge.EventNodeProgress, r.engine.now(), map[string]any{"fraction": fraction, "message": message})
}

// Heartbeat tells nobody yet: the lease of the run covers its attempts.
func (a *activity) Heartbeat() {}

// Credential finds the credential that the document put into a slot.
func (a *activity) Credential(ctx context.Context, slot string) (nodes.Credential, error) {
	name := a.node.Doc.Credentials[slot]
	if name == "" {
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeNoCredential,
			"node %s names no credential for %q: add credentials: {%s: NAME}", a.title(), slot, slot)
	}
	return a.run.engine.config.Credentials.Credential(ctx, nodes.CredentialRequest{
		Workspace: a.run.info.Workspace, Name: name, ActsFor: a.run.info.ActsFor,
	})
}

// Evaluate evaluates an expression of the node's parameters.
func (a *activity) Evaluate(ctx context.Context, source string, scope nodes.Scope) (any, error) {
	program := a.node.Lambda[source]
	if program == nil {
		return nil, flowforge.Errorf(flowforge.CodeExpression, "%q is data: only expressions that stand in the document are evaluated", source)
	}
	env := a.run.env(a)
	env.Item, env.Index, env.Output = scope.Item, scope.Index, scope.Output
	return program.Eval(ctx, env)
}

// Blobs keeps data in the store.
func (a *activity) Blobs() nodes.Blobs { return blobs{a.run} }

type blobs struct{ run *run }

func (b blobs) Put(ctx context.Context, data io.Reader) (nodes.BlobRef, error) {
	hash, size, err := b.run.engine.config.Store.PutBlob(ctx, b.run.info.Workspace, data)
	return nodes.BlobRef{SHA256: hash, Size: size}, err
}

func (b blobs) Open(ctx context.Context, ref nodes.BlobRef) (io.ReadCloser, error) {
	return b.run.engine.config.Store.OpenBlob(ctx, b.run.info.Workspace, ref.SHA256)
}

// env gives what the expressions of a node see.
func (r *run) env(a *activity) *expr.Env {
	env := r.frameEnv(a.frame, a.ref.Node)
	env.Item, env.Index = a.item, a.index
	env.Input = r.connected(a.frame, a.ref.Node)
	return env
}

// frameEnv gives what the templates of a frame see; node is who reads, or readsAll.
func (r *run) frameEnv(f *frame, node int32) *expr.Env {
	return &expr.Env{
		Input:   f.input,
		Trigger: r.info.Input,
		Vars:    r.info.Vars,
		Run:     r.facts(),
		Item:    f.item,
		Index:   f.index,
		Nodes:   &reader{run: r, frame: f, node: node},
		Now:     func() time.Time { return r.engine.now() },
		Random:  r.engine.config.Random,
		UUID:    r.engine.config.NewID,
	}
}

// readsAll stands for a reader that sees all nodes: the template of a graph's output.
const readsAll int32 = -1

// reader reads outputs for the templates of one node.
type reader struct {
	run   *run
	frame *frame
	node  int32
}

// Node gives what a node came to, in this frame or those around it.
func (s *reader) Node(id string) expr.NodeView {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	node := s.node
	for f := s.frame; f != nil; f = f.outer {
		if i, here := f.graph.Find(flowforge.NodeID(id)); here {
			if node != readsAll && f.graph.Conditional(node, i) && !s.run.state.Reaches(f.number, node, i) {
				return expr.NodeView{}
			}
			return f.view(i)
		}
		node = f.owner.Node
	}
	return expr.NodeView{}
}

// view gives a node's output as expressions see it: the value on "out", or an object by port where the type
// has other ports.
func (f *frame) view(i int32) expr.NodeView {
	n, result := &f.graph.Nodes[i], &f.results[i]
	view := expr.NodeView{Output: outputOf(n, result.ports), Errors: result.errors}
	if result.failure != nil {
		view.Error = flowforge.MustValue(result.failure)
	}
	return view
}

func outputOf(n *dag.Node, ports flowforge.Ports) flowforge.Value {
	declared := n.Ports
	if n.OnError == flowforge.OnErrorRoute && len(declared) > 1 {
		declared = declared[:len(declared)-1]
	}
	if len(declared) == 1 && declared[0] == flowforge.PortOut {
		value, _ := ports.Get(flowforge.PortOut)
		return value
	}
	if len(ports) == 0 {
		return flowforge.Value{}
	}
	parts := make(map[string]flowforge.Value, len(ports))
	for _, out := range ports {
		parts[string(out.Port)] = out.Value
	}
	return flowforge.ObjectOf(parts)
}
