// Package nodetest is for the tests of node types: Run runs a type as the engine would, Conform checks what the
// contract of package nodes asks of every type, and Reference writes the reference page of a set of types. It
// reaches nothing and stores nothing.
package nodetest

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// TB is what the suite needs of a *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
}

// Run runs a type once, with parameters as a document would have them, templates included, and an input. Both
// may be anything that can be put into JSON. It gives what Execute gave, so that Await and Stop are errors; to
// see more than that, or to give credentials and the outputs of other nodes, use a Host.
func Run(t TB, typ nodes.Type, params, input any) (flowforge.Ports, error) {
	t.Helper()
	value, err := flowforge.ValueOf(input)
	if err != nil {
		return nil, err
	}
	host := &Host{Input: value}
	return host.Run(t.Context(), typ, params)
}
