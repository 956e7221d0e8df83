package identity

import (
	"context"
	"crypto/hmac"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
)

// Authenticate gives who an access token or an API key stands for, with what they may do just now. What is revoked here is
// refused at once, and what is revoked by another server within 5 seconds (S13). Whatever proves nothing is
// auth.CodeUnauthenticated.
func (s *Service) Authenticate(ctx context.Context, credential string) (*auth.Principal, error) {
	if token.LooksLikeAPIKey(credential) {
		return s.byKey(ctx, credential)
	}
	claims, err := s.tokens.Verify(ctx, credential)
	if err != nil {
		return nil, err
	}
	return s.bySession(ctx, claims)
}

// Ticket gives a token that stands for a principal's session once, within 30 seconds, for a WebSocket (S28).
func (s *Service) Ticket(ctx context.Context, p *auth.Principal) (string, error) {
	if _, err := s.person(ctx, p); err != nil {
		return "", err
	}
	const length = 30 * time.Second
	opaque, _, err := s.oneTime(ctx, auth.PurposeSocket, p.User, string(p.Session)+" "+string(p.Workspace), length)
	return opaque, err
}

// UseTicket gives whom a ticket stands for, as Authenticate does for an access token.
func (s *Service) UseTicket(ctx context.Context, opaque string) (*auth.Principal, error) {
	thing, err := s.stores.TakeOneTime(ctx, auth.PurposeSocket, token.Hash(opaque), s.now())
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "the ticket is not valid: ask for another")
	}
	if err != nil {
		return nil, err
	}
	session, workspace, _ := strings.Cut(thing.Data, " ")
	user, err := s.stores.User(ctx, thing.User)
	if err != nil {
		return nil, err
	}
	return s.bySession(ctx, token.Claims{
		User: thing.User, Session: auth.SessionID(session), Workspace: flowforge.Workspace(workspace), Version: user.TokenVersion,
	})
}

// standing is what is known of a session or a key, for a few seconds.
type standing struct {
	user    auth.User
	member  auth.Member // zero: none, or of a closed workspace
	session auth.Session
	key     auth.APIKey
	power   auth.Permissions // of a key's maker
}

func (s *Service) bySession(ctx context.Context, claims token.Claims) (*auth.Principal, error) {
	known, err := s.recent.get(s.now(), "s "+string(claims.Session)+" "+string(claims.Workspace), func() (standing, error) {
		return s.sessionStanding(ctx, claims)
	})
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound:
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "the session is over: sign in again")
	case err != nil:
		return nil, err
	case known.session.User != claims.User || !known.session.Live(s.now()) || known.user.Disabled ||
		known.user.TokenVersion != claims.Version:
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "the session is over: sign in again")
	case claims.Workspace != "" && known.member.User != claims.User:
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "you are no member of this workspace any more: refresh your tokens")
	}
	return &auth.Principal{
		Kind: auth.KindUser, User: claims.User, Name: known.user.Name, Workspace: claims.Workspace, Role: known.member.Role,
		Permissions: known.member.Role.Permissions(), Admin: known.user.Admin, Session: claims.Session,
	}, nil
}

func (s *Service) sessionStanding(ctx context.Context, claims token.Claims) (standing, error) {
	session, err := s.stores.Session(ctx, claims.Session)
	if err != nil {
		return standing{}, err
	}
	user, err := s.stores.User(ctx, session.User)
	if err != nil {
		return standing{}, err
	}
	member, err := s.member(ctx, claims.Workspace, session.User)
	return standing{user: user, session: session, member: member}, err
}

func (s *Service) member(ctx context.Context, workspace flowforge.Workspace, user auth.UserID) (auth.Member, error) {
	return memberOf(ctx, s.stores, workspace, user)
}

// memberOf finds a member of an open workspace; the zero Member is none.
func memberOf(
	ctx context.Context, stores auth.Stores, workspace flowforge.Workspace, user auth.UserID,
) (auth.Member, error) {
	if workspace == "" {
		return auth.Member{}, nil
	}
	is, err := stores.Workspace(ctx, workspace)
	if err == nil && is.ClosedAt.IsZero() {
		var member auth.Member
		if member, err = stores.Member(ctx, workspace, user); err == nil {
			return member, nil
		}
	}
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		err = nil
	}
	return auth.Member{}, err
}

// seldom is how often at the most the use of a key is noted.
const seldom = time.Minute

func (s *Service) byKey(ctx context.Context, whole string) (*auth.Principal, error) {
	id, secret, err := token.ParseAPIKey(whole)
	if err != nil {
		return nil, err
	}
	known, err := s.recent.get(s.now(), "k "+string(id), func() (standing, error) { return s.keyStanding(ctx, id) })
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound:
		return nil, noKey()
	case err != nil:
		return nil, err
	}
	key, power := known.key, known.key.Scopes.Within(known.member.Role.Permissions()).Within(known.power)
	right := hmac.Equal(key.Hash, token.HashAPIKey(s.pepper, id, secret))
	if !right || !key.Live(s.now()) || known.user.Disabled || len(power) == 0 {
		return nil, noKey()
	}
	kind := auth.KindKey
	if known.user.Kind == auth.Service {
		kind = auth.KindService
	}
	return &auth.Principal{
		Kind: kind, User: key.User, Name: known.user.Name, Workspace: key.Workspace, Permissions: power, Key: key.ID,
	}, nil
}

func noKey() error {
	return flowforge.Errorf(auth.CodeUnauthenticated, "the API key is not valid: it is wrong, over, revoked or without power")
}

func (s *Service) keyStanding(ctx context.Context, id auth.KeyID) (standing, error) {
	key, err := s.stores.APIKey(ctx, id)
	if err != nil {
		return standing{}, err
	}
	user, err := s.stores.User(ctx, key.User)
	if err != nil {
		return standing{}, err
	}
	member, err := s.member(ctx, key.Workspace, key.User)
	if err != nil {
		return standing{}, err
	}
	power := member.Role.Permissions()
	if key.CreatedBy != "" { // else the installation itself made it
		if power, err = s.power(ctx, key.Workspace, key.CreatedBy); err != nil { // S14
			return standing{}, err
		}
	}
	if now := s.now(); key.Live(now) && now.Sub(key.UsedAt) >= seldom {
		if err := s.stores.TouchAPIKey(ctx, id, now); err != nil {
			return standing{}, err
		}
	}
	return standing{user: user, member: member, key: key, power: power}, nil
}
