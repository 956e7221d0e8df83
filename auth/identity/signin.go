package identity

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/store"
)

// A SignIn is what somebody proves with who they are.
type SignIn struct {
	Email     string
	Password  string
	Code      string              // of the second factor, or a recovery code; "": none was asked for yet
	Workspace flowforge.Workspace // "": the only one they are in, or none
}

// Tokens are what a session is used with. Both are secrets.
type Tokens struct {
	Access    string
	ExpiresAt time.Time // of the access token
	Refresh   string    // for Refresh, once
	Session   auth.SessionID
	User      auth.UserID
	Workspace flowforge.Workspace // "": none
}

func wrongSignIn() error {
	return flowforge.Errorf(auth.CodeUnauthenticated, "the e-mail address, the password or the code is wrong")
}

// SignIn begins a session. Who is not there, is disabled or has no password is refused after the same time and with the
// same words as who gave a wrong one. auth.CodeSecondFactor asks for a code, auth.CodeUnverified for the mail's link;
// both come only after the right password.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Tokens, error) {
	found, err := s.byEmail(ctx, in.Email)
	if err != nil {
		return Tokens{}, err
	}
	right, outdated, err := s.cfg.Passwords.Check(ctx, in.Password, found.Password)
	if err != nil {
		return Tokens{}, err
	}
	if !right {
		return Tokens{}, s.refuse(ctx, found)
	}
	if !found.Verified {
		return Tokens{}, flowforge.Errorf(auth.CodeUnverified, "open the link in the mail that was sent to you first")
	}
	hash := ""
	if outdated {
		if hash, err = s.cfg.Passwords.Hash(ctx, in.Password); err != nil {
			hash = "" // it was taken once; the old hash stays
		}
	}
	user, err := s.update(ctx, found.ID, func(user *auth.User) error {
		if user.Disabled || user.Password != found.Password {
			return wrongSignIn()
		}
		if hash != "" {
			user.Password = hash
		}
		user.SignedInAt = s.now()
		return s.secondFactor(ctx, user, in.Code)
	})
	switch flowforge.CodeOf(err) {
	case "":
	case auth.CodeUnauthenticated:
		return Tokens{}, s.refuse(ctx, found)
	default:
		return Tokens{}, err
	}
	return s.begin(ctx, user, in.Workspace)
}

// byEmail finds who may sign in with a password; anybody else is the zero User, whose password nobody has.
func (s *Service) byEmail(ctx context.Context, email string) (auth.User, error) {
	email, err := auth.NormalizeEmail(email)
	if err != nil {
		return auth.User{}, nil //nolint:nilerr // It is a wrong address like any other.
	}
	user, err := s.stores.UserByEmail(ctx, email)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound, err == nil && user.Disabled:
		return auth.User{}, nil
	}
	return user, err
}

// refuse notes a sign-in that failed.
func (s *Service) refuse(ctx context.Context, user auth.User) error {
	if err := s.stores.AppendAudit(ctx, s.entry(ctx, nil, "", "session.refuse", string(user.ID))); err != nil {
		return err
	}
	return wrongSignIn()
}

// begin makes a session and its first tokens.
func (s *Service) begin(ctx context.Context, user auth.User, workspace flowforge.Workspace) (Tokens, error) {
	workspace, err := s.choose(ctx, user.ID, workspace)
	if err != nil {
		return Tokens{}, err
	}
	refresh, hash, err := token.NewOpaque(s.cfg.Random)
	if err != nil {
		return Tokens{}, err
	}
	now, client := s.now(), auth.ClientOf(ctx)
	session := auth.Session{
		ID: auth.SessionID(store.NewID(now)), User: user.ID, Hash: hash, Agent: client.Agent, Address: client.Address,
		CreatedAt: now, UsedAt: now, IdleUntil: now.Add(sessionIdle), ExpiresAt: now.Add(sessionLength),
	}
	by := &auth.Principal{Kind: auth.KindUser, User: user.ID, Session: session.ID}
	if err := s.stores.CreateSession(ctx, session, s.entry(ctx, by, "", "session.begin", string(session.ID))); err != nil {
		return Tokens{}, err
	}
	return s.issue(ctx, user, session.ID, workspace, refresh)
}

