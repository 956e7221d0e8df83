package identity

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// CreateWorkspace makes a workspace whose owner is the person who asks.
func (s *Service) CreateWorkspace(ctx context.Context, p *auth.Principal, name string) (auth.Workspace, error) {
	user, err := s.person(ctx, p)
	if err != nil {
		return auth.Workspace{}, err
	}
	if !s.cfg.Workspaces {
		if err := s.admin(p); err != nil {
			return auth.Workspace{}, err
		}
	}
	return s.createWorkspace(ctx, p, user.ID, name)
}

func (s *Service) createWorkspace(
	ctx context.Context, p *auth.Principal, owner auth.UserID, name string,
) (auth.Workspace, error) {
	if err := auth.CheckName(name); err != nil {
		return auth.Workspace{}, err
	}
	now := s.now()
	workspace := auth.Workspace{ID: flowforge.Workspace(store.NewID(now)), Name: name, CreatedAt: now, Revision: 1}
	return workspace, s.stores.CreateWorkspace(ctx, workspace,
		auth.Member{Workspace: workspace.ID, User: owner, Role: auth.RoleOwner, AddedAt: now},
		s.entry(ctx, p, workspace.ID, "workspace.create", string(workspace.ID), "owner", string(owner)))
}

// Workspaces gives the open workspaces that a person is a member of, or the one of a key.
func (s *Service) Workspaces(ctx context.Context, p *auth.Principal) ([]auth.Membership, error) {
	if p == nil || p.Kind == "" {
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "sign in, or send an API key")
	}
	mine, err := s.stores.WorkspacesOf(ctx, p.User)
	if err != nil || p.Session != "" {
		return mine, err
	}
	for _, membership := range mine {
		if membership.ID == p.Workspace {
			return []auth.Membership{membership}, nil
		}
	}
	return nil, nil
}

// Workspace gives the workspace of a principal.
func (s *Service) Workspace(ctx context.Context, p *auth.Principal) (auth.Workspace, error) {
	if err := p.Require(auth.WorkspaceRead); err != nil {
		return auth.Workspace{}, err
	}
	return s.stores.Workspace(ctx, p.Workspace)
}

// RenameWorkspace changes what the workspace of a principal is called, where it still has a revision; 0: any. Another is
// flowforge.CodeChanged.
func (s *Service) RenameWorkspace(
	ctx context.Context, p *auth.Principal, name string, revision int64,
) (auth.Workspace, error) {
	if err := p.Require(auth.WorkspaceManage); err != nil {
		return auth.Workspace{}, err
	}
	if err := auth.CheckName(name); err != nil {
		return auth.Workspace{}, err
	}
	workspace, err := s.stores.Workspace(ctx, p.Workspace)
	if err != nil {
		return auth.Workspace{}, err
	}
	if revision != 0 && workspace.Revision != revision {
		return auth.Workspace{}, flowforge.Errorf(flowforge.CodeChanged, "the workspace was changed by someone else: read it again")
	}
	workspace.Name = name
	err = s.stores.UpdateWorkspace(ctx, workspace, s.entry(ctx, p, p.Workspace, "workspace.rename", string(p.Workspace)))
	workspace.Revision++
	return workspace, err
}

// CloseWorkspace ends the workspace of a principal: nobody can do anything in it from then on. What is in it stays until
// it is forgotten by whoever looks after the installation.
func (s *Service) CloseWorkspace(ctx context.Context, p *auth.Principal) error {
	if err := p.Require(auth.WorkspaceDelete); err != nil {
		return err
	}
	workspace, err := s.stores.Workspace(ctx, p.Workspace)
	if err != nil {
		return err
	}
	workspace.ClosedAt = s.now()
	err = s.stores.UpdateWorkspace(ctx, workspace, s.entry(ctx, p, p.Workspace, "workspace.close", string(p.Workspace)))
	s.recent.forget()
	return err
}
