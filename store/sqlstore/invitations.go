package sqlstore

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	invitationColumns = `i.workspace, i.id, i.email, i.role, i.invited_by, i.hash, i.created_at, i.expires_at`

	insertInvitation = `{with workspace:text id:text email:text role:text inviter:text hash:bytea created:bigint expires:bigint}
		INSERT INTO invitations (workspace, id, email, role, invited_by, hash, created_at, expires_at)
		SELECT workspace, id, email, role, inviter, hash, created, expires FROM s`
	listInvitations = `{with workspace:text now:bigint after:text most:bigint}
		SELECT ` + invitationColumns + ` FROM s JOIN invitations i ON i.workspace = s.workspace
		WHERE i.accepted_at IS NULL AND i.expires_at > s.now AND i.id > s.after ORDER BY i.id LIMIT (SELECT most FROM s)`
	deleteInvitation = `{with workspace:text id:text}
		DELETE FROM invitations WHERE (workspace, id) IN (SELECT workspace, id FROM s) AND accepted_at IS NULL RETURNING id`
	selectInvitation = `{with hash:bytea now:bigint}
		SELECT ` + invitationColumns + ` FROM s JOIN invitations i ON i.hash = s.hash
		WHERE i.accepted_at IS NULL AND i.expires_at > s.now`
	acceptInvitation = `{with hash:bytea now:bigint workspace:text}
		UPDATE invitations AS r SET accepted_at = s.now FROM s
		WHERE r.hash = s.hash AND r.workspace = s.workspace AND r.accepted_at IS NULL AND r.expires_at > s.now RETURNING {r}id`
)

func noInvitation() error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no such invitation, or it was used, or is over")
}

func (r *row) invitation() (auth.Invitation, error) {
	return auth.Invitation{
		Workspace: flowforge.Workspace(r.text()), ID: r.text(), Email: r.text(), Role: auth.Role(r.text()),
		InvitedBy: auth.UserID(r.text()), Hash: r.bytes(), CreatedAt: r.time(), ExpiresAt: r.time(),
	}, r.err
}

// CreateInvitation keeps an invitation.
func (s *Store) CreateInvitation(ctx context.Context, i auth.Invitation, entries ...auth.Entry) error {
	return s.change(ctx, changing{
		op: "invite", session: func() *session { return s.owned(i.Workspace) }, entries: entries,
		calls: []*call{exec(insertInvitation, [][]any{{
			string(i.Workspace), i.ID, i.Email, string(i.Role), string(i.InvitedBy), i.Hash, micros(i.CreatedAt), micros(i.ExpiresAt),
		}})},
	})
}

// ListInvitations gives those that are open.
func (s *Store) ListInvitations(
	ctx context.Context, workspace flowforge.Workspace, now time.Time, after string, limit int,
) ([]auth.Invitation, error) {
	found := query(listInvitations, [][]any{{string(workspace), micros(now), after, most(limit)}})
	if err := s.look(ctx, "list invitations", s.owned(workspace), found); err != nil {
		return nil, err
	}
	return read(found, (*row).invitation, func(err error) error { return s.failure(ctx, "list invitations", err) })
}

// DeleteInvitation withdraws an invitation.
func (s *Store) DeleteInvitation(
	ctx context.Context, workspace flowforge.Workspace, id string, entries ...auth.Entry,
) error {
	gone := query(deleteInvitation, [][]any{{string(workspace), id}})
	return s.change(ctx, changing{
		op: "withdraw an invitation", session: func() *session { return s.owned(workspace) }, calls: []*call{gone},
		entries: entries, judge: present(gone, noInvitation),
	})
}

// present judges a statement that gives a row where there is what it is about.
func present(done *call, missing func() error) func() error {
	return func() error {
		if len(done.out) == 0 {
			return missing()
		}
		return nil
	}
}

// InvitationByHash finds an open one.
func (s *Store) InvitationByHash(ctx context.Context, hash []byte, now time.Time) (auth.Invitation, error) {
	found := query(selectInvitation, [][]any{{hash, micros(now)}})
	if err := s.look(ctx, "read an invitation", s.identity(), found); err != nil {
		return auth.Invitation{}, err
	}
	if len(found.out) == 0 {
		return auth.Invitation{}, noInvitation()
	}
	invitation, err := found.out[0].invitation()
	return invitation, s.failure(ctx, "read an invitation", err)
}

// AcceptInvitation uses an open invitation up and adds the member.
func (s *Store) AcceptInvitation(
	ctx context.Context, hash []byte, now time.Time, member auth.Member, entries ...auth.Entry,
) error {
	taken := query(acceptInvitation, [][]any{{hash, micros(now), string(member.Workspace)}})
	made := query(insertMember, [][]any{memberRow(member)})
	return s.change(ctx, changing{
		op: "accept an invitation", session: s.identity, calls: []*call{taken, made}, entries: entries,
		judge: func() error {
			if len(taken.out) == 0 {
				return noInvitation()
			}
			return joined(made)()
		},
	})
}
