package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/redact"
	"github.com/flowforge-go/flowforge/nodes"
)

// secret has what every encoding writes in another way.
const secret = "c4nary/+ä?\"<&>=\\\n~ token"

func set(fields map[string]string) *redact.Set {
	s := new(redact.Set)
	credential := nodes.Credential{Fields: map[string]flowforge.Secret{}}
	for name, text := range fields {
		credential.Fields[name] = flowforge.NewSecret(text)
	}
	s.Add(credential)
	return s
}

// written gives all ways in which the secret may be found again.
func written(t *testing.T) map[string]string {
	t.Helper()
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	twice, err := json.Marshal(map[string]string{"token": secret})
	require.NoError(t, err)
	return map[string]string{
		"plain": secret, "in JSON": string(quoted), "an object in a text": string(twice), "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"lower percents": strings.ToLower(url.QueryEscape(secret)), "hex": hex.EncodeToString([]byte(secret)),
		"upper hex": strings.ToUpper(hex.EncodeToString([]byte(secret))), "base64": base64.StdEncoding.EncodeToString([]byte(secret)),
		"raw url base64": base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"basic":          "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+secret)),
		"basic, longer":  base64.StdEncoding.EncodeToString([]byte("grace:" + secret + ":more")),
	}
}

func TestSecretsAreFoundHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := set(map[string]string{"token": secret, "header": "X-Header", "pin": "1234", "number": "987654321", "url": "postgres://ada:p4ssw0rd@db/x"})
	for name, text := range written(t) {
		cleaned := s.Text("it was " + text + ", and more")
		require.Contains(t, cleaned, redact.Mark, name)
		require.NotContains(t, cleaned, text, name)
		require.True(t, strings.HasPrefix(cleaned, "it was ") && strings.HasSuffix(cleaned, ", and more"), name)
		value := flowforge.MustValue(map[string]any{"deep": []any{1, map[string]any{text: true}, text}, "other": "X-Header 1234"})
		whole := s.Value(value).String()
		require.NotContains(t, whole, "c4nary", name)
		require.Contains(t, whole, "X-Header 1234", name)
		ports := flowforge.Ports{{Port: "out", Value: value}, {Port: "more", Value: flowforge.MustValue("fine")}}
		require.NotEqual(t, value.String(), s.Ports(ports)[0].Value.String(), name)
		require.Equal(t, value, ports[0].Value, "what others hold stays")
	}
	require.JSONEq(t, `{"n":"[redacted]"}`, s.Value(flowforge.MustValue(map[string]any{"n": 987654321})).String())
	require.Equal(t, "connect to ada:[redacted]@db", s.Text("connect to ada:p4ssw0rd@db"))
	fine := flowforge.MustValue(map[string]any{"a": []any{1.5, nil, true, "text"}})
	require.True(t, fine.Same(s.Value(fine)), "it is not made anew")
	none := new(redact.Set)
	require.Equal(t, secret, none.Text(secret))
	require.True(t, fine.Same(none.Value(fine)))
}

func TestSecretsInStreams(t *testing.T) {
	t.Parallel()
	s := set(map[string]string{"token": secret})
	filler := strings.Repeat("0123456789", 7_000)
	for name, text := range written(t) {
		for _, shift := range []int{0, 1, 5, 32<<10 - 10, 32<<10 - 1, 64<<10 - 3} {
			whole := filler[:shift] + text + text + filler
			got, err := io.ReadAll(s.Reader(strings.NewReader(whole)))
			require.NoError(t, err)
			require.Equal(t, s.Text(whole), string(got), "%s at %d", name, shift)
		}
		short := "a" + text + "b"
		got, err := io.ReadAll(s.Reader(iotest.OneByteReader(strings.NewReader(short))))
		require.NoError(t, err)
		require.Equal(t, s.Text(short), string(got), name)
	}
	broken := errors.New("broken")
	got, err := io.ReadAll(s.Reader(io.MultiReader(strings.NewReader("fine "+secret[:12]), iotest.ErrReader(broken))))
	require.ErrorIs(t, err, broken)
	require.NotContains(t, string(got), "c4nary")
	plain := strings.NewReader("x")
	require.Equal(t, io.Reader(plain), new(redact.Set).Reader(plain))
}
