package builtin_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

func TestTypesConform(t *testing.T) {
	t.Parallel()
	for _, typ := range builtin.Types() {
		t.Run(typ.Spec.Type, func(t *testing.T) {
			t.Parallel()
			nodetest.Conform(t, typ)
		})
	}
}

func TestTypesRegisterTogether(t *testing.T) {
	t.Parallel()
	registry, err := nodes.NewRegistry(builtin.Types()...)
	require.NoError(t, err)
	require.Len(t, registry.Specs(), len(builtin.Types()))
}

// allTypes makes the types once: making their schemas takes longer than most tests.
var allTypes = sync.OnceValue(builtin.Types)

// typeOf finds a type by name.
func typeOf(t *testing.T, name string) nodes.Type {
	t.Helper()
	for _, typ := range allTypes() {
		if typ.Spec.Type == name {
			return typ
		}
	}
	require.Fail(t, "no type", name)
	return nodes.Type{}
}

type (
	object = map[string]any
	list   = []any
)

// row is a test of one type: what it gives, or the code and a part of the sentence of its error.
type row struct {
	name   string
	params any
	input  any
	want   any // on "out", or flowforge.Ports
	code   flowforge.Code
	says   string
}

func testRows(t *testing.T, typ string, rows []row) {
	t.Helper()
	for _, test := range rows {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ports, err := nodetest.Run(t, typeOf(t, typ), test.params, test.input)
			if test.code != "" {
				require.Error(t, err, "it gave %s", ports)
				require.Equal(t, test.code, flowforge.CodeOf(err), "%v", err)
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			want, ok := test.want.(flowforge.Ports)
			if !ok {
				want = flowforge.Out(flowforge.MustValue(test.want))
			}
			require.Equal(t, want.String(), ports.String())
		})
	}
}
