package progress

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFitCutsToColumns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"plain", 5, "plain"}, {"plain", 4, "pla…"}, {"plain", 0, ""}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"},
	} {
		require.Equal(t, test.want, fit(test.text, test.width), "%s in %d", test.text, test.width)
	}
}
