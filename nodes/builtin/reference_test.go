package builtin_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

var update = flag.Bool("update", false, "write docs/nodes.md anew")

func TestReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	var specs []nodes.Spec
	for _, typ := range builtin.Types() {
		specs = append(specs, typ.Spec)
	}
	const file = "../../docs/nodes.md"
	page := nodetest.Reference(specs)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(page), 0o644))
	}
	stored, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, page, string(stored), "run: go test ./nodes/builtin -run Reference -update")
}
