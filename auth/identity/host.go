package identity

import (
	"context"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// FindUser gives a user by ID or e-mail, for an admin.
func (s *Service) FindUser(ctx context.Context, p *auth.Principal, named string) (auth.User, error) {
	if err := s.admin(p); err != nil {
		return auth.User{}, err
	}
	if !strings.Contains(named, "@") {
		return s.stores.User(ctx, auth.UserID(named))
	}
	email, err := auth.NormalizeEmail(named)
	if err != nil {
		return auth.User{}, err
	}
	return s.stores.UserByEmail(ctx, email)
}

// AllWorkspaces gives all workspaces in order of their IDs, for an admin.
func (s *Service) AllWorkspaces(
	ctx context.Context, p *auth.Principal, after flowforge.Workspace, limit int,
) ([]auth.Workspace, error) {
	if err := s.admin(p); err != nil {
		return nil, err
	}
	return s.stores.ListWorkspaces(ctx, after, limit)
}

// FindWorkspace gives a workspace by its ID, or by its name where one open workspace alone is called so, for an admin.
func (s *Service) FindWorkspace(ctx context.Context, p *auth.Principal, named string) (auth.Workspace, error) {
	if err := s.admin(p); err != nil {
		return auth.Workspace{}, err
	}
	return WorkspaceNamed(ctx, s.stores, named)
}

// WorkspaceNamed gives a workspace by its ID, or by its name where one open workspace alone is called so: two are
// flowforge.CodeConflict. It asks nobody for permission.
func WorkspaceNamed(ctx context.Context, kept auth.Workspaces, named string) (auth.Workspace, error) {
	found, err := kept.Workspace(ctx, flowforge.Workspace(named))
	if flowforge.CodeOf(err) != flowforge.CodeNotFound {
		return found, err
	}
	const page = 500
	var after flowforge.Workspace
	for {
		some, err := kept.ListWorkspaces(ctx, after, page)
		if err != nil {
			return auth.Workspace{}, err
		}
		for i := range some {
			if some[i].Name != named || !some[i].ClosedAt.IsZero() {
				continue
			}
			if found.ID != "" {
				return auth.Workspace{}, flowforge.Errorf(flowforge.CodeConflict, "more than one workspace is called %q: give the id", named)
			}
			found = some[i]
		}
		if len(some) < page {
			break
		}
		after = some[len(some)-1].ID
	}
	if found.ID == "" {
		return auth.Workspace{}, flowforge.Errorf(flowforge.CodeNotFound, "there is no workspace with the id or the name %q", named)
	}
	return found, nil
}

// CreateWorkspaceFor makes a workspace whose owner is somebody else, for an admin.
func (s *Service) CreateWorkspaceFor(
	ctx context.Context, p *auth.Principal, owner auth.UserID, name string,
) (auth.Workspace, error) {
	if err := s.admin(p); err != nil {
		return auth.Workspace{}, err
	}
	user, err := s.stores.User(ctx, owner)
	if err != nil {
		return auth.Workspace{}, err
	}
	if user.Kind != auth.Person || user.Disabled {
		return auth.Workspace{}, flowforge.Errorf(flowforge.CodeConflict, "a workspace is owned by a person who may sign in")
	}
	return s.createWorkspace(ctx, p, user.ID, name)
}

// isHost reports whether a principal is the installation itself, and nobody in it: its command line, or the program that
// embeds it. It makes keys for others, which no member's power bounds but their owner's.
func isHost(p *auth.Principal) bool {
	return p != nil && p.Kind == auth.KindHost && p.User == "" && p.Admin
}
