package authtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// session makes one of ada.
func (k *kit) session(id auth.SessionID) auth.Session {
	k.Helper()
	session := auth.Session{
		ID: id, User: ada, Hash: []byte("token 0 of " + id), Agent: "agent", Address: "192.0.2.1", CreatedAt: now(), UsedAt: now(),
		IdleUntil: now().Add(time.Hour), ExpiresAt: now().Add(24 * time.Hour),
	}
	require.NoError(k, k.CreateSession(k.ctx, session, entry("", "session.create")))
	return session
}

func sessionCases() []testCase {
	return []testCase{
		{"a session is read as it was kept", func(k *kit) {
			k.user(ada)
			want := k.session("s")
			got, err := k.Session(k.ctx, "s")
			require.NoError(k, err)
			require.Equal(k, want, got)
			_, err = k.Session(k.ctx, "t")
			k.code(flowforge.CodeNotFound, err)
			k.told("", "session.create")
		}},
		{"the live ones of a user are listed, the newest first", func(k *kit) {
			k.user(ada)
			k.session("s")
			younger := auth.Session{
				ID: "t", User: ada, Hash: []byte("t"), CreatedAt: now().Add(time.Minute), UsedAt: now(),
				IdleUntil: now().Add(time.Minute), ExpiresAt: now().Add(time.Hour),
			}
			require.NoError(k, k.CreateSession(k.ctx, younger))
			ids := func(user auth.UserID, at time.Time) (all []auth.SessionID) {
				sessions, err := k.ListSessions(k.ctx, user, at)
				require.NoError(k, err)
				for _, s := range sessions {
					all = append(all, s.ID)
				}
				return all
			}
			require.Equal(k, []auth.SessionID{"t", "s"}, ids(ada, now()))
			require.Equal(k, []auth.SessionID{"s"}, ids(ada, now().Add(time.Minute)))
			require.Empty(k, ids(ada, now().Add(time.Hour)))
			require.Empty(k, ids(grace, now()))
		}},
		{"one is revoked, all are, or all but one", func(k *kit) {
			k.user(ada)
			for _, id := range []auth.SessionID{"a", "b", "c", "d"} {
				k.session(id)
			}
			revoke := func(r auth.Revocation, want int) {
				k.Helper()
				r.Now = now()
				n, err := k.RevokeSessions(k.ctx, r)
				require.NoError(k, err)
				require.Equal(k, want, n)
			}
			revoke(auth.Revocation{User: grace, ID: "a"}, 0)
			revoke(auth.Revocation{User: grace}, 0)
			revoke(auth.Revocation{User: ada, ID: "a"}, 1)
			revoke(auth.Revocation{User: ada, ID: "a"}, 0)
			revoke(auth.Revocation{User: ada, Except: "b"}, 2)
			live, err := k.ListSessions(k.ctx, ada, now())
			require.NoError(k, err)
			require.Len(k, live, 1)
			require.Equal(k, auth.SessionID("b"), live[0].ID)
			revoke(auth.Revocation{User: ada}, 1)
			gone, err := k.Session(k.ctx, "a")
			require.NoError(k, err)
			require.Equal(k, now(), gone.RevokedAt)
		}},
		{"what has been over is forgotten, and nothing else", func(k *kit) {
			k.workspace(acme, ada)
			k.session("old")
			_, err := k.RevokeSessions(k.ctx, auth.Revocation{User: ada, ID: "old", Now: now().Add(-time.Hour)})
			require.NoError(k, err)
			k.session("live")
			_, err = k.rotate("token 0 of live", "token 1 of live", now())
			require.NoError(k, err)
			k.oneTime("kept")
			require.NoError(k, k.CreateInvitation(k.ctx, invitation("kept")))
			require.NoError(k, k.PruneIdentity(k.ctx, now()))
			_, err = k.Session(k.ctx, "old")
			k.code(flowforge.CodeNotFound, err)
			_, err = k.Session(k.ctx, "live")
			require.NoError(k, err)
			_, err = k.InvitationByHash(k.ctx, []byte("hash of kept"), now())
			require.NoError(k, err)

			require.NoError(k, k.PruneIdentity(k.ctx, now().Add(48*time.Hour)))
			_, err = k.Session(k.ctx, "live")
			k.code(flowforge.CodeNotFound, err)
			_, err = k.TakeOneTime(k.ctx, auth.PurposeReset, []byte("kept"), now())
			k.code(flowforge.CodeNotFound, err)
			_, err = k.InvitationByHash(k.ctx, []byte("hash of kept"), now())
			k.code(flowforge.CodeNotFound, err)
		}},
	}
}

func (k *kit) rotate(was, next string, at time.Time) (auth.Session, error) {
	return k.Rotate(k.ctx, auth.Rotation{Old: []byte(was), New: []byte(next), Now: at, IdleUntil: at.Add(time.Hour)})
}

