package token_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
)

func TestOpaqueTokensAreRandom(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		opaque, hash, err := token.NewOpaque(rand.Reader)
		require.NoError(t, err)
		require.Len(t, opaque, 43)
		require.Len(t, hash, 32)
		require.Equal(t, hash, token.Hash(opaque))
		require.False(t, seen[opaque])
		seen[opaque] = true
	}
	_, _, err := token.NewOpaque(iotest.ErrReader(errors.New("no chance")))
	require.ErrorContains(t, err, "no chance")
}

func TestAPIKeysAreTakenApart(t *testing.T) {
	t.Parallel()
	id, secret, whole, err := token.NewAPIKey(rand.Reader)
	require.NoError(t, err)
	require.Regexp(t, `^ff_live_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$`, whole)
	require.True(t, token.LooksLikeAPIKey(whole))
	gotID, gotSecret, err := token.ParseAPIKey(whole)
	require.NoError(t, err)
	require.Equal(t, id, gotID)
	require.Equal(t, secret, gotSecret)

	pepper := []byte(strings.Repeat("p", 32))
	hash := token.HashAPIKey(pepper, id, secret)
	require.Equal(t, hash, token.HashAPIKey(pepper, id, secret))
	require.NotEqual(t, hash, token.HashAPIKey([]byte(strings.Repeat("q", 32)), id, secret))
	require.NotEqual(t, hash, token.HashAPIKey(pepper, id+"x", secret))

	swapped := []byte(whole)
	swapped[30], swapped[31] = swapped[31]^1, swapped[30]
	for name, bad := range map[string]string{
		"empty": "", "prefix": "ff_live_", "cut off": whole[:len(whole)-1], "longer": whole + "0", "spaces": " " + whole[:len(whole)-1],
		"another prefix": "ff_test_" + whole[8:], "typing error": string(swapped), "no line": strings.Replace(whole, id2(id), id2(id)[:16]+"x", 1),
		"long": strings.Repeat("f", 1<<20),
	} {
		_, _, err := token.ParseAPIKey(bad)
		require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), name)
	}
	id, _, _, err = token.NewAPIKey(iotest.ErrReader(errors.New("no chance")))
	require.ErrorContains(t, err, "no chance")
	require.Empty(t, id)
}

func id2(id auth.KeyID) string { return string(id) + "_" }

func FuzzParseAPIKey(f *testing.F) {
	f.Add("ff_live_0123456789abcdef_")
	f.Fuzz(func(t *testing.T, whole string) {
		id, secret, err := token.ParseAPIKey(whole)
		if err != nil {
			require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err))
			return
		}
		require.True(t, strings.HasPrefix(whole, "ff_live_"+string(id)+"_"+secret))
	})
}
