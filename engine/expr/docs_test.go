package expr_test

import (
	_ "embed"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/engine/expr"
)

//go:embed introduction.md
var introduction string

var update = flag.Bool("update", false, "rewrite docs/expressions.md")

// page is the reference page: the introduction and the table of functions.
func page() string {
	var out strings.Builder
	out.WriteString("<!-- Made of engine/expr/introduction.md and the table of functions: go test ./engine/expr -update -->\n\n")
	out.WriteString(introduction)
	category := ""
	for _, f := range expr.Functions() {
		if f.Category != category {
			category = f.Category
			out.WriteString("\n### " + category + "\n")
		}
		out.WriteString("\n#### " + f.Name + "\n\n`" + f.Signature + "`\n\n" + f.Doc + "\n")
		if !f.Deterministic {
			out.WriteString("Gives another result each time.\n")
		}
		out.WriteString("\n```\n")
		for _, example := range f.Examples {
			out.WriteString(example.Expression + "\n  → " + example.Result + "\n")
		}
		out.WriteString("```\n")
	}
	return out.String()
}

func TestDocs(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "expressions.md")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(page()), 0o644))
	}
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, page(), string(written), "run go test ./engine/expr -update")
}

// TestIntroduction compiles the expressions of the introduction.
func TestIntroduction(t *testing.T) {
	t.Parallel()
	var sources []string
	for i, block := range strings.Split(introduction, "```") {
		if i%2 == 1 && strings.HasPrefix(block, "\n") { // others are YAML
			sources = append(sources, strings.Split(strings.TrimSpace(block), "\n")...)
		}
	}
	for _, quoted := range regexp.MustCompile("`({{[^`]+}})`").FindAllStringSubmatch(introduction, -1) {
		if inner := strings.TrimSuffix(strings.TrimPrefix(quoted[1], "{{"), "}}"); strings.TrimSpace(inner) != "..." {
			sources = append(sources, inner)
		}
	}
	require.Greater(t, len(sources), 5, sources)
	for _, source := range sources {
		_, problems := expr.NewCompiler().Expression("{{ "+source+" }}", "", everyScope)
		require.Empty(t, problems, source)
	}
}

// TestNullRules reads the table of the introduction: what it says is what happens.
func TestNullRules(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(introduction, "| expression | gives, where `input` is `{\"user\": null}` |\n|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+) \\|$").FindAllStringSubmatch(table, -1)
	require.Len(t, rows, strings.Count(table, "\n")+1)
	for _, row := range rows {
		program, problems := expr.NewCompiler().Expression("{{ "+row[1]+" }}", "", 0)
		require.Empty(t, problems)
		got, err := program.Eval(t.Context(), &expr.Env{Input: frozenJSON(t, `{"user": null}`)})
		if message, fails := strings.CutPrefix(row[2], "an error: "); fails {
			require.ErrorContains(t, err, message)
			continue
		}
		require.NoError(t, err, row[1])
		require.Equal(t, regexp.MustCompile("^`(.+?)`").FindStringSubmatch(row[2])[1], mustString(t, got), row[1])
	}
}
