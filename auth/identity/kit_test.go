package identity_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/password"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/store/memory"
)

const (
	good  = "seven green bicycles"
	other = "eight blue bicycles"
)

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

// post keeps what is mailed.
type post struct {
	mu   sync.Mutex
	sent []auth.Mail
}

func (p *post) Send(_ context.Context, mail auth.Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, mail)
	return nil
}

// A kit is a service with one admin, a clock, and what was mailed.
type kit struct {
	*testing.T
	*identity.Service

	stores auth.Stores
	post   *post
	at     time.Time
	admin  *auth.Principal // of the host
}

func newKit(t *testing.T) *kit {
	t.Helper()
	k := &kit{
		T: t, stores: memory.New(memory.Config{}), post: &post{}, at: time.Date(2026, 7, 8, 9, 10, 11, 0, time.UTC),
		admin: &auth.Principal{Kind: auth.KindHost, Name: "host", Admin: true},
	}
	k.Service = k.service(func(*identity.Config) {})
	return k
}

// service makes another service over the same stores, as another server has it.
func (k *kit) service(change func(cfg *identity.Config)) *identity.Service {
	k.Helper()
	cheap, err := password.New(password.Config{Memory: 64, Time: 1})
	require.NoError(k, err)
	now := func() time.Time { return k.at }
	cfg := identity.Config{
		Register: true, Workspaces: true, PublicURL: "https://flow.example", Mailer: k.post, Passwords: cheap, Now: now,
	}
	change(&cfg)
	s, err := identity.New(k.stores, token.New(k.stores, plain{}, token.Config{Now: now}), plain{}, []byte(strings.Repeat("p", 32)), cfg)
	require.NoError(k, err)
	return s
}

func (k *kit) code(code flowforge.Code, err error) {
	k.Helper()
	require.Error(k, err)
	require.Equal(k, code, flowforge.CodeOf(err), err.Error())
}

// mailed gives the token of the latest mail of a kind to an address.
func (k *kit) mailed(kind auth.MailKind, to string) string {
	k.Helper()
	k.Close()
	k.post.mu.Lock()
	defer k.post.mu.Unlock()
	for _, mail := range slices.Backward(k.post.sent) {
		if mail.Kind == kind && mail.To == to {
			_, opaque, _ := strings.Cut(mail.Link, "#")
			return opaque
		}
	}
	require.Failf(k, "no mail", "%s to %s", kind, to)
	return ""
}

// person makes a user, and signs them in.
func (k *kit) person(name string) (*auth.Principal, identity.Tokens) {
	k.Helper()
	_, err := k.CreateUser(k.Context(), k.admin, identity.NewUser{Email: name + "@example.com", Name: name, Password: good}, false)
	require.NoError(k, err)
	tokens := k.signIn(name, good)
	return k.who(tokens.Access), tokens
}

func (k *kit) signIn(name, with string) identity.Tokens {
	k.Helper()
	tokens, err := k.SignIn(k.Context(), identity.SignIn{Email: name + "@example.com", Password: with})
	require.NoError(k, err)
	return tokens
}

func (k *kit) who(credential string) *auth.Principal {
	k.Helper()
	p, err := k.Authenticate(k.Context(), credential)
	require.NoError(k, err)
	return p
}

func (k *kit) nobody(credential string) {
	k.Helper()
	_, err := k.Authenticate(k.Context(), credential)
	k.code(auth.CodeUnauthenticated, err)
}

// owner makes a person with a workspace, and gives them in it.
func (k *kit) owner(name string) *auth.Principal {
	k.Helper()
	p, _ := k.person(name)
	workspace, err := k.CreateWorkspace(k.Context(), p, name+"'s")
	require.NoError(k, err)
	return k.in(p, workspace.ID)
}

// in gives a person in a workspace.
func (k *kit) in(p *auth.Principal, workspace flowforge.Workspace) *auth.Principal {
	k.Helper()
	tokens, err := k.Enter(k.Context(), p, workspace)
	require.NoError(k, err)
	return k.who(tokens.Access)
}

// member makes a person who is a member of a principal's workspace, and gives them in it.
func (k *kit) member(p *auth.Principal, name string, role auth.Role) *auth.Principal {
	k.Helper()
	user, _ := k.person(name)
	require.NoError(k, k.stores.AddMember(k.Context(), auth.Member{Workspace: p.Workspace, User: user.User, Role: role, AddedAt: k.at}))
	return k.in(user, p.Workspace)
}

// actions are those that an audit log tells of, which must be whole.
func (k *kit) actions(workspace flowforge.Workspace) []string {
	k.Helper()
	_, err := k.VerifyAudit(k.Context(), workspace)
	require.NoError(k, err)
	entries, err := k.stores.ListAudit(k.Context(), workspace, 0, 1_000)
	require.NoError(k, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Action)
	}
	return all
}
