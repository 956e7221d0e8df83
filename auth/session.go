package auth

import (
	"context"
	"time"
)

// A Session is what a person signed in to: a family of refresh tokens, of which one can be used at a time (S13).
type Session struct {
	ID        SessionID
	User      UserID
	Hash      []byte // SHA-256 of the refresh token that can be used
	Agent     string // what they signed in with, as it calls itself
	Address   string // where from
	CreatedAt time.Time
	UsedAt    time.Time // the latest rotation
	IdleUntil time.Time // when it is over unless it is used
	ExpiresAt time.Time // when it is over in any case
	RevokedAt time.Time // zero: it was not
}

// Live reports whether a session can be used at an instant.
func (s *Session) Live(now time.Time) bool {
	return s.RevokedAt.IsZero() && now.Before(s.IdleUntil) && now.Before(s.ExpiresAt)
}

// A Rotation replaces the refresh token of a session.
type Rotation struct {
	Old, New  []byte // hashes
	Now       time.Time
	IdleUntil time.Time // from now on
}

// Sessions keeps sessions.
type Sessions interface {
	CreateSession(ctx context.Context, session Session, entries ...Entry) error
	// Session finds a session, whether it can be used or not, or answers flowforge.CodeNotFound.
	Session(ctx context.Context, id SessionID) (Session, error)
	// ListSessions gives the sessions of a user that can be used at an instant, the newest first.
	ListSessions(ctx context.Context, user UserID, now time.Time) ([]Session, error)
	// Rotate replaces the token of the live session whose token it is, in one statement, so that of many who use it at
	// the same moment one succeeds. A token that was replaced before revokes its session, at Rotation.Now, and
	// answers CodeReused with the session; any other that no live session has, CodeUnauthenticated.
	Rotate(ctx context.Context, rotation Rotation) (Session, error)
	// RevokeSessions revokes a session of a user, or all of theirs but one: where id is "" all, or all but except.
	// It gives the number of those that could be used before.
	RevokeSessions(ctx context.Context, revoke Revocation, entries ...Entry) (int, error)
}

// A Revocation says which sessions of a user are revoked.
type Revocation struct {
	User   UserID
	ID     SessionID // "": all of the user's
	Except SessionID // but this one
	Now    time.Time
}

// A OneTime is something that can be used once: it lies with who can read an e-mail, or who has a browser's state.
// What is kept is the hash of its token, from which nobody finds the token again.
type OneTime struct {
	Hash      []byte // SHA-256 of the token
	Purpose   Purpose
	User      UserID // "": nobody yet
	Data      string // what the purpose needs, such as the e-mail that is to be verified
	CreatedAt time.Time
	ExpiresAt time.Time
}

// A Purpose says what a one-time thing is for; it can be used for nothing else.
type Purpose string

// The purposes.
const (
	PurposeVerify     Purpose = "verify_email"
	PurposeReset      Purpose = "reset_password"
	PurposeFirstAdmin Purpose = "first_admin"
	PurposeSignIn     Purpose = "sign_in"  // the state of a sign-in elsewhere, by OpenID Connect
	PurposeSocket     Purpose = "socket"   // the ticket that opens a WebSocket
	PurposeApproval   Purpose = "approval" // a link by which a person decides
)

// OneTimes keeps one-time things.
type OneTimes interface {
	PutOneTime(ctx context.Context, thing OneTime, entries ...Entry) error
	// TakeOneTime uses one up: one statement, so that of many who ask at the same moment one is given it (S15). One that
	// was used, is over, has another purpose or never was is flowforge.CodeNotFound: nobody learns which.
	TakeOneTime(ctx context.Context, purpose Purpose, hash []byte, now time.Time) (OneTime, error)
	// DropOneTimes makes all of a purpose and a user useless.
	DropOneTimes(ctx context.Context, purpose Purpose, user UserID) error
	// PruneIdentity forgets what has been over since before an instant: one-time things, invitations and sessions.
	PruneIdentity(ctx context.Context, before time.Time) error
}
