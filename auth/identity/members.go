package identity

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/store"
)

// grants refuses a role that a principal may not give: nobody grants what they lack (S7).
func grants(p *auth.Principal, role auth.Role) error {
	switch {
	case !role.Valid():
		return flowforge.Errorf(flowforge.CodeInvalidInput, "there is no such role: take one of owner, admin, editor, operator and viewer")
	case !p.Permissions.Covers(role.Permissions()):
		return flowforge.Errorf(auth.CodeForbidden, "the role %s has permissions that you lack", role)
	}
	return nil
}

// Members gives the members of a principal's workspace in order of their users' IDs.
func (s *Service) Members(ctx context.Context, p *auth.Principal, after auth.UserID, limit int) ([]auth.Member, error) {
	if err := p.Require(auth.MemberRead); err != nil {
		return nil, err
	}
	return s.stores.ListMembers(ctx, p.Workspace, after, limit)
}

// SetRole gives a member another role. Neither the old nor the new one has permissions that the principal lacks.
func (s *Service) SetRole(ctx context.Context, p *auth.Principal, user auth.UserID, role auth.Role) error {
	if err := p.Require(auth.MemberManage); err != nil {
		return err
	}
	member, err := s.stores.Member(ctx, p.Workspace, user)
	if err != nil {
		return err
	}
	for _, of := range []auth.Role{member.Role, role} {
		if err := grants(p, of); err != nil {
			return err
		}
	}
	if member.Kind == auth.Service && role == auth.RoleOwner {
		return flowforge.Errorf(flowforge.CodeInvalidInput, "a service account cannot be an owner")
	}
	err = s.stores.SetRole(ctx, p.Workspace, user, role,
		s.entry(ctx, p, p.Workspace, "member.role", string(user), "from", string(member.Role), "to", string(role)))
	s.recent.forget()
	return err
}

// RemoveMember ends a membership: anybody's own, and others' of no more power.
func (s *Service) RemoveMember(ctx context.Context, p *auth.Principal, user auth.UserID) error {
	leaves := p != nil && p.Kind == auth.KindUser && p.User == user
	if err := p.Require(auth.MemberManage); err != nil && (!leaves || p.Workspace == "") {
		return err
	}
	member, err := s.stores.Member(ctx, p.Workspace, user)
	if err != nil {
		return err
	}
	if !leaves {
		if err := grants(p, member.Role); err != nil {
			return err
		}
	}
	err = s.stores.RemoveMember(ctx, p.Workspace, user,
		s.entry(ctx, p, p.Workspace, "member.remove", string(user), "role", string(member.Role)))
	s.recent.forget()
	return err
}

// Invite lets whoever has an e-mail address become a member. It gives the token, for where there are no mails; it is
// shown once.
func (s *Service) Invite(
	ctx context.Context, p *auth.Principal, email string, role auth.Role,
) (auth.Invitation, string, error) {
	if err := p.Require(auth.MemberManage); err != nil {
		return auth.Invitation{}, "", err
	}
	if err := grants(p, role); err != nil {
		return auth.Invitation{}, "", err
	}
	email, err := auth.NormalizeEmail(email)
	if err != nil {
		return auth.Invitation{}, "", err
	}
	workspace, err := s.stores.Workspace(ctx, p.Workspace)
	if err != nil {
		return auth.Invitation{}, "", err
	}
	opaque, hash, err := token.NewOpaque(s.cfg.Random)
	if err != nil {
		return auth.Invitation{}, "", err
	}
	now := s.now()
	invitation := auth.Invitation{
		ID: store.NewID(now), Workspace: p.Workspace, Email: email, Role: role, InvitedBy: p.User, Hash: hash, CreatedAt: now,
		ExpiresAt: now.Add(inviteLength),
	}
	err = s.stores.CreateInvitation(ctx, invitation,
		s.entry(ctx, p, p.Workspace, "invitation.create", invitation.ID, "email", email, "role", string(role)))
	if err != nil {
		return auth.Invitation{}, "", err
	}
	s.mail(ctx, auth.Mail{
		Kind: auth.MailInvite, To: email, Workspace: workspace.Name, From: p.Name, Link: s.link("join", opaque), ExpiresAt: invitation.ExpiresAt,
	})
	return invitation, opaque, nil
}

