package sqlstore

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	sessionColumns = `n.id, n.user_id, n.hash, n.agent, n.address, n.created_at, n.used_at, n.idle_until, n.expires_at, n.revoked_at`

	insertSession = `{with id:text person:text hash:bytea agent:text address:text created:bigint used:bigint idle:bigint expires:bigint}
		INSERT INTO sessions (id, user_id, hash, agent, address, created_at, used_at, idle_until, expires_at)
		SELECT id, person, hash, agent, address, created, used, idle, expires FROM s`
	selectSession = `{with id:text} SELECT ` + sessionColumns + ` FROM s JOIN sessions n ON n.id = s.id`
	listSessions  = `{with person:text at:bigint}
		SELECT ` + sessionColumns + ` FROM s JOIN sessions n ON n.user_id = s.person
		WHERE n.revoked_at IS NULL AND n.idle_until > s.at AND n.expires_at > s.at ORDER BY n.created_at DESC, n.id DESC`

	// The update decides who of many that use a token was first; the others find it among the spent ones. The rotation's
	// own row there is told from others by the token that replaced it.
	rotateSession = `{with was:bytea next:bytea at:bigint idle:bigint}
		UPDATE sessions AS r SET hash = s.next, used_at = s.at, idle_until = s.idle FROM s
		WHERE r.hash = s.was AND r.revoked_at IS NULL AND r.idle_until > s.at AND r.expires_at > s.at`
	spendToken = `{with was:bytea next:bytea}
		INSERT INTO spent_tokens (hash, session, next) SELECT s.was, n.id, s.next FROM s JOIN sessions n ON n.hash = s.next
		WHERE true ON CONFLICT DO NOTHING`
	revokeReused = `{with was:bytea next:bytea at:bigint}
		UPDATE sessions AS r SET revoked_at = s.at FROM s, spent_tokens p
		WHERE p.hash = s.was AND p.next <> s.next AND r.id = p.session AND r.revoked_at IS NULL`
	reusedSession = `{with was:bytea next:bytea}
		SELECT ` + sessionColumns + ` FROM s JOIN spent_tokens p ON p.hash = s.was AND p.next <> s.next
		JOIN sessions n ON n.id = p.session`
	rotatedSession = `{with next:bytea} SELECT ` + sessionColumns + ` FROM s JOIN sessions n ON n.hash = s.next`

	revokeSessions = `{with person:text id:text ex:text at:bigint}
		UPDATE sessions AS r SET revoked_at = s.at FROM s
		WHERE r.user_id = s.person AND (s.id = '' OR r.id = s.id) AND r.id <> s.ex
			AND r.revoked_at IS NULL AND r.idle_until > s.at AND r.expires_at > s.at RETURNING {r}id`

	pruneSpent = `{with till:bigint} DELETE FROM spent_tokens WHERE session IN (SELECT n.id FROM sessions n, s
		WHERE n.idle_until < s.till OR n.expires_at < s.till OR n.revoked_at < s.till)`
	pruneSessions = `{with till:bigint} DELETE FROM sessions WHERE idle_until < (SELECT till FROM s)
		OR expires_at < (SELECT till FROM s) OR revoked_at < (SELECT till FROM s)`
	pruneOneTimes = `{with till:bigint} DELETE FROM one_times WHERE expires_at < (SELECT till FROM s)
		OR taken_at < (SELECT till FROM s)`
	pruneInvitations = `{with till:bigint} DELETE FROM invitations WHERE expires_at < (SELECT till FROM s)
		OR accepted_at < (SELECT till FROM s)`
)

func (r *row) session() (auth.Session, error) {
	return auth.Session{
		ID: auth.SessionID(r.text()), User: auth.UserID(r.text()), Hash: r.bytes(), Agent: r.text(), Address: r.text(),
		CreatedAt: r.time(), UsedAt: r.time(), IdleUntil: r.time(), ExpiresAt: r.time(), RevokedAt: r.time(),
	}, r.err
}

// CreateSession keeps a session.
func (s *Store) CreateSession(ctx context.Context, n auth.Session, entries ...auth.Entry) error {
	return s.change(ctx, changing{
		op: "create a session", session: s.identity, entries: entries,
		calls: []*call{exec(insertSession, [][]any{{
			string(n.ID), string(n.User), n.Hash, n.Agent, n.Address,
			micros(n.CreatedAt), micros(n.UsedAt), micros(n.IdleUntil), micros(n.ExpiresAt),
		}})},
	})
}

// Session finds a session.
func (s *Store) Session(ctx context.Context, id auth.SessionID) (auth.Session, error) {
	found := query(selectSession, [][]any{{string(id)}})
	if err := s.look(ctx, "read a session", s.identity(), found); err != nil {
		return auth.Session{}, err
	}
	if len(found.out) == 0 {
		return auth.Session{}, flowforge.Errorf(flowforge.CodeNotFound, "there is no such session")
	}
	session, err := found.out[0].session()
	return session, s.failure(ctx, "read a session", err)
}

// ListSessions gives the sessions of a user that can be used.
func (s *Store) ListSessions(ctx context.Context, user auth.UserID, now time.Time) ([]auth.Session, error) {
	found := query(listSessions, [][]any{{string(user), micros(now)}})
	if err := s.look(ctx, "list sessions", s.identity(), found); err != nil {
		return nil, err
	}
	return read(found, (*row).session, func(err error) error { return s.failure(ctx, "list sessions", err) })
}

// Rotate replaces the token of the session whose token it is.
func (s *Store) Rotate(ctx context.Context, rotation auth.Rotation) (auth.Session, error) {
	was, next, now := rotation.Old, rotation.New, micros(rotation.Now)
	reused := query(reusedSession, [][]any{{was, next}})
	rotated := query(rotatedSession, [][]any{{next}})
	err := s.change(ctx, changing{op: "refresh a session", session: s.identity, calls: []*call{
		exec(rotateSession, [][]any{{was, next, now, micros(rotation.IdleUntil)}}),
		exec(spendToken, [][]any{{was, next}}),
		exec(revokeReused, [][]any{{was, next, now}}),
		reused,
		rotated,
	}})
	switch {
	case err != nil:
		return auth.Session{}, err
	case len(reused.out) > 0:
		session, err := reused.out[0].session()
		if err != nil {
			return auth.Session{}, s.failure(ctx, "refresh a session", err)
		}
		return session, flowforge.Errorf(auth.CodeReused, "this refresh token was used before: the session is over")
	case len(rotated.out) == 0:
		return auth.Session{}, flowforge.Errorf(auth.CodeUnauthenticated, "the refresh token is not valid: sign in again")
	}
	session, err := rotated.out[0].session()
	return session, s.failure(ctx, "refresh a session", err)
}

// RevokeSessions revokes sessions of a user.
func (s *Store) RevokeSessions(ctx context.Context, revoke auth.Revocation, entries ...auth.Entry) (int, error) {
	done := query(revokeSessions, [][]any{{string(revoke.User), string(revoke.ID), string(revoke.Except), micros(revoke.Now)}})
	err := s.change(ctx, changing{op: "revoke sessions", session: s.identity, calls: []*call{done}, entries: entries})
	return len(done.out), err
}

// PruneIdentity forgets what has been over.
func (s *Store) PruneIdentity(ctx context.Context, before time.Time) error {
	till := [][]any{{micros(before)}}
	return s.change(ctx, changing{op: "forget what is over", session: s.identity, calls: []*call{
		exec(pruneSpent, till), exec(pruneSessions, till), exec(pruneOneTimes, till), exec(pruneInvitations, till),
	}})
}
