package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// asked is credentials that tell whom a run acts for.
type asked struct{}

func (asked) Credential(_ context.Context, request nodes.CredentialRequest) (nodes.Credential, error) {
	return nodes.Credential{Name: "to " + request.ActsFor}, nil
}

// tells emits whose credential it got.
func tells(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
	given, err := call.Credential(ctx, "auth")
	return flowforge.Out(flowforge.MustValue(given.Name)), err
}

func TestWhomARunActsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := onStore(t)
		config := engine.Config{Store: p.store, Queue: p.queue, Credentials: asked{}}
		e := looped(t, config, p.node(tells))
		p.join(t, config, tells)
		ada, grace := engine.ActingFor(t.Context(), "ada"), engine.ActingFor(t.Context(), "grace")
		document := workflow(nil, flowforge.Node{ID: "n", Type: "test.do", Credentials: map[string]string{"auth": "crm"}})
		document.Name = "flow"
		_, err := e.Save(ada, flowforge.Local, document)
		require.NoError(t, err)
		published, err := e.Publish(ada, flowforge.Local, "flow")
		require.NoError(t, err)
		require.Equal(t, "ada", published.PublishedBy)
		check := func(ctx context.Context, want string, request engine.StartRequest) flowforge.Run {
			run, err := e.Start(ctx, request)
			require.NoError(t, err)
			run = ended(t, e, run) //nolint:contextcheck // It has that of the test.
			require.Equal(t, want, run.ActsFor)
			require.Equal(t, "to "+want, run.Output.Any())
			return run
		}
		run := check(grace, "ada", engine.StartRequest{Workflow: "flow"})
		check(grace, "grace", engine.StartRequest{Workflow: "flow", Version: store.DraftVersion})
		check(grace, "grace", engine.StartRequest{Document: document})
		check(t.Context(), "", engine.StartRequest{Document: document})
		elsewhere := workflow(nil, flowforge.Node{ID: "n", Type: "test.do", Pool: "gpu", Credentials: map[string]string{"auth": "crm"}})
		check(grace, "grace", engine.StartRequest{Document: elsewhere})

		again, err := e.Retry(grace, flowforge.Local, run.ID, engine.RetryRequest{From: engine.FromStart})
		require.NoError(t, err)
		require.Equal(t, "ada", ended(t, e, again).ActsFor)
		parent := workflow(nil, flowforge.Node{ID: "n", Type: "core.subworkflow", Params: params(map[string]any{"workflow": "flow"})})
		found, err := e.Start(grace, engine.StartRequest{Document: parent})
		require.NoError(t, err)
		found, err = e.Wait(t.Context(), found.Workspace, found.ID)
		require.NoError(t, err)
		require.Equal(t, "to ada", found.Output.Any(), "who published the child answers for it")

		require.NoError(t, errorOf(e.SaveSchedule(grace, flowforge.Local, engine.Schedule{
			ID: "hourly", Workflow: "flow", Every: flowforge.Duration(time.Hour),
		})))
		triggered, err := e.TriggerSchedule(grace, flowforge.Local, "hourly")
		require.NoError(t, err)
		require.Equal(t, "ada", ended(t, e, triggered).ActsFor)
	})
}

func errorOf[T any](_ T, err error) error { return err }

func TestWhichWorkflowsNameACredential(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{}, do("test.do", tells))
	for name, credential := range map[string]string{"a": "crm", "b": "mail", "c": "crm"} {
		inner := map[string]any{"nodes": []any{map[string]any{"id": "deep", "type": "test.do", "credentials": map[string]any{"auth": credential}}}}
		document := workflow(nil,
			flowforge.Node{ID: "n", Type: "test.do", Credentials: map[string]string{"auth": "other"}},
			flowforge.Node{ID: "loop", Type: "core.foreach", Params: params(map[string]any{"items": []any{}, "body": inner})})
		document.Name = name
		require.Equal(t, []string{credential, "other"}, engine.CredentialNames(document))
		_, _, err := e.SaveDraft(t.Context(), flowforge.Local, engine.Draft{Document: document})
		require.NoError(t, err)
	}
	uses, last, err := e.CredentialUses(t.Context(), flowforge.Local, "crm", "", 2)
	require.NoError(t, err)
	require.Equal(t, []engine.CredentialUse{{Workflow: "a", Version: store.DraftVersion, Nodes: []flowforge.NodeID{"loop"}}}, uses)
	require.Equal(t, "b", last)
	uses, last, err = e.CredentialUses(t.Context(), flowforge.Local, "crm", last, 2)
	require.NoError(t, err)
	require.Equal(t, []engine.CredentialUse{{Workflow: "c", Version: store.DraftVersion, Nodes: []flowforge.NodeID{"loop"}}}, uses)
	require.Empty(t, last)
}
