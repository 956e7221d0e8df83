package flowforge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]flowforge.Endpoint{
		"fetch":       {Node: "fetch"},
		"fetch.error": {Node: "fetch", Port: flowforge.PortError},
		"route.v1.2":  {Node: "route", Port: "v1.2"},
	} {
		var e flowforge.Endpoint
		require.NoError(t, e.UnmarshalText([]byte(text)))
		require.Equal(t, want, e)
		require.Equal(t, text, e.String())
	}
}

func TestWhatIsNoEndpoint(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", ".", "fetch.", ".out"} {
		e := flowforge.Endpoint{Node: "before"}
		require.ErrorContains(t, e.UnmarshalText([]byte(text)), `write "node" or "node.port"`, text)
		require.Equal(t, flowforge.Endpoint{Node: "before"}, e)
	}
}

func TestEndpointSurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := endpoints().Draw(t, "endpoint")
		text, err := e.MarshalText()
		require.NoError(t, err)
		var read flowforge.Endpoint
		require.NoError(t, read.UnmarshalText(text))
		require.Equal(t, e, read)
	})
}
