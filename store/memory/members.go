package memory

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// CreateWorkspace keeps a workspace and its first member.
func (s *Store) CreateWorkspace(
	ctx context.Context, workspace auth.Workspace, owner auth.Member, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		if _, taken := s.workspaces[workspace.ID]; taken {
			return conflict("a workspace")
		}
		workspace.Revision, workspace.ClosedAt = 1, time.Time{}
		s.workspaces[workspace.ID] = workspace
		s.enroll(owner)
		return nil
	})
}

// Workspace finds a workspace.
func (s *Store) Workspace(ctx context.Context, id flowforge.Workspace) (auth.Workspace, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Workspace{}, err
	}
	defer s.mu.Unlock()
	if workspace, found := s.workspaces[id]; found {
		return workspace, nil
	}
	return auth.Workspace{}, missing("workspace")
}

// UpdateWorkspace changes name and end of a workspace.
func (s *Store) UpdateWorkspace(ctx context.Context, workspace auth.Workspace, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		old, found := s.workspaces[workspace.ID]
		if !found || old.Revision != workspace.Revision {
			return stale("workspace")
		}
		old.Name, old.ClosedAt, old.Revision = workspace.Name, workspace.ClosedAt, old.Revision+1
		s.workspaces[workspace.ID] = old
		return nil
	})
}

// ListWorkspaces gives all workspaces in order of their IDs.
func (s *Store) ListWorkspaces(ctx context.Context, after flowforge.Workspace, limit int) ([]auth.Workspace, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return sorted(s.workspaces, func(w auth.Workspace) flowforge.Workspace { return w.ID }, after, limit,
		func(auth.Workspace) bool { return true }), nil
}

// WorkspacesOf gives the open workspaces that a user is a member of.
func (s *Store) WorkspacesOf(ctx context.Context, user auth.UserID) ([]auth.Membership, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	open := sorted(s.workspaces, func(w auth.Workspace) flowforge.Workspace { return w.ID }, "", len(s.workspaces),
		func(w auth.Workspace) bool { return w.ClosedAt.IsZero() })
	all := make([]auth.Membership, 0, len(open))
	for _, w := range open {
		if member, found := s.members[memberKey{w.ID, user}]; found {
			all = append(all, auth.Membership{Workspace: w, Role: member.Role})
		}
	}
	return all, nil
}

func (s *Store) mayJoin(member auth.Member, made auth.UserID) error {
	if _, found := s.workspaces[member.Workspace]; !found {
		return flowforge.Errorf(flowforge.CodeInvalidValue, "there is no such workspace")
	}
	if _, found := s.users[member.User]; !found && member.User != made {
		return flowforge.Errorf(flowforge.CodeInvalidValue, "there is no such user")
	}
	if _, found := s.members[memberKey{member.Workspace, member.User}]; found {
		return flowforge.Errorf(flowforge.CodeConflict, "they are a member already")
	}
	return nil
}

func (s *Store) enroll(member auth.Member) {
	s.members[memberKey{member.Workspace, member.User}] = member
}

// known fills in what a member's user is called.
func (s *Store) known(member auth.Member) auth.Member {
	user := s.users[member.User]
	member.Kind, member.Email, member.Name, member.Disabled = user.Kind, user.Email, user.Name, user.Disabled
	return member
}

// Member finds a member.
func (s *Store) Member(ctx context.Context, workspace flowforge.Workspace, user auth.UserID) (auth.Member, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Member{}, err
	}
	defer s.mu.Unlock()
	if member, found := s.members[memberKey{workspace, user}]; found {
		return s.known(member), nil
	}
	return auth.Member{}, missing("member")
}

// ListMembers gives members in order of their users' IDs.
func (s *Store) ListMembers(
	ctx context.Context, workspace flowforge.Workspace, after auth.UserID, limit int,
) ([]auth.Member, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	found := sorted(s.members, func(m auth.Member) auth.UserID { return m.User }, after, limit,
		func(m auth.Member) bool { return m.Workspace == workspace })
	for i := range found {
		found[i] = s.known(found[i])
	}
	return found, nil
}

// AddMember keeps a new member.
func (s *Store) AddMember(ctx context.Context, member auth.Member, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		if err := s.mayJoin(member, ""); err != nil {
			return err
		}
		s.enroll(member)
		return nil
	})
}

// SetRole gives a member another role.
func (s *Store) SetRole(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID, role auth.Role, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		member, err := s.replaceable(memberKey{workspace, user}, role)
		if err != nil {
			return err
		}
		member.Role = role
		s.enroll(member)
		return nil
	})
}

// RemoveMember ends a membership.
func (s *Store) RemoveMember(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		if _, err := s.replaceable(memberKey{workspace, user}, ""); err != nil {
			return err
		}
		delete(s.members, memberKey{workspace, user})
		return nil
	})
}

// replaceable gives a member who may get another role, or none: everyone but the last owner.
func (s *Store) replaceable(key memberKey, role auth.Role) (auth.Member, error) {
	member, found := s.members[key]
	if !found {
		return auth.Member{}, missing("member")
	}
	if member.Role != auth.RoleOwner || role == auth.RoleOwner {
		return member, nil
	}
	for _, other := range s.members {
		if other.Workspace == key.workspace && other.User != key.user && other.Role == auth.RoleOwner {
			return member, nil
		}
	}
	return auth.Member{}, flowforge.Errorf(flowforge.CodeConflict, "this is the last owner: make someone else one first")
}

// CreateInvitation keeps an invitation.
func (s *Store) CreateInvitation(ctx context.Context, invitation auth.Invitation, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		s.invitations[string(invitation.Hash)] = invitation
		return nil
	})
}

// ListInvitations gives those that are open.
func (s *Store) ListInvitations(
	ctx context.Context, workspace flowforge.Workspace, now time.Time, after string, limit int,
) ([]auth.Invitation, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return sorted(s.invitations, func(i auth.Invitation) string { return i.ID }, after, limit, func(i auth.Invitation) bool {
		return i.Workspace == workspace && now.Before(i.ExpiresAt)
	}), nil
}

// DeleteInvitation withdraws an invitation.
func (s *Store) DeleteInvitation(
	ctx context.Context, workspace flowforge.Workspace, id string, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		for hash, invitation := range s.invitations {
			if invitation.Workspace == workspace && invitation.ID == id {
				delete(s.invitations, hash)
				return nil
			}
		}
		return missing("invitation")
	})
}

// InvitationByHash finds an open one.
func (s *Store) InvitationByHash(ctx context.Context, hash []byte, now time.Time) (auth.Invitation, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Invitation{}, err
	}
	defer s.mu.Unlock()
	return s.invitation(hash, now)
}

func (s *Store) invitation(hash []byte, now time.Time) (auth.Invitation, error) {
	invitation, found := s.invitations[string(hash)]
	if !found || !now.Before(invitation.ExpiresAt) {
		return auth.Invitation{}, missing("invitation, or it was used, or is over")
	}
	return invitation, nil
}

// AcceptInvitation uses an open invitation up and adds the member.
func (s *Store) AcceptInvitation(
	ctx context.Context, hash []byte, now time.Time, member auth.Member, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		invitation, err := s.invitation(hash, now)
		if err != nil {
			return err
		}
		if invitation.Workspace != member.Workspace {
			return missing("invitation")
		}
		if err := s.mayJoin(member, ""); err != nil {
			return err
		}
		delete(s.invitations, string(hash))
		s.enroll(member)
		return nil
	})
}
