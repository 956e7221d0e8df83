package doc_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

func texts() *rapid.Generator[string] {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{
		"", " ", "a", " a", "a ", "\ta", "- a", "a: b", "# c", "{{ x }}", "---", "...", "\u00e9", "'", `"`, "a\r", "\u2028", "|", "%",
	}), 0, 5)
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(lines, func(lines []string) string { return strings.Join(lines, "\n") }),
		rapid.SampledFrom([]string{
			"null", "~", "true", "yes", "No", "on", "y", "0123", "0x1F", "0o7", "1e3", "1_000", ".inf", "-.5", "2024-01-01", "12:30",
			"<<", "=", "*a", "&a", "!a", "@a", "`a`", "? a", "[a]", "a #b", "a:", ":a", ",", "a, b", "a b", "a  b", "GET", "http.request",
			"\ufeff", "\ufffe", "\x00", "\x7f", "\u0085", "\u009f", "\U0010ffff", "\\", "\\n", strings.Repeat("k", 1100),
			strings.Repeat("k y ", 300) + ".",
		}),
	)
}

func things(depth int) *rapid.Generator[any] {
	leaves := rapid.OneOf(
		rapid.Just(any(nil)), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Uint64().AsAny(),
		rapid.Float64Range(-1e30, 1e30).AsAny(), texts().AsAny(),
		rapid.SampledFrom([]any{1e19, 1e20, 1e21, float64(1 << 63), float64(1<<63) * 2, 1e-7, math.MaxFloat64, -0.5, "a\xffb"}),
	)
	if depth == 0 {
		return leaves
	}
	inner := things(depth - 1)
	return rapid.OneOf(leaves, rapid.SliceOfN(inner, 0, 5).AsAny(), rapid.MapOfN(texts(), inner, 0, 5).AsAny())
}

func values() *rapid.Generator[flowforge.Value] {
	return rapid.Map(things(3), flowforge.MustValue)
}

func workflows() *rapid.Generator[*flowforge.Workflow] {
	return rapid.Custom(func(t *rapid.T) *flowforge.Workflow {
		w := &flowforge.Workflow{
			Name: texts().Draw(t, "name"), Description: texts().Draw(t, "description"), InputSchema: values().Draw(t, "schema"),
		}
		w.Settings.OnFailure = texts().Draw(t, "on failure")
		w.Settings.Timeout = flowforge.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "timeout"))
		w.Output = values().Draw(t, "output")
		w.Nodes = rapid.SliceOfN(rapid.Custom(node), 0, 3).Draw(t, "nodes")
		for range rapid.IntRange(0, 3).Draw(t, "connections") {
			w.Connections = append(w.Connections, flowforge.Connection{
				From: flowforge.Endpoint{Node: "a", Port: flowforge.Port(texts().Draw(t, "port"))},
				To:   flowforge.Endpoint{Node: "n" + flowforge.NodeID(rapid.StringMatching(`[^.]*`).Draw(t, "to"))},
			})
		}
		return w
	})
}

func node(t *rapid.T) flowforge.Node {
	n := flowforge.Node{
		ID: flowforge.NodeID(texts().Draw(t, "id")), Type: texts().Draw(t, "type"), Notes: texts().Draw(t, "notes"),
		Params: values().Draw(t, "params"), Each: values().Draw(t, "each"),
		Retry:       flowforge.RetryPolicy{Multiplier: rapid.Float64().Filter(finite).Draw(t, "multiplier")},
		Credentials: rapid.MapOfN(texts(), texts(), 1, 3).Draw(t, "credentials"),
		Position:    &flowforge.Position{X: rapid.Float64Range(-1e30, 1e30).Draw(t, "x"), Y: math.Copysign(0, -1)},
	}
	if rapid.Bool().Draw(t, "is pinned") {
		pinned := values().Draw(t, "pinned")
		n.Pinned = &pinned
	}
	return n
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// What is written is read as it was, and written again the same.
func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	t.Parallel()
	for _, format := range []doc.Format{doc.YAML, doc.JSON} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := workflows().Draw(t, "workflow")
				text, err := doc.Write(w, format)
				require.NoError(t, err)
				f, err := doc.Read("x."+string(format), text)
				require.NoError(t, err, string(text))
				require.Equal(t, marshal(t, w), marshal(t, f.Workflow), string(text))
				again, err := doc.Write(f.Workflow, format)
				require.NoError(t, err)
				require.Equal(t, string(text), string(again))
			})
		})
	}
}

