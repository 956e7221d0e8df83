package token_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
)

// shelf keeps signing keys as the contract of auth.SigningKeys has it.
type shelf struct {
	mu  sync.Mutex
	set auth.KeySet
}

func (s *shelf) SigningKeys(context.Context) (auth.KeySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set, nil
}

func (s *shelf) SaveSigningKeys(_ context.Context, keys auth.KeySet, _ ...auth.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if keys.Revision != s.set.Revision {
		return flowforge.Errorf(flowforge.CodeConflict, "the keys have changed")
	}
	s.set = auth.KeySet{Revision: keys.Revision + 1, Keys: keys.Keys}
	return nil
}

// plain marks secrets instead of sealing them.
type plain struct{}

func (plain) Seal(_ context.Context, label string, secret []byte) ([]byte, error) {
	return append([]byte(label+":"), secret...), nil
}

func (plain) Open(_ context.Context, label string, sealed []byte) ([]byte, error) {
	secret, ok := bytes.CutPrefix(sealed, []byte(label+":"))
	if !ok {
		return nil, errors.New("sealed under another label")
	}
	return secret, nil
}

// clock stands still until it is told to go on.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)} }

func issuer(keys auth.SigningKeys, c *clock) *token.Issuer {
	return token.New(keys, plain{}, token.Config{Issuer: "https://flow.example", Audience: "api", Now: c.now})
}

var someone = token.Claims{User: "user", Session: "session", Workspace: "acme", Version: 7}

func signed(t *testing.T, i *token.Issuer) string {
	t.Helper()
	access, _, err := i.Sign(t.Context(), someone)
	require.NoError(t, err)
	return access
}

func refuses(t *testing.T, i *token.Issuer, access, why string) {
	t.Helper()
	_, err := i.Verify(t.Context(), access)
	require.Error(t, err)
	require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), err.Error())
	require.ErrorContains(t, err, why)
}
