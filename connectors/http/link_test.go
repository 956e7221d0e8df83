package http

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNextLink(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                             "",
		`<a>; rel=next`:                "a",
		`<a>; rel="next"`:              "a",
		`<a>;rel = "NEXT last"`:        "a",
		`<a>; rel=prev, <b>; rel=next`: "b",
		`<a>; title="x, <c>"; rel=prev,<b>; rel="next"`: "b",
		`<a>; title="\""; rel=next`:                     "a",
		`<a>; rel=prev; rel=next`:                       "",
		`<a>; rel`:                                      "",
		`<a`:                                            "",
		`a; rel=next`:                                   "",
		`<a,b;c>; rel=next`:                             "a,b;c",
		`<a>; rel="next`:                                "a",
		`<a>; rel="x\`:                                  "",
	} {
		require.Equal(t, want, nextLink([]string{header}), header)
	}
	require.Equal(t, "b", nextLink([]string{"<a>; rel=prev", "<b>; rel=next"}))
}
