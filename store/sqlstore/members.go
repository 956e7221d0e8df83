package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	memberColumns = `m.workspace, m.user_id, m.role, m.added_at, u.kind, u.email, u.name, u.disabled`

	insertMember = `{with workspace:text person:text role:text added:bigint}
		INSERT INTO members (workspace, user_id, role, added_at) SELECT workspace, person, role, added FROM s WHERE true
		ON CONFLICT DO NOTHING RETURNING user_id`
	selectMember = `{with workspace:text person:text}
		SELECT ` + memberColumns + ` FROM s JOIN members m ON m.workspace = s.workspace AND m.user_id = s.person
		JOIN users u ON u.id = m.user_id`
	listMembers = `{with workspace:text after:text most:bigint}
		SELECT ` + memberColumns + ` FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.workspace = (SELECT workspace FROM s) AND m.user_id > (SELECT after FROM s)
		ORDER BY m.user_id LIMIT (SELECT most FROM s)`
	setRole = `{with workspace:text person:text role:text}
		UPDATE members AS r SET role = s.role FROM s WHERE r.workspace = s.workspace AND r.user_id = s.person
		RETURNING {r}user_id`
	deleteMember = `{with workspace:text person:text}
		DELETE FROM members WHERE (workspace, user_id) IN (SELECT workspace, person FROM s) RETURNING user_id`

	// Owners are locked before one is changed, so that two who leave at once see each other.
	lockOwners = `{with workspace:text}
		SELECT r.user_id FROM s JOIN members r ON r.workspace = s.workspace AND r.role = 'owner' ORDER BY r.user_id {lock}`
	countOwners = `{with workspace:text}
		SELECT count(*) FROM s JOIN members m ON m.workspace = s.workspace AND m.role = 'owner'`
)

func memberRow(m auth.Member) []any {
	return []any{string(m.Workspace), string(m.User), string(m.Role), micros(m.AddedAt)}
}

func noMember() error { return flowforge.Errorf(flowforge.CodeNotFound, "there is no such member") }

func (r *row) member() (auth.Member, error) {
	return auth.Member{
		Workspace: flowforge.Workspace(r.text()), User: auth.UserID(r.text()), Role: auth.Role(r.text()), AddedAt: r.time(),
		Kind: auth.UserKind(r.text()), Email: r.text(), Name: r.text(), Disabled: r.bool(),
	}, r.err
}

// Member finds a member.
func (s *Store) Member(ctx context.Context, workspace flowforge.Workspace, user auth.UserID) (auth.Member, error) {
	found := query(selectMember, [][]any{{string(workspace), string(user)}})
	if err := s.look(ctx, "read a member", s.owned(workspace), found); err != nil {
		return auth.Member{}, err
	}
	if len(found.out) == 0 {
		return auth.Member{}, noMember()
	}
	member, err := found.out[0].member()
	return member, s.failure(ctx, "read a member", err)
}

// ListMembers gives members in order of their users' IDs.
func (s *Store) ListMembers(
	ctx context.Context, workspace flowforge.Workspace, after auth.UserID, limit int,
) ([]auth.Member, error) {
	found := query(listMembers, [][]any{{string(workspace), string(after), most(limit)}})
	if err := s.look(ctx, "list members", s.owned(workspace), found); err != nil {
		return nil, err
	}
	return read(found, (*row).member, func(err error) error { return s.failure(ctx, "list members", err) })
}

// AddMember keeps a new member.
func (s *Store) AddMember(ctx context.Context, member auth.Member, entries ...auth.Entry) error {
	made := query(insertMember, [][]any{memberRow(member)})
	return s.change(ctx, changing{
		op: "add a member", session: func() *session { return s.owned(member.Workspace) }, calls: []*call{made},
		entries: entries, judge: joined(made),
	})
}

func joined(made *call) func() error {
	return func() error {
		if len(made.out) == 0 {
			return flowforge.Errorf(flowforge.CodeConflict, "they are a member already")
		}
		return nil
	}
}

// SetRole gives a member another role.
func (s *Store) SetRole(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID, role auth.Role, entries ...auth.Entry,
) error {
	done := query(setRole, [][]any{{string(workspace), string(user), string(role)}})
	return s.changeMember(ctx, workspace, done, entries)
}

// RemoveMember ends a membership.
func (s *Store) RemoveMember(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID, entries ...auth.Entry,
) error {
	return s.changeMember(ctx, workspace, query(deleteMember, [][]any{{string(workspace), string(user)}}), entries)
}

func (s *Store) changeMember(ctx context.Context, workspace flowforge.Workspace, done *call, entries []auth.Entry) error {
	before := query(lockOwners, [][]any{{string(workspace)}})
	after := query(countOwners, [][]any{{string(workspace)}})
	return s.change(ctx, changing{
		op: "change a member", session: func() *session { return s.owned(workspace) }, calls: []*call{before, done, after},
		entries: entries,
		judge: func() error {
			switch {
			case len(done.out) == 0:
				return noMember()
			case len(before.out) > 0 && after.out[0].int() == 0:
				return flowforge.Errorf(flowforge.CodeConflict, "this is the last owner: make someone else one first")
			}
			return nil
		},
	})
}
