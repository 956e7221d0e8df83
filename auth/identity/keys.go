package identity

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/store"
)

// CreateService makes a service account in the workspace of a principal: a name with a role, for API keys.
func (s *Service) CreateService(ctx context.Context, p *auth.Principal, name string, role auth.Role) (auth.User, error) {
	if err := p.Require(auth.MemberManage); err != nil {
		return auth.User{}, err
	}
	if err := grants(p, role); err != nil {
		return auth.User{}, err
	}
	if role == auth.RoleOwner {
		return auth.User{}, flowforge.Errorf(flowforge.CodeInvalidInput, "a service account cannot be an owner")
	}
	if err := auth.CheckName(name); err != nil {
		return auth.User{}, err
	}
	now := s.now()
	user := auth.User{
		ID: auth.UserID(store.NewID(now)), Kind: auth.Service, Workspace: p.Workspace, Name: name, TokenVersion: 1, CreatedAt: now, Revision: 1,
	}
	member := auth.Member{Workspace: p.Workspace, User: user.ID, Role: role, AddedAt: now}
	return user, s.stores.CreateUser(ctx, user, &member,
		s.entry(ctx, p, p.Workspace, "service.create", string(user.ID), "name", name, "role", string(role)))
}

// A NewKey is an API key to be made.
type NewKey struct {
	Name      string
	Scopes    auth.Permissions
	ExpiresAt time.Time   // zero: never
	User      auth.UserID // a service account, or anybody for who runs the installation; "": the principal's own key
}

// CreateKey makes an API key in the workspace of a principal, and gives the whole of it, which is shown once. Its scopes
// are among what the principal may do. Keys do not make keys: one that was lost could outlive its end.
func (s *Service) CreateKey(ctx context.Context, p *auth.Principal, n NewKey) (auth.APIKey, string, error) {
	needs := auth.KeyManage
	if n.User != "" {
		needs = auth.MemberManage
	}
	if err := p.Require(needs); err != nil {
		return auth.APIKey{}, "", err
	}
	if err := s.checkKey(p, n); err != nil {
		return auth.APIKey{}, "", err
	}
	owner := p.User
	if n.User != "" {
		member, err := s.stores.Member(ctx, p.Workspace, n.User)
		if err != nil {
			return auth.APIKey{}, "", err
		}
		if member.Kind != auth.Service && !isHost(p) {
			return auth.APIKey{}, "", flowforge.Errorf(auth.CodeForbidden, "people make their own keys")
		}
		owner = n.User
	}
	id, secret, whole, err := token.NewAPIKey(s.cfg.Random)
	if err != nil {
		return auth.APIKey{}, "", err
	}
	key := auth.APIKey{
		ID: id, Workspace: p.Workspace, User: owner, CreatedBy: p.User, Name: n.Name, Hash: token.HashAPIKey(s.pepper, id, secret),
		Scopes: auth.NewPermissions(n.Scopes...), CreatedAt: s.now(), ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Microsecond),
	}
	err = s.stores.CreateAPIKey(ctx, key, s.entry(ctx, p, p.Workspace, "key.create", string(id), "name", n.Name, "user", string(owner)))
	if err != nil {
		return auth.APIKey{}, "", err
	}
	return key, whole, nil
}

func (s *Service) checkKey(p *auth.Principal, n NewKey) error {
	scopes := auth.NewPermissions(n.Scopes...)
	switch {
	case isHost(p) && n.User == "":
		return flowforge.Errorf(flowforge.CodeInvalidInput, "say whose key it is to be")
	case !isHost(p) && (p.Key != "" || p.User == ""):
		return flowforge.Errorf(auth.CodeForbidden, "keys are made by people who have signed in")
	case len(scopes) == 0:
		return flowforge.Errorf(flowforge.CodeInvalidInput, "give the key scopes: it could do nothing")
	case !p.Permissions.Covers(scopes):
		return flowforge.Errorf(auth.CodeForbidden, "the scopes have permissions that you lack")
	case !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(s.now()):
		return flowforge.Errorf(flowforge.CodeInvalidInput, "the key would be over already")
	}
	return auth.CheckName(n.Name)
}

// Keys gives API keys of a principal's workspace in order of their IDs: their own, or all for who manages members.
func (s *Service) Keys(ctx context.Context, p *auth.Principal, after auth.KeyID, limit int) ([]auth.APIKey, error) {
	if err := p.Require(auth.KeyManage); err != nil {
		return nil, err
	}
	owner := p.User
	if p.Require(auth.MemberManage) == nil {
		owner = ""
	} else if owner == "" {
		return nil, nil
	}
	return s.stores.ListAPIKeys(ctx, p.Workspace, owner, after, limit)
}

// RevokeKey ends an API key: one's own, or anybody's for who manages members.
func (s *Service) RevokeKey(ctx context.Context, p *auth.Principal, id auth.KeyID) error {
	if err := p.Require(auth.KeyManage); err != nil {
		return err
	}
	key, err := s.stores.APIKey(ctx, id)
	if err != nil {
		return err
	}
	if key.Workspace != p.Workspace || key.User != p.User && p.Require(auth.MemberManage) != nil {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no such API key")
	}
	err = s.stores.RevokeAPIKey(ctx, p.Workspace, id, s.now(), s.entry(ctx, p, p.Workspace, "key.revoke", string(id)))
	s.recent.forget()
	return err
}
