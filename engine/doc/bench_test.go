package doc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

// chain makes a workflow of n nodes, one after the other.
func chain(n int) *flowforge.Workflow {
	w := &flowforge.Workflow{Name: "chain"}
	for i := range n {
		id := flowforge.NodeID(fmt.Sprintf("n%d", i))
		w.Nodes = append(w.Nodes, flowforge.Node{
			ID: id, Type: "http.request", Timeout: 30e9, OnError: flowforge.OnErrorRoute,
			Params: flowforge.MustValue(map[string]any{
				"method": "GET", "url": "https://api.example.com/p/{{ input.email }}", "n": i, "headers": map[string]any{"a": "b"},
			}),
			Retry: flowforge.RetryPolicy{MaxAttempts: 5, InitialInterval: 1e9},
		})
		if i > 0 {
			from := flowforge.Endpoint{Node: flowforge.NodeID(fmt.Sprintf("n%d", i-1))}
			w.Connections = append(w.Connections, flowforge.Connection{From: from, To: flowforge.Endpoint{Node: id}})
		}
	}
	return w
}

func BenchmarkRead(b *testing.B) {
	for _, format := range []doc.Format{doc.YAML, doc.JSON} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			text, err := doc.Write(chain(n), format)
			require.NoError(b, err)
			b.Run(fmt.Sprintf("%s/nodes=%d", format, n), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					_, err := doc.Read("x."+string(format), text)
					require.NoError(b, err)
				}
			})
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	w := chain(10_000)
	for _, format := range []doc.Format{doc.YAML, doc.JSON} {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := doc.Write(w, format)
				require.NoError(b, err)
			}
		})
	}
}

// What is slow to read must not be slow because of how it is wrong.
func BenchmarkReadBroken(b *testing.B) {
	for name, text := range map[string]string{
		"a slip at the end":   strings.Repeat("- {a: [1, \"2\"]}\n- |\n  x\n", 100_000) + "- \"open",
		"many names":          "name: x\noutput:\n" + names(300_000),
		"many unknown fields": names(300_000),
		"nested flows":        "output: " + strings.Repeat("[", 9_000),
		"a long line":         "output: [" + strings.Repeat("a, ", 1_000_000) + "]\n",
		"long plain text":     "output: " + strings.Repeat("a ", 1_000_000) + "\nb",
		"many items":          "output:\n" + strings.Repeat("- - a\n", 300_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_, _ = doc.Read("x.yaml", []byte(text))
			}
		})
	}
}

func names(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, " n%d: a\n", i)
	}
	return text.String()
}
