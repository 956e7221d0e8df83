package password_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/password"
)

const good = "seven green bicycles"

func hasher(t *testing.T, cfg password.Config) *password.Hasher {
	t.Helper()
	h, err := password.New(cfg)
	require.NoError(t, err)
	return h
}

func TestAPasswordIsChecked(t *testing.T) {
	t.Parallel()
	h := hasher(t, password.Config{})
	hash, err := h.Hash(t.Context(), good)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	again, err := h.Hash(t.Context(), good)
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "the salt is random")

	for name, test := range map[string]struct {
		password, hash string
		want           bool
	}{
		"right":               {good, hash, true},
		"wrong":               {good + "s", hash, false},
		"empty":               {"", hash, false},
		"of nobody":           {good, "", false},
		"that nobody has":     {"nobody's", "", false},
		"longer than allowed": {strings.Repeat("x", 1<<20), hash, false},
	} {
		right, outdated, err := h.Check(t.Context(), test.password, test.hash)
		require.NoError(t, err, name)
		require.Equal(t, test.want, right, name)
		require.False(t, outdated, name)
	}
	_, _, err = h.Check(t.Context(), good, "no hash")
	require.Error(t, err)
}

func TestACheapHashIsOutdated(t *testing.T) {
	t.Parallel()
	cheap := hasher(t, password.Config{Memory: 8_192, Time: 1})
	hash, err := cheap.Hash(t.Context(), good)
	require.NoError(t, err)
	right, outdated, err := hasher(t, password.Config{}).Check(t.Context(), good, hash)
	require.NoError(t, err)
	require.True(t, right)
	require.True(t, outdated)
}

func TestWhoHasWaitedLongEnoughLeaves(t *testing.T) {
	t.Parallel()
	h := hasher(t, password.Config{Memory: 64, Time: 1, AtOnce: 1})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var refused int
	for range 64 { // select takes either way where both are open
		if _, err := h.Hash(gone, good); err != nil {
			require.ErrorIs(t, err, context.Canceled)
			refused++
		}
	}
	require.Positive(t, refused)
	_, err := h.Hash(t.Context(), good)
	require.NoError(t, err, "a turn was not given back")
}

func TestPasswordsThatAreGuessedAreRefused(t *testing.T) {
	t.Parallel()
	for _, accepted := range []string{good, "Tr0ub4dor&3-and-more", "пароль из слов", "correct horse battery", strings.Repeat("äöüé", 32)[:64]} {
		require.NoError(t, password.Acceptable(accepted, "ada@example.com", "Ada"), accepted)
	}
	for name, bad := range map[string]string{
		"short": "elevenchars", "empty": "", "long": strings.Repeat("long words ", 12), "not UTF-8": "twelve chars\xff",
		"common": "passwordpassword", "common and digits": "Password12345678", "letters as digits": "P4ssw0rd!!!!!", "counts": "123456789012",
		"one letter": "aaaaaaaaaaaaaaaa", "two": "abababababab", "a year": "202520252025", "the keyboard": "qwertyuiopasdf",
		"backwards": "987654321098", "the address": "ada.lovelace@example.com", "its first part": "ada.lovelace",
		"ours": "Flowforge2026", "between signs": "!!!!admin!!!!", "hello": "Hello-World-2026",
	} {
		err := password.Acceptable(bad, "ada.lovelace@example.com", "Ada Lovelace")
		require.Equal(t, auth.CodeWeakPassword, flowforge.CodeOf(err), name)
		if bad != "" {
			require.NotContains(t, err.Error(), bad, name)
		}
	}
	_, err := hasher(t, password.Config{Memory: 64, Time: 1}).Hash(t.Context(), "password1234")
	require.Equal(t, auth.CodeWeakPassword, flowforge.CodeOf(err))
}
