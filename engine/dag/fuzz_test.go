package dag_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// FuzzPlan makes a graph and events of bytes, some of them nonsense: the run ends and keeps its promises.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{"", "\x01", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(rapid.MakeFuzz(keepsPromises(registry(f))))
}

// FuzzCompile compiles whatever documents there are: the same problems each time, and a workflow that can be
// run where none is more than a warning.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob("testdata/compile/*.txt")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		for _, c := range compileCases(f, string(text)) {
			f.Add([]byte(c.document))
		}
	}
	types := registry(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := flowforge.DecodeWorkflow(text)
		if err != nil {
			return
		}
		workflow, problems := dag.Compile(document, types, dag.Limits{})
		again, same := dag.Compile(document, types, dag.Limits{})
		require.Equal(t, problems, same)
		require.Equal(t, workflow == nil, problems.Err() != nil)
		require.Equal(t, workflow == nil, again == nil)
		for _, problem := range problems {
			require.NotEmpty(t, problem.Code)
			require.NotEmpty(t, problem.Message)
		}
		if workflow == nil {
			return
		}
		w := newWorld(workflow.Graph)
		w.start()
		finish(t, w, func(e dag.Event) { w.apply(e) })
		require.Empty(t, w.broken)
	})
}