func marshal(t require.TestingT, w *flowforge.Workflow) string {
	text, err := json.Marshal(w)
	require.NoError(t, err)
	return string(text)
}

func TestWriteIsWhatPeopleWouldWrite(t *testing.T) {
	t.Parallel()
	f, err := doc.Read("x.yaml", []byte(document))
	require.NoError(t, err)
	for _, format := range []doc.Format{doc.YAML, doc.JSON} {
		text, err := doc.Write(f.Workflow, format)
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join("testdata", "written."+string(format)))
		require.NoError(t, err)
		require.Equal(t, string(want), string(text))
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	negative := &flowforge.Workflow{Settings: flowforge.Settings{Timeout: -1}}
	_, err := doc.Write(negative, doc.YAML)
	require.Equal(t, flowforge.CodeInvalidWorkflow, flowforge.CodeOf(err))
	require.Equal(t, "/settings/timeout", flowforge.ProblemsOf(err)[0].Pointer)

	infinite := &flowforge.Workflow{}
	infinite.Nodes = []flowforge.Node{{Position: &flowforge.Position{X: math.Inf(1)}}}
	_, err = doc.Write(infinite, doc.JSON)
	require.Equal(t, flowforge.CodeInvalidWorkflow, flowforge.CodeOf(err))

	_, err = doc.Write(&flowforge.Workflow{}, "toml")
	require.Equal(t, flowforge.CodeUnsupported, flowforge.CodeOf(err))
}

// How texts are written: on one line, over several, in quotes; and they are read as they were.
func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a b":          ` a b`,
		"a  b":         ` "a  b"`,
		" a":           ` " a"`,
		"a ":           ` "a "`,
		"http.request": ` http.request`,
		"5m":           ` 5m`,
		"1h30m":        ` 1h30m`,
		"5":            ` "5"`,
		"5 m":          ` "5 m"`,
		"1e3":          ` "1e3"`,
		"_x-y/z@v.1+2": ` _x-y/z@v.1+2`,
		"é":            ` "é"`,
		"a: b":         ` "a: b"`,
		"a #b":         ` "a #b"`,
		"{{ x }}":      ` "{{ x }}"`,
		`say "no"\`:    ` "say \"no\"\\"`,
		"null":         ` "null"`,
		"nullable":     ` nullable`,
		"True":         ` "True"`,
		"Yes":          ` "Yes"`,
		"no":           ` "no"`,
		"OFF":          ` "OFF"`,
		"on":           ` "on"`,
		"y":            ` "y"`,
		"N":            ` "N"`,
		"yesterday":    ` yesterday`,
		"2024-01-01":   ` "2024-01-01"`,
		"a\tb":         ` "a\tb"`,
		"a\x00\u2028":  ` "a\x00\u2028"`,
		"\n":           ` "\n"`,
		"a\n":          ` "a\n"`,
		"a\nb":         " |-\n      a\n      b",
		"a\nb\n":       " |\n      a\n      b",
		"a\n\n  b\n":   " |\n      a\n\n        b",
		"a\n\tb":       " |-\n      a\n      \tb",
		"\ta\nb":       ` "\ta\nb"`,
		"# a\n- b: c":  " |-\n      # a\n      - b: c",
		"a\nb\n\n":     ` "a\nb\n\n"`,
		"\na\nb":       ` "\na\nb"`,
		" a\nb":        ` " a\nb"`,
		"a \nb":        ` "a \nb"`,
		"a\n \nb":      ` "a\n \nb"`,
		"a\r\nb":       ` "a\x0d\nb"`,
	} {
		w := &flowforge.Workflow{Name: "x"}
		w.Nodes = []flowforge.Node{{ID: "a", Notes: text}}
		written, err := doc.Write(w, doc.YAML)
		require.NoError(t, err)
		_, notes, _ := strings.Cut(string(written), "notes:")
		require.Equal(t, want, strings.TrimSuffix(notes, "\n"))
		f, err := doc.Read("x.yaml", written)
		require.NoError(t, err, string(written))
		require.Equal(t, text, f.Workflow.Nodes[0].Notes)
	}
}
