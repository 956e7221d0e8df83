package engine

import (
	"context"
	"io"
	"log/slog"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// An errand is the host of its node.
var _ nodes.Host = (*errand)(nil)

// The lines and bytes that an errand logs at most: they travel with its result.
const (
	maxErrandLines = 1_000
	maxErrandBytes = 1 << 20
)

// Log keeps a line for the run.
func (t *errand) Log(_ context.Context, level slog.Level, message string, fields flowforge.Value) {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := len(message) + fields.Size()
	if len(t.lines) >= maxErrandLines || t.bytes+size > maxErrandBytes || t.told {
		return
	}
	t.bytes += size
	t.lines = append(t.lines, store.LogLine{
		At: t.engine.now(), Node: t.task.Node.Node, Element: t.task.Node.Element, Attempt: t.call.Attempt,
		Level: level.String(), Message: message, Fields: fields,
	})
}

// Progress tells nobody: those who watch the run do so elsewhere.
func (*errand) Progress(float64, string) {}

// Heartbeat tells nobody: the lease covers the attempt.
func (*errand) Heartbeat() {}

// Credential finds the credential that the document put into a slot.
func (t *errand) Credential(ctx context.Context, slot string) (nodes.Credential, error) {
	name := t.call.Credentials[slot]
	if name == "" {
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeNoCredential,
			"node %q names no credential for %q: add credentials: {%s: NAME}", t.task.Node.Node, slot, slot)
	}
	return t.engine.config.Credentials.Credential(ctx, nodes.CredentialRequest{
		Workspace: t.task.Workspace, Name: name, ActsFor: t.call.ActsFor,
	})
}

// Evaluate evaluates an expression of the node's parameters.
func (t *errand) Evaluate(ctx context.Context, source string, scope nodes.Scope) (any, error) {
	known := t.call.Scope
	if known == nil || !known.has(source) {
		return nil, flowforge.Errorf(flowforge.CodeExpression, "%q is data: only expressions that stand in the document are evaluated", source)
	}
	program, problems := expr.NewCompiler().Expression(source, "", expr.ScopeElement|expr.ScopeOutput)
	if program == nil {
		return nil, problems
	}
	return program.Eval(ctx, &expr.Env{
		Input: known.Input, Trigger: known.Trigger, Vars: known.Vars, Run: known.Run, Nodes: known,
		Item: scope.Item, Index: scope.Index, Output: scope.Output,
		Now: t.engine.now, Random: t.engine.config.Random, UUID: t.engine.config.NewID,
	})
}

// Blobs keeps data in the store.
func (t *errand) Blobs() nodes.Blobs { return taskBlobs{t} }

type taskBlobs struct{ errand *errand }

func (b taskBlobs) Put(ctx context.Context, data io.Reader) (nodes.BlobRef, error) {
	hash, size, err := b.errand.engine.config.Store.PutBlob(ctx, b.errand.task.Workspace, data)
	return nodes.BlobRef{SHA256: hash, Size: size}, err
}

func (b taskBlobs) Open(ctx context.Context, ref nodes.BlobRef) (io.ReadCloser, error) {
	return b.errand.engine.config.Store.OpenBlob(ctx, b.errand.task.Workspace, ref.SHA256)
}
