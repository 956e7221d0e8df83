package token_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth"
)

func states(keys *shelf) []auth.SigningKeyState {
	all := make([]auth.SigningKeyState, 0, len(keys.set.Keys))
	for _, k := range keys.set.Keys {
		all = append(all, k.State)
	}
	slices.Sort(all)
	return all
}

func TestKeysAreNextThenActiveThenRetiredThenGone(t *testing.T) {
	t.Parallel()
	c, keys := newClock(), &shelf{}
	i, other := issuer(keys, c), issuer(keys, c)
	first := signed(t, i)
	require.Equal(t, []auth.SigningKeyState{auth.KeyActive, auth.KeyNext}, states(keys))
	_, err := other.Verify(t.Context(), first)
	require.NoError(t, err)

	next := keys.set.Keys[slices.IndexFunc(keys.set.Keys, func(k auth.SigningKey) bool { return k.State == auth.KeyNext })].ID
	require.NoError(t, i.Rotate(t.Context()))
	require.Equal(t, []auth.SigningKeyState{auth.KeyActive, auth.KeyNext, auth.KeyRetired}, states(keys))
	for _, k := range keys.set.Keys {
		require.Equal(t, k.State == auth.KeyRetired, k.Private == nil, "a private key is kept only as long as it is needed")
		require.Equal(t, k.State == auth.KeyActive, k.ID == next)
	}
	_, err = i.Verify(t.Context(), first)
	require.NoError(t, err, "what was signed stays valid")
	second := signed(t, i)
	_, err = other.Verify(t.Context(), second)
	require.NoError(t, err, "who has not heard of the change knows the next key")
	stale := signed(t, other)
	_, err = i.Verify(t.Context(), stale)
	require.NoError(t, err, "who has not heard of the change may still sign")

	c.at = c.at.Add(2 * time.Hour)
	require.NoError(t, i.Rotate(t.Context()))
	require.Equal(t, []auth.SigningKeyState{auth.KeyActive, auth.KeyNext, auth.KeyRetired}, states(keys))
	refuses(t, i, first, "none of our keys")
}

func TestAKeyThatIsNewIsLookedFor(t *testing.T) {
	t.Parallel()
	c, keys := newClock(), &shelf{}
	i, other := issuer(keys, c), issuer(keys, c)
	require.NoError(t, other.Prepare(t.Context()))
	require.NoError(t, i.Rotate(t.Context()))
	require.NoError(t, i.Rotate(t.Context()))
	access := signed(t, i)
	refuses(t, other, access, "none of our keys")
	c.at = c.at.Add(6 * time.Second)
	_, err := other.Verify(t.Context(), access)
	require.NoError(t, err)
}

func TestAfterATheftAllKeysAreNew(t *testing.T) {
	t.Parallel()
	c, keys := newClock(), &shelf{}
	i, other := issuer(keys, c), issuer(keys, c)
	access := signed(t, i)
	_, err := other.Verify(t.Context(), access)
	require.NoError(t, err)
	require.NoError(t, i.Replace(t.Context()))
	refuses(t, i, access, "none of our keys")
	c.at = c.at.Add(time.Minute)
	refuses(t, other, access, "none of our keys")
	_, err = other.Verify(t.Context(), signed(t, i))
	require.NoError(t, err)
}

func TestServersThatBeginAtOnceAgreeOnAKey(t *testing.T) {
	t.Parallel()
	c, keys := newClock(), &shelf{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := issuer(keys, c).Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, []auth.SigningKeyState{auth.KeyActive, auth.KeyNext}, states(keys))
	require.Equal(t, int64(1), keys.set.Revision)
}

func TestPublicKeysArePublished(t *testing.T) {
	t.Parallel()
	i := issuer(&shelf{}, newClock())
	require.NoError(t, i.Prepare(t.Context()))
	text, err := i.JWKS(t.Context())
	require.NoError(t, err)
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(text, &set))
	require.Len(t, set.Keys, 2)
	for _, k := range set.Keys {
		require.Equal(t, "OKP", k["kty"])
		require.Equal(t, "Ed25519", k["crv"])
		require.Equal(t, "EdDSA", k["alg"])
		require.Equal(t, "sig", k["use"])
		require.NotEmpty(t, k["kid"])
		require.NotEmpty(t, k["x"])
		require.NotContains(t, k, "d", "a private key is published")
	}
}