// Invitations gives the open invitations to a principal's workspace in order of their IDs.
func (s *Service) Invitations(
	ctx context.Context, p *auth.Principal, after string, limit int,
) ([]auth.Invitation, error) {
	if err := p.Require(auth.MemberManage); err != nil {
		return nil, err
	}
	return s.stores.ListInvitations(ctx, p.Workspace, s.now(), after, limit)
}

// Withdraw makes an invitation useless.
func (s *Service) Withdraw(ctx context.Context, p *auth.Principal, id string) error {
	if err := p.Require(auth.MemberManage); err != nil {
		return err
	}
	return s.stores.DeleteInvitation(ctx, p.Workspace, id, s.entry(ctx, p, p.Workspace, "invitation.delete", id))
}

// Accept makes the person who has signed in a member, by the token of an invitation to their address.
func (s *Service) Accept(ctx context.Context, p *auth.Principal, opaque string) (auth.Membership, error) {
	user, err := s.person(ctx, p)
	if err != nil {
		return auth.Membership{}, err
	}
	return s.accept(ctx, p, user, opaque)
}

// AcceptNew registers whoever has the token of an invitation, though registering may be off, and makes them a member.
// The address is the invitation's; that they have the token proves that it is theirs.
func (s *Service) AcceptNew(ctx context.Context, opaque, name, password string) (auth.Membership, error) {
	invitation, _, err := s.open(ctx, token.Hash(opaque))
	if err != nil {
		return auth.Membership{}, err
	}
	user, err := s.newUser(ctx, NewUser{Email: invitation.Email, Name: name, Password: password})
	if err != nil {
		return auth.Membership{}, err
	}
	user.Verified = true
	err = s.stores.CreateUser(ctx, user, nil, s.entry(ctx, nil, "", "user.register", string(user.ID), "invitation", invitation.ID))
	if err != nil {
		return auth.Membership{}, err
	}
	return s.accept(ctx, &auth.Principal{Kind: auth.KindUser, User: user.ID}, user, opaque)
}

func (s *Service) accept(ctx context.Context, p *auth.Principal, user auth.User, opaque string) (auth.Membership, error) {
	hash, now := token.Hash(opaque), s.now()
	invitation, workspace, err := s.open(ctx, hash)
	if err != nil {
		return auth.Membership{}, err
	}
	if invitation.Email != user.Email {
		return auth.Membership{}, flowforge.Errorf(auth.CodeForbidden, "the invitation is to another address: sign in with that one")
	}
	err = s.stores.AcceptInvitation(ctx, hash, now,
		auth.Member{Workspace: invitation.Workspace, User: user.ID, Role: invitation.Role, AddedAt: now},
		s.entry(ctx, p, invitation.Workspace, "invitation.accept", invitation.ID, "role", string(invitation.Role)))
	s.recent.forget()
	return auth.Membership{Workspace: workspace, Role: invitation.Role}, err
}

// open finds an invitation that can be accepted: who made it may have lost since what they gave, and the workspace may
// have been closed.
func (s *Service) open(ctx context.Context, hash []byte) (auth.Invitation, auth.Workspace, error) {
	invitation, err := s.stores.InvitationByHash(ctx, hash, s.now())
	if err != nil {
		return auth.Invitation{}, auth.Workspace{}, err
	}
	workspace, err := s.stores.Workspace(ctx, invitation.Workspace)
	if err != nil {
		return auth.Invitation{}, auth.Workspace{}, err
	}
	power, err := s.power(ctx, invitation.Workspace, invitation.InvitedBy)
	if err != nil {
		return auth.Invitation{}, auth.Workspace{}, err
	}
	if !workspace.ClosedAt.IsZero() || !power.Has(auth.MemberManage) || !power.Covers(invitation.Role.Permissions()) {
		err = flowforge.Errorf(flowforge.CodeNotFound, "there is no such invitation, or it was used, or is over")
	}
	return invitation, workspace, err
}

// power gives what a user may do in a workspace just now; who is no member, or is disabled, may do nothing.
func (s *Service) power(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID,
) (auth.Permissions, error) {
	member, err := s.stores.Member(ctx, workspace, user)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound, err == nil && member.Disabled:
		return nil, nil
	}
	return member.Role.Permissions(), err
}
