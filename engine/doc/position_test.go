package doc_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

func TestPositions(t *testing.T) {
	t.Parallel()
	asJSON := `{
  "name": "é", "a": {"b": [1,
     2]},
  "c":
    [], "": {"x/y": 1, "p~q": 2}
}`
	for name, test := range map[string]struct{ file, text, pointer, want string }{
		"the document":              {"x.yaml", document, "", "2:1"},
		"a value":                   {"x.yaml", document, "/name", "2:7"},
		"in a flow":                 {"x.yaml", document, "/settings/concurrency/limit", "3:46"},
		"an item":                   {"x.yaml", document, "/nodes/1", "13:3"},
		"a field of an item":        {"x.yaml", document, "/nodes/1/type", "14:9"},
		"a name, its value below":   {"x.yaml", document, "/nodes", "5:1"},
		"a text in a block":         {"x.yaml", document, "/nodes/1/notes", "16:10"},
		"through an alias":          {"x.yaml", document, "/nodes/1/retry/jitter", "10:80"},
		"a missing field":           {"x.yaml", document, "/nodes/1/params", "13:3"},
		"below a missing field":     {"x.yaml", document, "/nodes/1/params/url/0", "13:3"},
		"a missing item":            {"x.yaml", document, "/nodes/7/id", "5:1"},
		"below a scalar":            {"x.yaml", document, "/name/first", "2:7"},
		"no index":                  {"x.yaml", document, "/nodes/-1", "5:1"},
		"no pointer":                {"x.yaml", document, "name", "2:1"},
		"JSON: the document":        {"x.json", asJSON, "", "1:1"},
		"JSON: a value":             {"x.json", asJSON, "/name", "2:11"},
		"JSON: after a wide letter": {"x.json", asJSON, "/a", "2:21"},
		"JSON: an item":             {"x.json", asJSON, "/a/b/1", "3:6"},
		"JSON: below its name":      {"x.json", asJSON, "/c", "4:3"},
		"JSON: the empty name":      {"x.json", asJSON, "/", "5:13"},
		"JSON: an escaped name":     {"x.json", asJSON, "//x~1y", "5:21"},
		"JSON: another":             {"x.json", asJSON, "//p~0q", "5:31"},
		"not to be taken apart":     {"x.json", "{", "/name", "1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := doc.Read(test.file, []byte(test.text))
			at := f.Position(test.pointer)
			require.Equal(t, test.want, fmt.Sprintf("%d:%d", at.Line, at.Column))
		})
	}
}

func TestLocateSortsWhatTheEngineFinds(t *testing.T) {
	t.Parallel()
	f, err := doc.Read("flow.yaml", []byte(document))
	require.NoError(t, err)
	located := f.Locate(flowforge.Problems{
		{Code: "unknown_node", Pointer: "/connections/0/to", Message: "there is no node"},
		{Code: "unknown_field", Pointer: "/nodes/0/params/url", Message: "there is no parameter"},
		{Code: "unreachable", Pointer: "/nodes/1", Message: "nothing leads here", Warning: true},
	})
	require.Equal(t, "flow.yaml:8:25: error: there is no parameter [unknown_field]\n"+
		"flow.yaml:13:3: warning: nothing leads here [unreachable]\n"+
		"flow.yaml:20:23: error: there is no node [unknown_node]", located.Error())
	require.Len(t, flowforge.ProblemsOf(located), 3)
	require.Empty(t, f.Locate(nil))
}

func ExampleFile_Print() {
	text := "name: greet\nnodes:\n  - id: hello\n    typ: core.noop\n\ttimeout: 30\n"
	for _, text := range []string{text, strings.Replace(text, "\t", "    ", 1)} {
		f, err := doc.Read("greet.yaml", []byte(text))
		if problems, ok := errors.AsType[doc.Problems](err); ok {
			_ = f.Print(os.Stdout, problems)
		}
		fmt.Println()
	}
	// Output:
	// greet.yaml:5:1: error: a tab cannot indent a line: use spaces [syntax]
	//     5 | 	timeout: 30
	//       | ^
	//
	// greet.yaml:4:5: error: there is no field "typ" here: did you mean "type"? [unknown_field]
	//     4 |     typ: core.noop
	//       |     ^
	// greet.yaml:5:14: error: this must be a duration such as "30s", "1h30m" or "7d", not the number 30 [bad_type]
	//     5 |     timeout: 30
	//       |              ^
}

func TestPrintShowsWhatMatters(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		at   doc.Position
		want string
	}{
		"a wide letter":         {"é: x", doc.Position{Line: 1, Column: 4}, "    1 | é: x\n      |    ^\n"},
		"a tab":                 {"a:\tx", doc.Position{Line: 1, Column: 4}, "    1 | a:\tx\n      |   \t^\n"},
		"the end of a line":     {"a:\r\nb", doc.Position{Line: 1, Column: 3}, "    1 | a:\n      |   ^\n"},
		"a long line":           {strings.Repeat("x", 200) + "yz", doc.Position{Line: 1, Column: 201}, "    1 | " + strings.Repeat("x", 118) + "yz\n      | " + strings.Repeat(" ", 118) + "^\n"},
		"what terminals act on": {"a\x1b[2J\u009b", doc.Position{Line: 1, Column: 1}, "    1 | a\ufffd[2J\ufffd\n      | ^\n"},
		"a line that is none":   {"a", doc.Position{Line: 9, Column: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := doc.Read("x", []byte(test.text))
			var out bytes.Buffer
			require.NoError(t, f.Print(&out, doc.Problems{{File: "x", Position: test.at}}))
			_, shown, _ := strings.Cut(out.String(), "\n")
			require.Equal(t, test.want, shown)
		})
	}
}

func TestPrintTellsThatItCannotWrite(t *testing.T) {
	t.Parallel()
	f, _ := doc.Read("x", nil)
	require.ErrorIs(t, f.Print(failing{}, doc.Problems{{}}), os.ErrClosed)
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

// What could be read is there to find more in, and what follows from a problem that is told already is not
// told again.
func TestAddLeavesOutWhatFollows(t *testing.T) {
	t.Parallel()
	f, err := doc.Read("x.yaml", []byte("name: x\nnodes:\n  - id: a\n    type: {{ x }}\n    params: {a: !b c}\n"))
	found, ok := errors.AsType[doc.Problems](err)
	require.True(t, ok)
	require.Equal(t, flowforge.NodeID("a"), f.Workflow.Nodes[0].ID)
	all := f.Add(found, flowforge.Problems{
		{Code: "unreachable", Pointer: "/nodes/0"},
		{Code: "missing_type", Pointer: "/nodes/0/type"},
		{Code: "bad_params", Pointer: "/nodes/0/params/a/b"},
		{Code: "bad_params", Pointer: "/nodes/0/params"},
		{Code: "odd", Pointer: "odd"},
	})
	require.Equal(t, "x.yaml:1:1: error:  [odd]\nx.yaml:3:5: error:  [unreachable]\n"+found[0].String()+
		"\nx.yaml:5:13: error:  [bad_params]\n"+found[1].String(), all.Error())

	whole := doc.Problems{{File: "x.yaml", Problem: flowforge.Problem{Code: "too_deep"}}}
	require.Equal(t, whole, f.Add(whole, flowforge.Problems{{Code: "missing_name", Pointer: "/name"}}))
}
