package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
)

const day = 24 * time.Hour

func TestARefreshTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	_, first := k.person("ada")
	second, err := k.Refresh(t.Context(), first.Refresh, "")
	require.NoError(t, err)
	require.Equal(t, first.Session, second.Session)
	k.who(second.Access)
	_, err = k.Refresh(t.Context(), first.Refresh, "")
	k.code(auth.CodeReused, err)
	k.nobody(second.Access)
	k.nobody(first.Access)
	_, err = k.Refresh(t.Context(), second.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
	require.Equal(t, "session.reuse", k.actions("")[2])
	_, err = k.Refresh(t.Context(), "", "")
	k.code(auth.CodeUnauthenticated, err)
}

func TestASessionIsOverInTheEnd(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	_, tokens := k.person("ada")
	idle := k.signIn("ada", good)
	begun := k.at
	for k.at.Sub(begun) < 24*day {
		k.at = k.at.Add(6 * day)
		var err error
		tokens, err = k.Refresh(t.Context(), tokens.Refresh, "")
		require.NoError(t, err)
	}
	_, err := k.Refresh(t.Context(), idle.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
	k.at = begun.Add(30 * day)
	_, err = k.Refresh(t.Context(), tokens.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
	require.NoError(t, k.Prune(t.Context()))
	_, err = k.stores.Session(t.Context(), idle.Session)
	k.code(flowforge.CodeNotFound, err)
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	ctx := auth.WithClient(t.Context(), auth.Client{Address: "192.0.2.7", Agent: "curl", Request: "r1"})
	p, mine := k.person("ada")
	eve, _ := k.person("eve")
	tokens, err := k.SignIn(ctx, identity.SignIn{Email: "ada@example.com", Password: good})
	require.NoError(t, err)
	k.at = k.at.Add(time.Second)
	third := k.signIn("ada", good)
	sessions, err := k.Sessions(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, sessions, 3)
	require.Equal(t, third.Session, sessions[0].ID)
	told, err := k.stores.Session(t.Context(), tokens.Session)
	require.NoError(t, err)
	require.Equal(t, "curl", told.Agent)
	require.Equal(t, "192.0.2.7", told.Address)

	k.who(tokens.Access)
	k.code(flowforge.CodeNotFound, k.RevokeSession(t.Context(), eve, tokens.Session))
	require.NoError(t, k.RevokeSession(t.Context(), p, tokens.Session))
	k.nobody(tokens.Access)
	require.NoError(t, k.RevokeOthers(t.Context(), p))
	k.nobody(third.Access)
	k.who(mine.Access)
	require.NoError(t, k.SignOut(t.Context(), p))
	k.nobody(mine.Access)
	_, err = k.Refresh(t.Context(), mine.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
}

func TestWhatAnotherServerRevokesIsRefusedSoon(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, tokens := k.person("ada")
	elsewhere := k.service(func(*identity.Config) {})
	_, err := elsewhere.Authenticate(t.Context(), tokens.Access)
	require.NoError(t, err)
	require.NoError(t, k.SignOut(t.Context(), p))
	k.at = k.at.Add(5 * time.Second)
	_, err = elsewhere.Authenticate(t.Context(), tokens.Access)
	k.code(auth.CodeUnauthenticated, err)
}

func TestWhoIsNobodyIsRefused(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	_, tokens := k.person("ada")
	k.nobody("")
	k.nobody("ff_live_")
	k.nobody(tokens.Refresh)
	k.nobody(tokens.Access + "x")
	k.at = k.at.Add(10 * time.Minute)
	k.nobody(tokens.Access)
	for name, err := range map[string]error{
		"me":      second(k.Me(t.Context(), nil)),
		"empty":   second(k.Me(t.Context(), &auth.Principal{})),
		"ticket":  second(k.Ticket(t.Context(), nil)),
		"members": second(k.Members(t.Context(), nil, "", 0)),
		"audit":   second(k.Audit(t.Context(), nil, 0, 0)),
	} {
		require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), name)
	}
}

func second[T any](_ T, err error) error { return err }

func TestATicketStandsForASessionOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p := k.owner("ada")
	opaque, err := k.Ticket(t.Context(), p)
	require.NoError(t, err)
	got, err := k.UseTicket(t.Context(), opaque)
	require.NoError(t, err)
	require.Equal(t, p, got)
	_, err = k.UseTicket(t.Context(), opaque)
	k.code(auth.CodeUnauthenticated, err)
	opaque, err = k.Ticket(t.Context(), p)
	require.NoError(t, err)
	k.at = k.at.Add(30 * time.Second)
	_, err = k.UseTicket(t.Context(), opaque)
	k.code(auth.CodeUnauthenticated, err)
	opaque, err = k.Ticket(t.Context(), p)
	require.NoError(t, err)
	require.NoError(t, k.SignOut(t.Context(), p))
	_, err = k.UseTicket(t.Context(), opaque)
	k.code(auth.CodeUnauthenticated, err)
}

func TestWhoSignsInElsewhereIsAUserHere(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, _ := k.person("ada")
	signIn := func(who auth.Elsewhere) (*auth.Principal, error) {
		tokens, err := k.SignInElsewhere(t.Context(), who, "")
		if err != nil {
			return nil, err
		}
		return k.who(tokens.Access), nil
	}
	who := auth.Elsewhere{Issuer: "https://id.example", Subject: "1", Email: "ADA@example.com", Name: "Ada L."}
	_, err := signIn(who)
	k.code(auth.CodeForbidden, err) // the address is not verified there
	who.Verified = true
	got, err := signIn(who)
	require.NoError(t, err)
	require.Equal(t, p.User, got.User)
	who.Email, who.Verified = "other@example.com", false
	got, err = signIn(who)
	require.NoError(t, err)
	require.Equal(t, p.User, got.User, "the account there is linked, whatever its address is now")

	fresh := auth.Elsewhere{Issuer: "https://id.example", Subject: "2", Email: "new@example.com", Verified: true, Name: "N\x00"}
	got, err = signIn(fresh)
	require.NoError(t, err)
	require.Equal(t, "new@example.com", got.Name)
	_, err = k.SignIn(t.Context(), identity.SignIn{Email: "new@example.com", Password: good})
	k.code(auth.CodeUnauthenticated, err)
	closed := k.service(func(cfg *identity.Config) { cfg.Register = false })
	_, err = closed.SignInElsewhere(t.Context(), auth.Elsewhere{Issuer: "i", Subject: "3", Email: "x@example.com", Verified: true}, "")
	k.code(auth.CodeForbidden, err)

	require.NoError(t, k.Register(t.Context(), identity.NewUser{Email: "eve@example.com", Name: "Eve", Password: good}))
	_, err = signIn(auth.Elsewhere{Issuer: "https://id.example", Subject: "4", Email: "eve@example.com", Verified: true})
	k.code(auth.CodeUnverified, err)
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, p.User, true))
	_, err = signIn(who)
	k.code(auth.CodeUnauthenticated, err)
}