// choose gives the workspace that tokens are for: the one that was asked for, or else the only one there is.
func (s *Service) choose(ctx context.Context, user auth.UserID, workspace flowforge.Workspace) (flowforge.Workspace, error) {
	mine, err := s.stores.WorkspacesOf(ctx, user)
	if err != nil {
		return "", err
	}
	if workspace == "" && len(mine) == 1 {
		return mine[0].ID, nil
	}
	for _, membership := range mine {
		if membership.ID == workspace {
			return workspace, nil
		}
	}
	if workspace == "" {
		return "", nil
	}
	return "", flowforge.Errorf(flowforge.CodeNotFound, "there is no such workspace")
}

func (s *Service) issue(
	ctx context.Context, user auth.User, session auth.SessionID, workspace flowforge.Workspace, refresh string,
) (Tokens, error) {
	access, claims, err := s.tokens.Sign(ctx, token.Claims{
		User: user.ID, Session: session, Workspace: workspace, Version: user.TokenVersion,
	})
	return Tokens{
		Access: access, ExpiresAt: claims.ExpiresAt, Refresh: refresh, Session: session, User: user.ID, Workspace: workspace,
	}, err
}

// Refresh gives new tokens for a refresh token, which can be used once: using it again ends its session, since one of
// two who have it is a thief (S13). The tokens are for no workspace where the one that was asked for is not theirs.
func (s *Service) Refresh(ctx context.Context, refresh string, workspace flowforge.Workspace) (Tokens, error) {
	next, hash, err := token.NewOpaque(s.cfg.Random)
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	session, err := s.stores.Rotate(ctx, auth.Rotation{
		Old: token.Hash(refresh), New: hash, Now: now, IdleUntil: now.Add(sessionIdle),
	})
	if flowforge.CodeOf(err) == auth.CodeReused {
		s.recent.forget()
		told := s.stores.AppendAudit(ctx, s.entry(ctx, nil, "", "session.reuse", string(session.ID), "user", string(session.User)))
		if told != nil {
			return Tokens{}, told
		}
	}
	if err != nil {
		return Tokens{}, err
	}
	user, err := s.stores.User(ctx, session.User)
	if err != nil {
		return Tokens{}, err
	}
	if user.Disabled {
		return Tokens{}, flowforge.Errorf(auth.CodeUnauthenticated, "the account is disabled")
	}
	workspace, err = s.choose(ctx, user.ID, workspace)
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		workspace, err = "", nil // the old token is spent: who was put out of a workspace goes on without one
	}
	if err != nil {
		return Tokens{}, err
	}
	return s.issue(ctx, user, session.ID, workspace, next)
}

// Enter gives an access token of the same session for another workspace, without a new refresh token.
func (s *Service) Enter(ctx context.Context, p *auth.Principal, workspace flowforge.Workspace) (Tokens, error) {
	user, err := s.person(ctx, p)
	if err != nil {
		return Tokens{}, err
	}
	if workspace, err = s.choose(ctx, user.ID, workspace); err != nil {
		return Tokens{}, err
	}
	return s.issue(ctx, user, p.Session, workspace, "")
}

// Sessions gives the sessions of a person that can be used, the newest first.
func (s *Service) Sessions(ctx context.Context, p *auth.Principal) ([]auth.Session, error) {
	user, err := s.person(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.stores.ListSessions(ctx, user.ID, s.now())
}

// SignOut ends the session of a principal.
func (s *Service) SignOut(ctx context.Context, p *auth.Principal) error {
	if _, err := s.person(ctx, p); err != nil {
		return err
	}
	return s.RevokeSession(ctx, p, p.Session)
}

// RevokeSession ends one of a person's sessions, or answers flowforge.CodeNotFound.
func (s *Service) RevokeSession(ctx context.Context, p *auth.Principal, id auth.SessionID) error {
	user, err := s.person(ctx, p)
	if err != nil {
		return err
	}
	session, err := s.stores.Session(ctx, id)
	if err != nil {
		return err
	}
	if session.User != user.ID {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no such session")
	}
	return s.revoke(ctx, auth.Revocation{User: user.ID, ID: id}, s.entry(ctx, p, "", "session.revoke", string(id)))
}

// RevokeOthers ends all of a person's sessions but the present one.
func (s *Service) RevokeOthers(ctx context.Context, p *auth.Principal) error {
	user, err := s.person(ctx, p)
	if err != nil {
		return err
	}
	return s.revoke(ctx, auth.Revocation{User: user.ID, Except: p.Session}, s.entry(ctx, p, "", "session.revoke_others", string(user.ID)))
}

func (s *Service) revoke(ctx context.Context, revocation auth.Revocation, entries ...auth.Entry) error {
	revocation.Now = s.now()
	_, err := s.stores.RevokeSessions(ctx, revocation, entries...)
	s.recent.forget()
	return err
}
