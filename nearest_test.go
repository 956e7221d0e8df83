package flowforge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"timeout", "node_timeout", "on_error", "retry", "id"}
	for word, want := range map[string]string{
		"timeot":      "timeout",
		"tiemout":     "timeout",
		"Timeout":     "timeout",
		"TIMEOUT":     "timeout",
		"onError":     "on_error",
		"nodeTimeout": "node_timeout",
		"retries":     "",
		"retry_":      "retry",
		"ID":          "id",
		"":            "",
		"something":   "",
	} {
		hint := ""
		if want != "" {
			hint = `: did you mean "` + want + `"?`
		}
		require.Equal(t, hint, flowforge.DidYouMean(word, known), word)
	}
	require.Empty(t, flowforge.DidYouMean("x", nil))
}
