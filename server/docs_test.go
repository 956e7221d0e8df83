package server

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/server/rest"
)

var update = flag.Bool("update", false, "write docs/errors.md and the list of operations in docs/api.md anew")

const (
	errorsIntro = `<!-- Made of the table in server/errors.go: go test ./server -run Docs -update -->

# Errors of the REST API

Whatever goes wrong, the answer is ` + "`application/problem+json`" + ` (RFC 9457):

` + "```json" + `
{
  "type": "urn:flowforge:error:invalid_request",
  "title": "The request is not as it must be",
  "status": 422,
  "code": "invalid_request",
  "request_id": "3SXLFJXTQ5H6YJ4TTRWYAJ5K2Q",
  "errors": [{"pointer": "/version", "code": "bad_value", "message": "expected integer"}]
}
` + "```" + `

Programs look at ` + "`code`" + `, which does not change; ` + "`title`" + ` is the same each time, ` + "`detail`" + ` and the messages are for people and may
change. ` + "`pointer`" + ` is a JSON pointer (RFC 6901) into the body, ` + "`parameter`" + ` names one of the path, the query or the headers. A value
that was wrong is not repeated. The server's log has the request under ` + "`request_id`" + `, which is the header ` + "`X-Request-ID`" + `, too.

How a run ended is no error of the API: a run that failed is answered with 200 and has an ` + "`error`" + ` of its own.

| code | status | means |
|---|---|---|
`
	opening = "<!-- operations: go test ./server -run Docs -update -->\n"
	closing = "<!-- end of operations -->\n"
)

func TestDocs(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(errorsIntro)
	rows := errorTable()
	slices.SortStableFunc(rows, func(a, b rest.Coded) int { return a.Status - b.Status })
	for _, row := range rows {
		fmt.Fprintf(&text, "| `%s` | %d | %s. %s |\n", row.Code, row.Status, row.Title, row.Doc)
	}
	compare(t, "errors.md", func(string) string { return text.String() })

	s := testService(t, &whoever{})
	var operations strings.Builder
	for _, part := range s.Sections() {
		fmt.Fprintf(&operations, "\n### %s\n\n%s\n\n| | | permission |\n|---|---|---|\n", part.Name, part.Doc)
		for _, o := range part.Operations {
			fmt.Fprintf(&operations, "| `%s %s` | %s | %s |\n", o.Method, strings.TrimPrefix(o.Path, rest.Path), o.Summary, o.Extensions["x-permission"])
		}
	}
	compare(t, "api.md", func(stored string) string {
		before, rest, found := strings.Cut(stored, opening)
		require.True(t, found)
		_, after, found := strings.Cut(rest, closing)
		require.True(t, found)
		return before + opening + operations.String() + "\n" + closing + after
	})
}

// compare compares a page with what it must be.
func compare(t *testing.T, name string, want func(stored string) string) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	stored, err := os.ReadFile(path)
	if !*update {
		require.NoError(t, err)
	}
	page := want(string(stored))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
		return
	}
	require.Equal(t, page, string(stored), "run: go test ./server -run Docs -update")
}
