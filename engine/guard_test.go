package engine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
)

const canary = "c4nary-9f8e7d6c"

// sing is a node that tells its credential to everybody, in the way that its parameter says.
func sing(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
	credential, err := call.Credential(ctx, "auth")
	if err != nil {
		return nil, err
	}
	secret := credential.Fields["token"].Reveal()
	basic := base64.StdEncoding.EncodeToString([]byte("ada:" + secret))
	call.Log().InfoContext(ctx, "it is "+secret, "header", basic, "deep", map[string]any{"x": secret}) //nolint:sloglint // That is the point.
	call.Progress(0.5, "with "+secret)
	ref, err := call.Blobs().Put(ctx, strings.NewReader(secret+basic))
	if err != nil {
		return nil, err
	}
	how, _ := call.Params.Any().(map[string]any)
	switch how["how"] {
	case "fail":
		return nil, nodes.Failed("boom", flowforge.MustValue(map[string]any{"sent": basic}), "refused: %s", secret)
	case "retry":
		if call.Attempt == 1 {
			return nil, errors.New("refused: " + secret)
		}
	case "panic":
		panic("with " + secret)
	}
	return flowforge.Out(flowforge.MustValue(map[string]any{"sent": secret, "basic": basic, secret: "key", "blob": ref.SHA256})), nil
}

func TestNothingThatANodeLeavesBehindHasItsCredential(t *testing.T) {
	t.Parallel()
	for _, pool := range []string{"", "gpu"} {
		for _, how := range []string{"succeed", "fail", "retry", "panic"} {
			t.Run(how+" "+pool, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { sings(t, pool, how) })
			})
		}
	}
}

func sings(t *testing.T, pool, how string) {
	t.Helper()
	p := onStore(t)
	logged := new(syncedBuffer)
	config := engine.Config{
		Store: p.store, Queue: p.queue, Logger: slog.New(slog.NewTextHandler(logged, nil)), Credentials: nodes.StaticCredentials{"crm": {
			Name: "crm", Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret(canary)},
		}},
	}
	p.owner = looped(t, config, p.node(sing))
	p.worker, p.stop = p.join(t, config, sing)
	document := workflow([]string{"n>after"}, flowforge.Node{
		ID: "n", Type: "test.do", Pool: pool, Params: params(map[string]any{"how": how}), Credentials: map[string]string{"auth": "crm"},
		Retry: flowforge.RetryPolicy{MaxAttempts: 2, RetryOn: []flowforge.Code{flowforge.CodeNodeFailed}}, OnError: flowforge.OnErrorContinue,
	}, flowforge.Node{ID: "after", Type: "core.noop"})
	run := started(t, p.owner, document, nil)
	var seen bytes.Buffer
	for event, err := range p.owner.Watch(t.Context(), run.Workspace, run.ID, 0) {
		require.NoError(t, err)
		keep(t, &seen, event)
	}
	found := ended(t, p.owner, run)
	keep(t, &seen, found)
	for node, err := range p.owner.NodeRuns(t.Context(), run.Workspace, run.ID) {
		require.NoError(t, err)
		keep(t, &seen, node)
		output, _ := node.Output.Get("out")
		parts, _ := output.Any().(map[string]any)
		if hash, ok := parts["blob"].(string); ok {
			blob, err := p.store.OpenBlob(t.Context(), run.Workspace, hash)
			require.NoError(t, err)
			text, err := io.ReadAll(blob)
			require.NoError(t, err)
			seen.Write(text)
		}
	}
	lines := 0
	for line, err := range p.owner.Logs(t.Context(), run.Workspace, run.ID) {
		require.NoError(t, err)
		lines++
		keep(t, &seen, line)
	}
	require.Positive(t, lines)
	seen.WriteString(logged.String())
	require.Contains(t, seen.String(), "[redacted]")
	require.NotContains(t, seen.String(), canary)
	require.NotContains(t, seen.String(), base64.StdEncoding.EncodeToString([]byte("ada:" + canary))[8:20])
}

func keep(t *testing.T, into *bytes.Buffer, what any) {
	t.Helper()
	text, err := json.Marshal(what)
	require.NoError(t, err)
	into.Write(text)
}

// syncedBuffer is a buffer that many goroutines write to.
type syncedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(text)
}

func (b *syncedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
