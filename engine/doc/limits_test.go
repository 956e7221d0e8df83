package doc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

func codes(err error) []string {
	var codes []string
	for _, p := range flowforge.ProblemsOf(err) {
		codes = append(codes, p.Code)
	}
	return codes
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("name: x\noutput:\n  - &a0 [" + strings.Repeat("lol,", 20) + "]\n")
	for i := range 12 {
		fmt.Fprintf(&bomb, "  - &a%d [%s]\n", i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 20))
	}
	for name, test := range map[string]struct{ file, text, code string }{
		"size":                   {"x.yaml", strings.Repeat(" ", doc.MaxSize+1), "too_large"},
		"size of JSON":           {"x.json", strings.Repeat(" ", doc.MaxSize+1), "too_large"},
		"aliases":                {"x.yaml", bomb.String(), "too_large"},
		"depth":                  {"x.yaml", "name: x\noutput: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n", "too_deep"},
		"depth of a value":       {"x.yaml", "name: x\noutput: " + strings.Repeat("[", 550) + strings.Repeat("]", 550) + "\n", "bad_value"},
		"depth beyond YAML":      {"x.yaml", "output: " + strings.Repeat("[", 100_000), "syntax"},
		"depth beyond JSON":      {"x.json", strings.Repeat("[", 100_000), "syntax"},
		"bytes that are no text": {"x.yaml", "name: a\xff", "syntax"},
		"and in JSON":            {"x.json", "{\"name\": \"a\xff\"}", "syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := doc.Read(test.file, []byte(test.text))
			require.Equal(t, []string{test.code}, codes(err))
		})
	}
}

func TestDepthThroughAliases(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("name: x\noutput:\n  - &a0 [1]\n")
	for i := range 700 {
		fmt.Fprintf(&text, "  - &a%d [*a%d]\n", i+1, i)
	}
	_, err := doc.Read("x.yaml", []byte(text.String()))
	require.Equal(t, []string{"bad_value"}, codes(err))
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	_, err := doc.Read("x.yaml", []byte("name: x\noutput:\n"+strings.Repeat("- !a b\n", 5000)))
	found := codes(err)
	require.Len(t, found, 1001)
	require.Equal(t, "too_many_problems", found[1000])
}
