package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	insertWorkspace = `{with id:text name:text created:bigint}
		INSERT INTO workspaces (id, name, created_at, revision) SELECT id, name, created, 1 FROM s WHERE true
		ON CONFLICT DO NOTHING RETURNING id`
	selectWorkspace = `{with id:text}
		SELECT w.id, w.name, w.created_at, w.closed_at, w.revision FROM s JOIN workspaces w ON w.id = s.id`
	updateWorkspace = `{with id:text name:text closed:bigint revision:bigint}
		UPDATE workspaces AS r SET name = s.name, closed_at = s.closed, revision = r.revision + 1
		FROM s WHERE r.id = s.id AND r.revision = s.revision RETURNING {r}id`
	listWorkspaces = `{with after:text most:bigint}
		SELECT w.id, w.name, w.created_at, w.closed_at, w.revision FROM workspaces w WHERE w.id > (SELECT after FROM s)
		ORDER BY w.id LIMIT (SELECT most FROM s)`
	listMemberships = `{with person:text}
		SELECT w.id, w.name, w.created_at, w.closed_at, w.revision, m.role FROM s JOIN members m ON m.user_id = s.person
		JOIN workspaces w ON w.id = m.workspace WHERE w.closed_at IS NULL ORDER BY w.id`
)

// CreateWorkspace keeps a workspace and its first member.
func (s *Store) CreateWorkspace(
	ctx context.Context, workspace auth.Workspace, owner auth.Member, entries ...auth.Entry,
) error {
	made := query(insertWorkspace, [][]any{{string(workspace.ID), workspace.Name, micros(workspace.CreatedAt)}})
	return s.change(ctx, changing{
		op: "create a workspace", session: s.identity, entries: entries,
		calls: []*call{made, query(insertMember, [][]any{memberRow(owner)})},
		judge: func() error {
			if len(made.out) == 0 {
				return flowforge.Errorf(flowforge.CodeConflict, "there is such a workspace")
			}
			return nil
		},
	})
}

func noWorkspace() error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no such workspace")
}

// Workspace finds a workspace.
func (s *Store) Workspace(ctx context.Context, id flowforge.Workspace) (auth.Workspace, error) {
	found := query(selectWorkspace, [][]any{{string(id)}})
	if err := s.look(ctx, "read a workspace", s.owned(id), found); err != nil {
		return auth.Workspace{}, err
	}
	if len(found.out) == 0 {
		return auth.Workspace{}, noWorkspace()
	}
	workspace, err := found.out[0].workspace()
	return workspace, s.failure(ctx, "read a workspace", err)
}

func (r *row) workspace() (auth.Workspace, error) {
	return auth.Workspace{
		ID: flowforge.Workspace(r.text()), Name: r.text(), CreatedAt: r.time(), ClosedAt: r.time(), Revision: r.int(),
	}, r.err
}

// UpdateWorkspace changes name and end of a workspace.
func (s *Store) UpdateWorkspace(ctx context.Context, workspace auth.Workspace, entries ...auth.Entry) error {
	done := query(updateWorkspace, [][]any{{
		string(workspace.ID), workspace.Name, micros(workspace.ClosedAt), workspace.Revision,
	}})
	return s.change(ctx, changing{
		op: "change a workspace", session: func() *session { return s.owned(workspace.ID) }, calls: []*call{done},
		entries: entries, judge: changed(done, "the workspace"),
	})
}

// ListWorkspaces gives all workspaces in order of their IDs.
func (s *Store) ListWorkspaces(ctx context.Context, after flowforge.Workspace, limit int) ([]auth.Workspace, error) {
	found := query(listWorkspaces, [][]any{{string(after), most(limit)}})
	if err := s.look(ctx, "list workspaces", s.identity(), found); err != nil {
		return nil, err
	}
	return read(found, (*row).workspace, func(err error) error { return s.failure(ctx, "list workspaces", err) })
}

// WorkspacesOf gives the open workspaces that a user is a member of.
func (s *Store) WorkspacesOf(ctx context.Context, user auth.UserID) ([]auth.Membership, error) {
	found := query(listMemberships, [][]any{{string(user)}})
	if err := s.look(ctx, "list workspaces", s.identity(), found); err != nil {
		return nil, err
	}
	return read(found, func(r *row) (auth.Membership, error) {
		workspace, err := r.workspace()
		return auth.Membership{Workspace: workspace, Role: auth.Role(r.text())}, err
	}, func(err error) error { return s.failure(ctx, "list workspaces", err) })
}
