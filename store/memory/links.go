package memory

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

type linkKey struct{ issuer, subject string }

// LinkUser keeps that a subject of an issuer is a user.
func (s *Store) LinkUser(ctx context.Context, issuer, subject string, user auth.UserID, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		if _, taken := s.links[linkKey{issuer, subject}]; taken {
			return flowforge.Errorf(flowforge.CodeConflict, "this account elsewhere is linked already")
		}
		s.links[linkKey{issuer, subject}] = user
		return nil
	})
}

// UserByLink finds the user of a subject.
func (s *Store) UserByLink(ctx context.Context, issuer, subject string) (auth.User, error) {
	if err := s.enter(ctx); err != nil {
		return auth.User{}, err
	}
	defer s.mu.Unlock()
	if user, found := s.users[s.links[linkKey{issuer, subject}]]; found {
		return user, nil
	}
	return auth.User{}, missing("user")
}
