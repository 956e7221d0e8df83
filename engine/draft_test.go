package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store"
)

func code(c flowforge.Code) error { return &flowforge.Error{Code: c} }

func TestADraftMayHaveProblemsButIsNotPublished(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	half := &flowforge.Workflow{Name: "w", Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "n", Type: "no.such"}}}}
	saved, problems, err := e.SaveDraft(t.Context(), "acme", engine.Draft{Document: half, Replaces: store.NoDraft})
	require.NoError(t, err)
	require.NotEmpty(t, problems)
	_, err = e.Publish(t.Context(), "acme", "w")
	require.ErrorIs(t, err, code(flowforge.CodeInvalidWorkflow))

	changed, problems, err := e.EditDraft(t.Context(), "acme", "w", saved.Document.Hash, func(document *flowforge.Workflow) error {
		document.Nodes[0].Type = "core.noop"
		return nil
	})
	require.NoError(t, err)
	require.Empty(t, problems)
	_, err = e.Publish(t.Context(), "acme", "w")
	require.NoError(t, err)

	_, _, err = e.EditDraft(t.Context(), "acme", "w", saved.Document.Hash, func(*flowforge.Workflow) error { return nil })
	require.ErrorIs(t, err, code(flowforge.CodeChanged), "it is not the one that was read")
	_, _, err = e.SaveDraft(t.Context(), "acme", engine.Draft{Document: half, Replaces: store.NoDraft})
	require.ErrorIs(t, err, code(flowforge.CodeConflict))
	renamed := *half
	renamed.Name = "other"
	_, _, err = e.SaveDraft(t.Context(), "acme", engine.Draft{Document: &renamed, Workflow: "w"})
	require.ErrorIs(t, err, code(flowforge.CodeConflict), "it was published under its name")
	renamed.Name = ""
	_, _, err = e.SaveDraft(t.Context(), "acme", engine.Draft{Document: &renamed})
	require.ErrorIs(t, err, code(flowforge.CodeInvalidWorkflow))
	require.ErrorIs(t, e.DeleteWorkflow(t.Context(), "acme", "w", saved.Document.Hash), code(flowforge.CodeChanged))
	require.NoError(t, e.DeleteWorkflow(t.Context(), "acme", "w", changed.Document.Hash))
	_, _, err = e.Document(t.Context(), "acme", "w", store.DraftVersion)
	require.ErrorIs(t, err, code(flowforge.CodeNotFound))
}

func TestADeletedWorkflowLeavesNoSchedulesOfItsNodes(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	published(t, e, "w", flowforge.Node{
		ID: "s", Type: "trigger.schedule", Params: flowforge.MustValue(map[string]any{"every": "1h"}),
	})
	all, err := e.Schedules(t.Context(), flowforge.Local, "", 0)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, e.DeleteWorkflow(t.Context(), flowforge.Local, "w", ""))
	all, err = e.Schedules(t.Context(), flowforge.Local, "", 0)
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestWorkflowsAreSearchedByName(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	for _, name := range []string{"Orders in", "orders out", "mail", "reorder"} {
		_, _, err := e.SaveDraft(t.Context(), "acme", engine.Draft{
			Document: &flowforge.Workflow{Name: name, Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "n", Type: "core.noop"}}}},
		})
		require.NoError(t, err)
	}
	names := func(search, after string, limit int) (names []string) {
		found, err := e.Workflows(t.Context(), "acme", search, after, limit)
		require.NoError(t, err)
		for i := range found {
			names = append(names, found[i].Name)
		}
		return names
	}
	require.Equal(t, []string{"Orders in", "orders out", "reorder"}, names("ORDER", "", 0))
	require.Equal(t, []string{"Orders in", "orders out"}, names("order", "", 2))
	require.Equal(t, []string{"reorder"}, names("order", "orders out", 2))
	require.Len(t, names("", "", 0), 4)
}

func TestAKeyWithAnotherFingerprintWasUsedForAnotherRequest(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	request := engine.StartRequest{
		Document: workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}), IdempotencyKey: "key", Fingerprint: "one",
	}
	first, err := e.DoRequest(t.Context(), request)
	require.NoError(t, err)
	again, err := e.DoRequest(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	request.Fingerprint = "two"
	_, err = e.DoRequest(t.Context(), request)
	require.ErrorIs(t, err, code(flowforge.CodeKeyReused))

	retry := engine.RetryRequest{From: engine.FromStart, IdempotencyKey: "again", Fingerprint: "one"}
	_, err = e.Retry(t.Context(), flowforge.Local, first.ID, retry)
	require.NoError(t, err)
	retry.Fingerprint = "two"
	_, err = e.Retry(t.Context(), flowforge.Local, first.ID, retry)
	require.ErrorIs(t, err, code(flowforge.CodeKeyReused))
}
