// Package all gathers the node types of every family of connectors, for programs that want them all. It decides
// nothing: each family is configured as its own package says.
package all

import (
	"slices"

	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/connectors/code"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/connectors/http"
	"github.com/flowforge-go/flowforge/nodes"
)

// Config configures all families. The zero Config reaches public addresses only and runs no scripts.
type Config struct {
	Client *connectors.Client // nil: one made of Egress
	Egress egress.Policy      // not looked at where there is a Client
	Code   code.Config
}

// All gives the types of all families. A Policy that egress.New refuses is an error.
func All(config Config) ([]nodes.Type, error) {
	client := config.Client
	if client == nil {
		guard, err := egress.New(config.Egress)
		if err != nil {
			return nil, err
		}
		client = connectors.New(guard)
	}
	return slices.Concat(
		http.Types(client),
		code.Types(config.Code),
	), nil
}
