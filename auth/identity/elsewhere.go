package identity

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// SignInElsewhere begins a session of whom another system has signed in. Its accounts are linked to users: at the first
// time to the one whose address it has verified, or, where anyone may register, to a new one without a password. A
// second factor is the other system's matter.
func (s *Service) SignInElsewhere(ctx context.Context, who auth.Elsewhere, workspace flowforge.Workspace) (Tokens, error) {
	user, err := s.stores.UserByLink(ctx, who.Issuer, who.Subject)
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		user, err = s.linked(ctx, who)
	}
	if err != nil {
		return Tokens{}, err
	}
	user, err = s.update(ctx, user.ID, func(user *auth.User) error {
		if user.Disabled {
			return flowforge.Errorf(auth.CodeUnauthenticated, "the account is disabled")
		}
		user.SignedInAt = s.now()
		return nil
	})
	if err != nil {
		return Tokens{}, err
	}
	return s.begin(ctx, user, workspace)
}

// linked finds or makes the user of an account elsewhere, and links them.
func (s *Service) linked(ctx context.Context, who auth.Elsewhere) (auth.User, error) {
	email, err := auth.NormalizeEmail(who.Email)
	if who.Issuer == "" || who.Subject == "" || !who.Verified || err != nil {
		return auth.User{}, flowforge.Errorf(auth.CodeForbidden, "the other system does not say which e-mail address is yours")
	}
	user, err := s.stores.UserByEmail(ctx, email)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound:
		user, err = s.registerElsewhere(ctx, who, email)
	case err == nil && !user.Verified:
		// Whoever registered with this address has not shown that it is theirs, and knows the password.
		return auth.User{}, flowforge.Errorf(auth.CodeUnverified, "verify your e-mail address here first")
	}
	if err != nil {
		return auth.User{}, err
	}
	return user, s.stores.LinkUser(ctx, who.Issuer, who.Subject, user.ID,
		s.entry(ctx, nil, "", "user.link", string(user.ID), "issuer", who.Issuer))
}

func (s *Service) registerElsewhere(ctx context.Context, who auth.Elsewhere, email string) (auth.User, error) {
	if !s.cfg.Register {
		return auth.User{}, flowforge.Errorf(auth.CodeForbidden, "registering is off: ask an admin for an invitation")
	}
	name := who.Name
	if auth.CheckName(name) != nil {
		name = email
	}
	now := s.now()
	user := auth.User{
		ID: auth.UserID(store.NewID(now)), Kind: auth.Person, Email: email, Name: name, Verified: true, TokenVersion: 1, CreatedAt: now,
	}
	err := s.stores.CreateUser(ctx, user, nil, s.entry(ctx, nil, "", "user.register", string(user.ID), "issuer", who.Issuer))
	return user, err
}
