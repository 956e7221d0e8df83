package flowforge_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// Whoever prints, logs or encodes a secret, alone or inside something, shows nothing of it.
func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2"
	secret := flowforge.NewSecret(hidden)
	require.Equal(t, hidden, secret.Reveal())

	type account struct {
		User     string
		Password flowforge.Secret
		inner    flowforge.Secret
	}
	holder := account{User: "u", Password: secret, inner: secret}
	for _, x := range []any{
		secret, &secret,
		[]flowforge.Secret{secret},
		map[string]flowforge.Secret{"k": secret},
		struct{ S flowforge.Secret }{secret},
		holder, &holder, fmt.Errorf("log in with %v", secret),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%T%v"} {
			text := fmt.Sprintf(verb, x)
			require.NotContains(t, text, hidden, "%T with %s", x, verb)
			require.NotContains(t, text, fmt.Sprintf("%x", hidden), "%T with %s", x, verb)
			require.NotContains(t, text, fmt.Sprintf("%X", hidden), "%T with %s", x, verb)
		}
		for _, log := range logs(x) {
			require.NotContains(t, log, hidden)
		}
		text, err := json.Marshal(x)
		require.NoError(t, err)
		require.NotContains(t, string(text), hidden)
		value, err := flowforge.ValueOf(x)
		require.NoError(t, err)
		require.NotContains(t, value.String(), hidden)
	}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "[redacted]", fmt.Sprintf(verb, secret), verb)
	}
	text, err := secret.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "[redacted]", string(text))
	frozen, err := flowforge.Freeze(map[string]any{"s": secret})
	require.NoError(t, err)
	require.Equal(t, `{"s":"[redacted]"}`, frozen.String()) //nolint:testifylint // and nothing else
	marked, err := xml.Marshal(secret)
	require.NoError(t, err)
	require.NotContains(t, string(marked), hidden)
}

func logs(x any) []string {
	var asText, asJSON bytes.Buffer
	slog.New(slog.NewTextHandler(&asText, nil)).Info("m", "x", x, slog.Group("g", slog.Any("x", x)))
	slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("m", "x", x, slog.Group("g", slog.Any("x", x)))
	return []string{asText.String(), asJSON.String()}
}
