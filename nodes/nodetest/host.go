package nodetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

// Host is a nodes.Host for tests. The zero Host is ready; its fields are not to be changed once it is used.
// One Host may run several types, also at the same time, and keeps what all of them did.
type Host struct {
	Input       flowforge.Value             // of the node
	Trigger     flowforge.Value             // the run's input
	Vars        flowforge.Value             // an object
	Outputs     map[flowforge.NodeID]any    // what other nodes gave, for {{ nodes.x.output }}
	Credentials map[string]nodes.Credential // by slot
	Item        any                         // of an each
	Index       int                         // of an each
	Now         time.Time                   // what now() gives; zero: the start of the year 2026

	mu       sync.Mutex
	lines    []Line
	progress []Progress
	beats    int
	blobs    map[string][]byte        // by hash
	programs map[string]*expr.Program // by source
}

// Line is a line of the log.
type Line struct {
	Level   slog.Level
	Message string
	Fields  flowforge.Value
}

// Progress is how far an attempt said it was.
type Progress struct {
	Fraction float64
	Message  string
}

// Run runs a type once: it resolves the templates in the parameters, checks what they give against the schema,
// and executes.
func (h *Host) Run(ctx context.Context, typ nodes.Type, params any) (flowforge.Ports, error) {
	call, err := h.Call(ctx, typ, params)
	if err != nil {
		return nil, err
	}
	return typ.Node.Execute(ctx, call)
}

// Call makes what a type is executed with. Parameters that do not fit the schema are an Error with
// CodeInvalidParams, templates that cannot be evaluated one with CodeExpression.
func (h *Host) Call(ctx context.Context, typ nodes.Type, params any) (*nodes.Call, error) {
	written, err := flowforge.ValueOf(params)
	if err != nil {
		return nil, err
	}
	template, problems := expr.NewCompiler().Template(written, "/params", expr.Options{
		Scope:   expr.ScopeElement,
		Literal: func(pointer string) bool { return own(typ.Spec, pointer) },
	})
	if err := problems.Err(); err != nil {
		return nil, flowforge.Errorf(flowforge.CodeExpression, "read parameters: %w", err)
	}
	resolved, err := template.Eval(ctx, h.env(nodes.Scope{Item: h.Item, Index: h.Index}))
	if err != nil {
		return nil, err
	}
	schema, err := nodes.CompileSchema(typ.Spec.Params)
	if err != nil {
		return nil, err
	}
	if problems := schema.Check(object(resolved), "/params", nil); len(problems) > 0 {
		return nil, nodes.Permanent(flowforge.Errorf(flowforge.CodeInvalidParams, "%w", problems))
	}
	return &nodes.Call{
		Workspace: flowforge.Local, Workflow: "test", Run: "run", Node: "node", Attempt: 1,
		Input: h.Input, Params: resolved, Host: h,
	}, nil
}

// object makes an empty object of absent parameters.
func object(params flowforge.Value) flowforge.Value {
	if params.IsNull() {
		return flowforge.MustValue(map[string]any{})
	}
	return params
}

// Log keeps the line.
func (h *Host) Log(_ context.Context, level slog.Level, message string, fields flowforge.Value) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, Line{Level: level, Message: message, Fields: fields})
}

// Progress keeps what was said.
func (h *Host) Progress(fraction float64, message string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = append(h.progress, Progress{Fraction: fraction, Message: message})
}

// Heartbeat counts.
func (h *Host) Heartbeat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beats++
}

// Credential gives the credential of a slot.
func (h *Host) Credential(_ context.Context, slot string) (nodes.Credential, error) {
	credential, found := h.Credentials[slot]
	if !found {
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeNoCredential, "the test gives no credential for %q", slot)
	}
	return credential, nil
}

// Evaluate evaluates an expression.
func (h *Host) Evaluate(ctx context.Context, source string, scope nodes.Scope) (any, error) {
	h.mu.Lock()
	program := h.programs[source]
	h.mu.Unlock()
	if program == nil {
		compiled, problems := expr.NewCompiler().Expression(source, "", expr.ScopeElement|expr.ScopeOutput)
		if err := problems.Err(); err != nil {
			return nil, flowforge.Errorf(flowforge.CodeExpression, "%w", err)
		}
		program = compiled
		h.mu.Lock()
		if h.programs == nil {
			h.programs = make(map[string]*expr.Program)
		}
		h.programs[source] = program
		h.mu.Unlock()
	}
	return program.Eval(ctx, h.env(scope))
}

// Blobs keeps data in memory.
func (h *Host) Blobs() nodes.Blobs { return (*blobs)(h) }

// Lines gives the log so far.
func (h *Host) Lines() []Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

// Said gives the progress so far.
func (h *Host) Said() []Progress {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.progress)
}

// Heartbeats counts the heartbeats so far.
func (h *Host) Heartbeats() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.beats
}

// Stored gives the blobs so far, by hash.
func (h *Host) Stored() map[string][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.blobs)
}

func (h *Host) env(scope nodes.Scope) *expr.Env {
	now := h.Now
	if now.IsZero() {
		now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return &expr.Env{
		Input: h.Input, Trigger: h.Trigger, Vars: h.Vars,
		Item: scope.Item, Index: scope.Index, Output: scope.Output,
		Nodes:  outputs(h.Outputs),
		Now:    func() time.Time { return now },
		Random: func() float64 { return 0.5 },
		UUID:   func() string { return "00000000-0000-7000-8000-000000000000" },
	}
}

// outputs is an expr.NodeSource.
type outputs map[flowforge.NodeID]any

func (o outputs) Node(id string) expr.NodeView {
	value, err := flowforge.ValueOf(o[flowforge.NodeID(id)])
	if err != nil {
		return expr.NodeView{}
	}
	return expr.NodeView{Output: value}
}

// blobs is a Host as nodes.Blobs.
type blobs Host

func (b *blobs) Put(_ context.Context, data io.Reader) (nodes.BlobRef, error) {
	content, err := io.ReadAll(data)
	if err != nil {
		return nodes.BlobRef{}, err
	}
	sum := sha256.Sum256(content)
	ref := nodes.BlobRef{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content))}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blobs == nil {
		b.blobs = make(map[string][]byte)
	}
	b.blobs[ref.SHA256] = content
	return ref, nil
}

func (b *blobs) Open(_ context.Context, ref nodes.BlobRef) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, found := b.blobs[ref.SHA256]
	if !found {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no blob %s", ref.SHA256)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}
