package memory

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// CreateSession keeps a session.
func (s *Store) CreateSession(ctx context.Context, session auth.Session, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		s.sessions[session.ID] = session
		return nil
	})
}

// Session finds a session.
func (s *Store) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Session{}, err
	}
	defer s.mu.Unlock()
	if session, found := s.sessions[id]; found {
		return session, nil
	}
	return auth.Session{}, missing("session")
}

// ListSessions gives the sessions of a user that can be used.
func (s *Store) ListSessions(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Session, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var live []auth.Session
	for _, session := range s.sessions {
		if session.User == user && session.Live(now) {
			live = append(live, session)
		}
	}
	slices.SortFunc(live, func(a, b auth.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return live, nil
}

// Rotate replaces the token of the session whose token it is.
func (s *Store) Rotate(ctx context.Context, rotation auth.Rotation) (auth.Session, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Session{}, err
	}
	defer s.mu.Unlock()
	if id, reused := s.spent[string(rotation.Old)]; reused {
		session := s.sessions[id]
		if session.RevokedAt.IsZero() {
			session.RevokedAt = rotation.Now
			s.sessions[id] = session
		}
		return session, flowforge.Errorf(auth.CodeReused, "this refresh token was used before: the session is over")
	}
	for id, session := range s.sessions {
		if bytes.Equal(session.Hash, rotation.Old) && session.Live(rotation.Now) {
			session.Hash, session.UsedAt, session.IdleUntil = rotation.New, rotation.Now, rotation.IdleUntil
			s.sessions[id] = session
			s.spent[string(rotation.Old)] = id
			return session, nil
		}
	}
	return auth.Session{}, flowforge.Errorf(auth.CodeUnauthenticated, "the refresh token is not valid: sign in again")
}

// RevokeSessions revokes sessions of a user.
func (s *Store) RevokeSessions(ctx context.Context, revoke auth.Revocation, entries ...auth.Entry) (int, error) {
	revoked := 0
	err := s.changeIdentity(ctx, entries, func() error {
		for id, session := range s.sessions {
			wanted := revoke.ID == "" || revoke.ID == id
			if wanted && session.User == revoke.User && id != revoke.Except && session.Live(revoke.Now) {
				session.RevokedAt = revoke.Now
				s.sessions[id] = session
				revoked++
			}
		}
		return nil
	})
	return revoked, err
}

// PutOneTime keeps a one-time thing.
func (s *Store) PutOneTime(ctx context.Context, thing auth.OneTime, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		s.oneTimes[string(thing.Hash)] = thing
		return nil
	})
}

// TakeOneTime uses a one-time thing up.
func (s *Store) TakeOneTime(
	ctx context.Context, purpose auth.Purpose, hash []byte, now time.Time,
) (auth.OneTime, error) {
	if err := s.enter(ctx); err != nil {
		return auth.OneTime{}, err
	}
	defer s.mu.Unlock()
	thing, found := s.oneTimes[string(hash)]
	if !found || thing.Purpose != purpose || !now.Before(thing.ExpiresAt) {
		return auth.OneTime{}, missing("token, or it was used, or is over")
	}
	delete(s.oneTimes, string(hash))
	return thing, nil
}

// DropOneTimes makes all of a purpose and a user useless.
func (s *Store) DropOneTimes(ctx context.Context, purpose auth.Purpose, user auth.UserID) error {
	return s.changeIdentity(ctx, nil, func() error {
		for hash, thing := range s.oneTimes {
			if thing.Purpose == purpose && thing.User == user {
				delete(s.oneTimes, hash)
			}
		}
		return nil
	})
}

// PruneIdentity forgets what has been over.
func (s *Store) PruneIdentity(ctx context.Context, before time.Time) error {
	return s.changeIdentity(ctx, nil, func() error {
		for id, session := range s.sessions {
			revoked := !session.RevokedAt.IsZero() && session.RevokedAt.Before(before)
			if revoked || session.IdleUntil.Before(before) || session.ExpiresAt.Before(before) {
				delete(s.sessions, id)
			}
		}
		for hash, id := range s.spent {
			if _, found := s.sessions[id]; !found {
				delete(s.spent, hash)
			}
		}
		for hash, thing := range s.oneTimes {
			if thing.ExpiresAt.Before(before) {
				delete(s.oneTimes, hash)
			}
		}
		for hash, invitation := range s.invitations {
			if invitation.ExpiresAt.Before(before) {
				delete(s.invitations, hash)
			}
		}
		return nil
	})
}
