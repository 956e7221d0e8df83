package flowforge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowforge-go/flowforge"
)

// bigDocument writes a chain of n nodes as JSON.
func bigDocument(n int) []byte {
	var text strings.Builder
	text.WriteString(`{"name":"big","nodes":[`)
	for i := range n {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"id":"n%d","type":"http.request","params":{"method":"GET",`+
			`"url":"https://api.example.com/p/{{ input.email }}","n":%d,"headers":{"a":"b"}},`+
			`"retry":{"max_attempts":5,"initial_interval":"1s"},"timeout":"30s","on_error":"route",`+
			`"position":{"x":1.5,"y":2}}`, i, i)
	}
	text.WriteString(`],"connections":[`)
	for i := range n - 1 {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"from":"n%d","to":"n%d"}`, i, i+1)
	}
	text.WriteString(`]}`)
	return []byte(text.String())
}

func BenchmarkDecodeWorkflow(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		text := bigDocument(n)
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := flowforge.DecodeWorkflow(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
