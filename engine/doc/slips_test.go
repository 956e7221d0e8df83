package doc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What YAML reads is no slip: the finder must not blame a line that is in order.
func TestNoSlipInWhatIsInOrder(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "# c\n", "a: 1", "---\na: 1\n...\n", "%YAML 1.1\n---\na: 1\n",
		"a:\n- b\n- c: 1\n  d: 2\ne: 3\n",
		"a:\n  - - 1\n    - 2\n  -\n    b: 1\n",
		"a: one\n  two\n  three\nb: 'x\n\n  y'\nc: \"x \\\"\n  y\" # c\n",
		"a: |\n  x: {{ y }}\n\n    deeper\n  '\nb: >-\n  - z\nc: |+\n\n",
		"- |\n  a\n- >\n   b\n",
		"a: {b: [1, 'x}', \"]\"], # c ]\n  c: it's, d: \"q\\\"{\"}\nb: [\n  1,\n]\n",
		"'a b': 1\n\"c: d\": 2\n\"e\\\"f\" : 3\n? g\n: 4\n",
		"a: &x {b: 1}\nc: *x\nd: &y\n  e: 1\nf: !!str 5\ng: &z |\n  text\n",
		"a: http://x/y?z=1#f\nb: 10:30\nc: a:b\nd: x # c: d\n",
		"a: {b: 1}\n# c\n  # d\n\nb: \"\"\n", "a: \"\\x41\\\n  b\"\n", "[1, 2]\n", "{a: 1,\n b: 2}\n", "\"just text\"\n", "just\ntext\n",
		"a:\n    b: 1\n    c:\n    - 1\n    d: 2\n",
	} {
		_, problems := parseYAML(fileOf(text))
		for _, p := range problems {
			require.NotEqual(t, "this is not YAML", p.Message[:min(16, len(p.Message))], text)
		}
		found, ok := findSlip(text)
		require.False(t, ok, "%s\n%v", text, found)
	}
}

func fileOf(text string) *File {
	f := &File{text: []byte(text)}
	f.lines = func() []string { return splitLines(f.text) }
	return f
}

func TestNoSlipInWhatIsWritten(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "written.yaml"))
	require.NoError(t, err)
	_, ok := findSlip(string(text))
	require.False(t, ok)
}

// However long the file, looking for a slip ends.
func TestSlipsOfLargeFiles(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("- {a: [1, \"2\"]}\n- |\n  x\n", 100_000) + "- \"open"
	found, ok := findSlip(text)
	require.True(t, ok)
	require.Equal(t, Position{Line: 300_001, Column: 3}, found.Position)
}
