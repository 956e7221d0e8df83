package server

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/auth/password"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store/memory"
)

// FullConfig is a server with everything, over a store in memory; nobody runs its engine.
func FullConfig(tb testing.TB, now func() time.Time) Config {
	tb.Helper()
	stores := memory.New(memory.Config{})
	cheap, err := password.New(password.Config{Memory: 64, Time: 1})
	require.NoError(tb, err)
	key, _, err := vault.NewKey(rand.Reader)
	require.NoError(tb, err)
	sealed, err := vault.New(stores, key, vault.Config{})
	require.NoError(tb, err)
	issuer := token.New(stores, sealed, token.Config{Now: now})
	require.NoError(tb, issuer.Prepare(tb.Context()))
	people, err := identity.New(stores, issuer, sealed, []byte(strings.Repeat("p", 32)), identity.Config{
		Register: true, Workspaces: true, Passwords: cheap, Now: now,
	})
	require.NoError(tb, err)
	credentials := vault.NewCredentials(sealed, stores)
	e, err := engine.New(engine.Config{Store: stores, Credentials: credentials.Source(identity.NewGuard(stores, now).MayUse)})
	require.NoError(tb, err)
	return Config{
		Engine: e, Identity: people, Tokens: issuer, Credentials: credentials,
		SignIn: map[string]*oauth.Provider{},
	}
}
