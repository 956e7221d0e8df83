package human

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTablesAreAligned(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, Table(&out, [][]string{{"A", "LONG NAME", ""}, {"größer", "x", "y"}, {"b", "", ""}}))
	require.Equal(t, "A       LONG NAME\ngrößer  x          y\nb\n", out.String())
}
