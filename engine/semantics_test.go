package engine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// semanticCase is one sentence of what a workflow means, as a document and what a run of it must show.
type semanticCase struct {
	Name     string          `json:"case"`
	Workflow json.RawMessage `json:"workflow"`
	Input    flowforge.Value `json:"input"`
	Expect   expectation     `json:"expect"`

	// Race says that what is expected depends on which of several is first, so that a crash may change it.
	Race bool `json:"race"`
}

type expectation struct {
	Status string                     `json:"status"`
	Output *flowforge.Value           `json:"output"`
	Error  flowforge.Code             `json:"error"`
	Nodes  map[string]json.RawMessage `json:"nodes"` // a status, or an object of what is to be compared
}

type nodeExpectation struct {
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Attempts *int   `json:"attempts"`
	Error    string `json:"error"`
}

// TestSemantics runs the cases of testdata/semantics. Each runs in a bubble of its own, where time passes at
// once when all is waiting for it.
func TestSemantics(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/semantics/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for _, c := range readCases(t, file) {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, c.run)
			})
		}
	}
}

func readCases(t *testing.T, file string) []semanticCase {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var tree any
	require.NoError(t, yaml.Unmarshal(text, &tree), file)
	asJSON, err := json.Marshal(tree)
	require.NoError(t, err)
	var cases []semanticCase
	require.NoError(t, json.Unmarshal(asJSON, &cases), file)
	return cases
}

func (c *semanticCase) run(t *testing.T) {
	document, err := flowforge.DecodeWorkflow(c.Workflow)
	require.NoError(t, err)
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close(t.Context())) }()

	run, err := e.DoRequest(t.Context(), engine.StartRequest{Document: document, Input: c.Input})
	require.Equal(t, c.Expect.Status, string(run.Status), "error: %v", err)
	if c.Expect.Output != nil {
		require.Equal(t, c.Expect.Output.String(), run.Output.String())
	}
	if c.Expect.Error != "" {
		require.Equal(t, c.Expect.Error, flowforge.CodeOf(err), "%v", err)
	}
	checkNodes(t, e, run, c.Expect.Nodes)
	checkEvents(t, e, run)
}

// checkNodes compares the node runs with what is expected of them; an element is named "node[path]".
func checkNodes(t *testing.T, e *engine.Engine, run flowforge.Run, expected map[string]json.RawMessage) {
	t.Helper()
	got := make(map[string]flowforge.NodeRun)
	for node, err := range e.NodeRuns(t.Context(), run.Workspace, run.ID) {
		require.NoError(t, err)
		name := string(node.Node)
		if node.Element != "" {
			name += "[" + node.Element + "]"
		}
		require.NotContains(t, got, name, "each node run is recorded once")
		require.True(t, node.Status.Terminal(), "%s is %s though the run has ended", name, node.Status)
		got[name] = node
	}
	for name, text := range expected {
		want := nodeExpectation{}
		if err := json.Unmarshal(text, &want.Status); err != nil {
			require.NoError(t, json.Unmarshal(text, &want))
		}
		node, found := got[name]
		require.True(t, found, "%s has no node run", name)
		require.Equal(t, want.Status, string(node.Status), "%s: %v", name, node.Error)
		if want.Reason != "" {
			require.Equal(t, want.Reason, string(node.Reason), name)
		}
		if want.Attempts != nil {
			require.Equal(t, *want.Attempts, node.Attempts, name)
		}
		if want.Error != "" {
			require.NotNil(t, node.Error, name)
			require.Equal(t, want.Error, string(node.Error.Code), name)
		}
	}
}

// checkEvents checks what holds for the events of every run: no gap, one beginning, one end, nothing after.
func checkEvents(t *testing.T, e *engine.Engine, run flowforge.Run) {
	t.Helper()
	var events []flowforge.Event
	for event, err := range e.Watch(t.Context(), run.Workspace, run.ID, 0) {
		require.NoError(t, err)
		events = append(events, event)
		require.EqualValues(t, len(events), event.Seq, "events have no gap")
	}
	require.Equal(t, flowforge.EventRunCreated, events[0].Kind)
	require.Equal(t, flowforge.RunEnd(run.Status), events[len(events)-1].Kind)
	require.Equal(t, run.Seq, events[len(events)-1].Seq)
}
