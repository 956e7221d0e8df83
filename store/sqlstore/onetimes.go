package sqlstore

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	insertOneTime = `{with hash:bytea purpose:text person:text data:text created:bigint expires:bigint}
		INSERT INTO one_times (hash, purpose, user_id, data, created_at, expires_at)
		SELECT hash, purpose, person, data, created, expires FROM s`
	takeOneTime = `{with purpose:text hash:bytea at:bigint}
		UPDATE one_times AS r SET taken_at = s.at FROM s
		WHERE r.hash = s.hash AND r.purpose = s.purpose AND r.taken_at IS NULL AND r.expires_at > s.at
		RETURNING {r}user_id, {r}data, {r}created_at, {r}expires_at`
	dropOneTimes = `{with purpose:text person:text}
		DELETE FROM one_times WHERE (purpose, user_id) IN (SELECT purpose, person FROM s)`
)

// PutOneTime keeps a one-time thing.
func (s *Store) PutOneTime(ctx context.Context, thing auth.OneTime, entries ...auth.Entry) error {
	return s.change(ctx, changing{
		op: "keep a one-time token", session: s.identity, entries: entries,
		calls: []*call{exec(insertOneTime, [][]any{{
			thing.Hash, string(thing.Purpose), string(thing.User), thing.Data, micros(thing.CreatedAt), micros(thing.ExpiresAt),
		}})},
	})
}

// TakeOneTime uses a one-time thing up.
func (s *Store) TakeOneTime(
	ctx context.Context, purpose auth.Purpose, hash []byte, now time.Time,
) (auth.OneTime, error) {
	taken := query(takeOneTime, [][]any{{string(purpose), hash, micros(now)}})
	err := s.change(ctx, changing{
		op: "use a one-time token", session: s.identity, calls: []*call{taken},
		judge: present(taken, func() error {
			return flowforge.Errorf(flowforge.CodeNotFound, "there is no such token, or it was used, or is over")
		}),
	})
	if err != nil {
		return auth.OneTime{}, err
	}
	r := &taken.out[0]
	thing := auth.OneTime{
		Hash: hash, Purpose: purpose, User: auth.UserID(r.text()), Data: r.text(), CreatedAt: r.time(), ExpiresAt: r.time(),
	}
	return thing, s.failure(ctx, "use a one-time token", r.err)
}

// DropOneTimes makes all of a purpose and a user useless.
func (s *Store) DropOneTimes(ctx context.Context, purpose auth.Purpose, user auth.UserID) error {
	return s.change(ctx, changing{
		op: "drop one-time tokens", session: s.identity,
		calls: []*call{exec(dropOneTimes, [][]any{{string(purpose), string(user)}})},
	})
}
