package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// Host is what an engine does for a running node, in memory. The zero Host has no credentials and evaluates no
// expressions. It is safe for concurrent use.
type Host struct {
	Credentials map[string]nodes.Credential // by slot
	Eval        func(source string, scope nodes.Scope) (any, error)

	mu       sync.Mutex
	logs     []string
	progress []string
	beats    int
	blobs    map[string][]byte
}

// Run checks parameters as saving a workflow does, runs a node type once, and gives what it put on "out".
func Run(t *testing.T, types []nodes.Type, name string, params any, host *Host) (flowforge.Value, error) {
	t.Helper()
	return RunContext(t.Context(), t, types, name, params, host)
}

// RunContext is Run with a context to cancel.
func RunContext(
	ctx context.Context, t *testing.T, types []nodes.Type, name string, params any, host *Host,
) (flowforge.Value, error) {
	t.Helper()
	registry, err := nodes.NewRegistry(types...)
	require.NoError(t, err)
	found, ok := registry.Lookup(name, 0)
	require.True(t, ok, "there is no type %s", name)
	value, err := flowforge.ValueOf(params)
	require.NoError(t, err)
	schema, err := nodes.CompileSchema(found.Spec.Params)
	require.NoError(t, err)
	require.NoError(t, schema.Check(value, "", nil).Err())
	if found.Check != nil {
		require.NoError(t, found.Check(value).Err())
	}
	ports, err := found.Node.Execute(ctx, NewCall(value, host))
	if err != nil {
		return flowforge.Value{}, err
	}
	out, _ := ports.Get(flowforge.PortOut)
	return out, nil
}

// NewCall makes the call of one attempt.
func NewCall(params flowforge.Value, host *Host) *nodes.Call {
	if host == nil {
		host = &Host{}
	}
	return &nodes.Call{
		Workspace: flowforge.Local, Workflow: "test", Run: "run", Node: "node", Attempt: 1, Params: params, Host: host,
	}
}

// Log records a line.
func (h *Host) Log(_ context.Context, level slog.Level, message string, fields flowforge.Value) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs = append(h.logs, fmt.Sprintf("%s %s %s", level, message, fields))
}

// Logs gives the lines so far, as "LEVEL message {fields}".
func (h *Host) Logs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.logs...)
}

// Progress records how far the attempt is.
func (h *Host) Progress(fraction float64, message string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = append(h.progress, fmt.Sprintf("%.2f %s", fraction, message))
}

// Progresses gives the progress so far, as "fraction message".
func (h *Host) Progresses() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.progress...)
}

// Heartbeat counts.
func (h *Host) Heartbeat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beats++
}

// Heartbeats gives how often the attempt said that it is alive.
func (h *Host) Heartbeats() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.beats
}

// Credential gives the credential in a slot.
func (h *Host) Credential(_ context.Context, slot string) (nodes.Credential, error) {
	credential, found := h.Credentials[slot]
	if !found {
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeNoCredential, "the slot %q is empty", slot)
	}
	return credential, nil
}

// Evaluate asks Eval.
func (h *Host) Evaluate(_ context.Context, source string, scope nodes.Scope) (any, error) {
	if h.Eval == nil {
		return nil, flowforge.Errorf(flowforge.CodeUnsupported, "this host evaluates no expressions: %s", source)
	}
	return h.Eval(source, scope)
}

// Blobs gives the blobs, which are the host's own.
func (h *Host) Blobs() nodes.Blobs { return (*blobs)(h) }

type blobs Host

func (b *blobs) Put(_ context.Context, data io.Reader) (nodes.BlobRef, error) {
	all, err := io.ReadAll(data)
	if err != nil {
		return nodes.BlobRef{}, fmt.Errorf("read blob: %w", err)
	}
	sum := sha256.Sum256(all)
	ref := nodes.BlobRef{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(all))}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blobs == nil {
		b.blobs = map[string][]byte{}
	}
	b.blobs[ref.SHA256] = all
	return ref, nil
}

func (b *blobs) Open(_ context.Context, ref nodes.BlobRef) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, found := b.blobs[ref.SHA256]
	if !found {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no blob %s", ref.SHA256)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}
