package all_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/connectors/all"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

func TestAll(t *testing.T) {
	t.Parallel()
	types, err := all.All(all.Config{})
	require.NoError(t, err)
	registry, err := nodes.NewRegistry(types...)
	require.NoError(t, err)
	var names []string
	for _, nodeType := range types {
		if nodeType.Spec.Category != "code" { // it is off here, and tests itself where it is on
			nodetest.Conform(t, nodeType)
		}
	}
	for _, spec := range registry.Specs() {
		names = append(names, spec.Type)
		require.NotEmpty(t, spec.Doc, spec.Type)
		require.NotEmpty(t, spec.Examples, spec.Type)
	}
	require.Equal(t, []string{"code.js", "http.paginate", "http.request"}, names)

	_, err = all.All(all.Config{Egress: egress.Policy{Limits: egress.Limits{Ratio: -1}}})
	require.Error(t, err)
}