func rotationCases() []testCase {
	return []testCase{
		{"each token is used once, and the next one then", func(k *kit) {
			k.user(ada)
			want := k.session("s")
			for i := 1; i < 4; i++ {
				at := now().Add(time.Duration(i) * 50 * time.Minute) // beyond the first hour: each use prolongs
				got, err := k.rotate(fmt.Sprintf("token %d of s", i-1), fmt.Sprintf("token %d of s", i), at)
				require.NoError(k, err)
				want.Hash, want.UsedAt, want.IdleUntil = []byte(fmt.Sprintf("token %d of s", i)), at, at.Add(time.Hour)
				require.Equal(k, want, got)
			}
			got, err := k.Session(k.ctx, "s")
			require.NoError(k, err)
			require.Equal(k, want, got)
		}},
		{"one that was replaced revokes its session, and no other", func(k *kit) {
			k.user(ada)
			k.session("s")
			k.session("t")
			_, err := k.rotate("token 0 of s", "token 1 of s", now())
			require.NoError(k, err)
			_, err = k.rotate("token 1 of s", "token 2 of s", now())
			require.NoError(k, err)
			reused, err := k.rotate("token 0 of s", "token 3 of s", now().Add(time.Minute))
			k.code(auth.CodeReused, err)
			require.Equal(k, auth.SessionID("s"), reused.ID)
			require.Equal(k, now().Add(time.Minute), reused.RevokedAt)
			_, err = k.rotate("token 2 of s", "token 3 of s", now().Add(time.Minute))
			k.code(auth.CodeUnauthenticated, err)
			_, err = k.rotate("token 0 of s", "token 4 of s", now().Add(time.Hour))
			k.code(auth.CodeReused, err)
			got, err := k.Session(k.ctx, "s")
			require.NoError(k, err)
			require.Equal(k, now().Add(time.Minute), got.RevokedAt, "it was revoked when the token was used first")
			_, err = k.rotate("token 0 of t", "token 1 of t", now().Add(time.Minute))
			require.NoError(k, err)
		}},
		{"one that nobody has, or that is over, is refused and changes nothing", func(k *kit) {
			k.user(ada)
			want := k.session("s")
			_, err := k.rotate("invented", "next", now())
			k.code(auth.CodeUnauthenticated, err)
			_, err = k.rotate("token 0 of s", "token 1 of s", now().Add(time.Hour))
			k.code(auth.CodeUnauthenticated, err)
			got, err := k.Session(k.ctx, "s")
			require.NoError(k, err)
			require.Equal(k, want, got)
			short := auth.Session{
				ID: "t", User: ada, Hash: []byte("t"), CreatedAt: now(), UsedAt: now(), IdleUntil: now().Add(time.Hour), ExpiresAt: now().Add(time.Minute),
			}
			require.NoError(k, k.CreateSession(k.ctx, short))
			_, err = k.rotate("t", "u", now().Add(time.Minute))
			k.code(auth.CodeUnauthenticated, err)
		}},
		{"of many who use one at the same moment one gets the next, and the session is over", func(k *kit) {
			k.user(ada)
			k.session("s")
			outcomes := count(8, func(i int) error {
				_, err := k.rotate("token 0 of s", fmt.Sprintf("token of %d", i), now())
				return err
			})
			require.Equal(k, map[flowforge.Code]int{"": 1, auth.CodeReused: 7}, outcomes)
			got, err := k.Session(k.ctx, "s")
			require.NoError(k, err)
			require.False(k, got.RevokedAt.IsZero())
		}},
	}
}

// oneTime makes a one-time thing of ada, whose hash is its name.
func (k *kit) oneTime(name string) auth.OneTime {
	k.Helper()
	thing := auth.OneTime{
		Hash: []byte(name), Purpose: auth.PurposeReset, User: ada, Data: "data", CreatedAt: now(), ExpiresAt: now().Add(time.Hour),
	}
	require.NoError(k, k.PutOneTime(k.ctx, thing, entry("", "reset.ask")))
	return thing
}

func oneTimeCases() []testCase {
	take := func(k *kit, purpose auth.Purpose, name string, at time.Time) error {
		_, err := k.TakeOneTime(k.ctx, purpose, []byte(name), at)
		return err
	}
	return []testCase{
		{"one is taken once, however many try", func(k *kit) {
			want := k.oneTime("a")
			k.oneTime("b")
			got, err := k.TakeOneTime(k.ctx, auth.PurposeReset, []byte("a"), now())
			require.NoError(k, err)
			require.Equal(k, want, got)
			k.code(flowforge.CodeNotFound, take(k, auth.PurposeReset, "a", now()))
			outcomes := count(8, func(int) error { return take(k, auth.PurposeReset, "b", now()) })
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeNotFound: 7}, outcomes)
			k.told("", "reset.ask", "reset.ask")
		}},
		{"one of another purpose, over, or unknown is not found, and is not used up", func(k *kit) {
			k.oneTime("a")
			k.code(flowforge.CodeNotFound, take(k, auth.PurposeVerify, "a", now()))
			k.code(flowforge.CodeNotFound, take(k, auth.PurposeReset, "a", now().Add(time.Hour)))
			k.code(flowforge.CodeNotFound, take(k, auth.PurposeReset, "b", now()))
			require.NoError(k, take(k, auth.PurposeReset, "a", now()))
		}},
		{"all of a user and a purpose can be made useless", func(k *kit) {
			k.oneTime("a")
			k.oneTime("b")
			require.NoError(k, k.DropOneTimes(k.ctx, auth.PurposeVerify, ada))
			require.NoError(k, k.DropOneTimes(k.ctx, auth.PurposeReset, grace))
			require.NoError(k, take(k, auth.PurposeReset, "a", now()))
			require.NoError(k, k.DropOneTimes(k.ctx, auth.PurposeReset, ada))
			k.code(flowforge.CodeNotFound, take(k, auth.PurposeReset, "b", now()))
		}},
	}
}
