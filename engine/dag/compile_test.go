package dag_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// compileCase is a document and what Compile says of it.
type compileCase struct{ name, document, problems string }

// compileCases reads cases: a line "=== name", a document, "---", and its problems, a line each. A document
// without a name gets one.
func compileCases(tb testing.TB, text string) []compileCase {
	tb.Helper()
	var cases []compileCase
	for _, part := range strings.Split("\n"+text, "\n=== ")[1:] {
		name, part, _ := strings.Cut(part, "\n")
		document, problems, found := strings.Cut(part, "---\n")
		require.True(tb, found, "%s has a document and its problems", name)
		if !strings.Contains(document, `"name"`) {
			document = strings.Replace(document, "{", `{"name": "case", `, 1)
		}
		cases = append(cases, compileCase{name, document, strings.TrimSpace(problems)})
	}
	return cases
}

// told writes problems as the cases do.
func told(problems flowforge.Problems) string {
	lines := make([]string, len(problems))
	for i, problem := range problems {
		kind := problem.Code
		if problem.Warning {
			kind += " (warning)"
		}
		lines[i] = fmt.Sprintf("%s %s: %s", problem.Pointer, kind, problem.Message)
	}
	return strings.Join(lines, "\n")
}

func TestCompileTellsProblems(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/compile/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, c := range compileCases(t, string(text)) {
			t.Run(filepath.Base(file)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				document, err := flowforge.DecodeWorkflow([]byte(c.document))
				require.NoError(t, err)
				workflow, problems := dag.Compile(document, registry(t), dag.Limits{Nodes: 100, Connections: 50})
				require.Equal(t, c.problems, told(problems))
				require.Equal(t, problems.Err() != nil, workflow == nil)
			})
		}
	}
}
