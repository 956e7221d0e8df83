package identity

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/password"
	"github.com/flowforge-go/flowforge/auth/token"
)

// Me gives the user of a principal who has signed in.
func (s *Service) Me(ctx context.Context, p *auth.Principal) (auth.User, error) {
	return s.person(ctx, p)
}

// Rename changes what a person is called.
func (s *Service) Rename(ctx context.Context, p *auth.Principal, name string) error {
	user, err := s.person(ctx, p)
	if err != nil {
		return err
	}
	if err := auth.CheckName(name); err != nil {
		return err
	}
	_, err = s.update(ctx, user.ID, func(user *auth.User) error {
		user.Name = name
		return nil
	}, s.entry(ctx, p, "", "user.rename", string(user.ID)))
	return err
}

// prove checks the present password of a person, before what a stolen session must not do.
func (s *Service) prove(ctx context.Context, p *auth.Principal, present string) (auth.User, error) {
	user, err := s.person(ctx, p)
	if err != nil {
		return auth.User{}, err
	}
	right, _, err := s.cfg.Passwords.Check(ctx, present, user.Password)
	if err != nil {
		return auth.User{}, err
	}
	if !right {
		return auth.User{}, flowforge.Errorf(auth.CodeForbidden, "the present password is wrong")
	}
	return user, nil
}

// ChangePassword replaces a person's password. Their other sessions end, and so do all access tokens: the present
// session goes on with Refresh.
func (s *Service) ChangePassword(ctx context.Context, p *auth.Principal, present, next string) error {
	user, err := s.prove(ctx, p, present)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, p, user, next, p.Session, "password.change")
}

func (s *Service) setPassword(
	ctx context.Context, p *auth.Principal, user auth.User, next string, except auth.SessionID, action string,
) error {
	if err := password.Acceptable(next, user.Email, user.Name); err != nil {
		return err
	}
	hash, err := s.cfg.Passwords.Hash(ctx, next)
	if err != nil {
		return err
	}
	_, err = s.update(ctx, user.ID, func(user *auth.User) error {
		user.Password = hash
		user.TokenVersion++
		return nil
	}, s.entry(ctx, p, "", action, string(user.ID)))
	if err != nil {
		return err
	}
	if err := s.stores.DropOneTimes(ctx, auth.PurposeReset, user.ID); err != nil {
		return err
	}
	s.mail(ctx, auth.Mail{Kind: auth.MailChanged, To: user.Email, Name: user.Name})
	return s.revoke(ctx, auth.Revocation{User: user.ID, Except: except})
}

// AskReset sends a link to choose another password, where there is such a user. It answers the same where there is none.
func (s *Service) AskReset(ctx context.Context, email string) error {
	if s.cfg.Mailer == nil {
		return flowforge.Errorf(flowforge.CodeUnsupported, "there are no mails here: ask an admin for another password")
	}
	user, err := s.byEmail(ctx, email)
	if err != nil || user.ID == "" {
		return err
	}
	opaque, until, err := s.oneTime(ctx, auth.PurposeReset, user.ID, user.Email, resetLength,
		s.entry(ctx, nil, "", "password.ask_reset", string(user.ID)))
	if err != nil {
		return err
	}
	s.mail(ctx, auth.Mail{
		Kind: auth.MailReset, To: user.Email, Name: user.Name, Link: s.link("reset-password", opaque), ExpiresAt: until,
	})
	return nil
}

// Reset takes the token of a mail and sets another password. All sessions end; a second factor stays. Whoever read
// the mail has the address.
func (s *Service) Reset(ctx context.Context, opaque, next string) error {
	if err := password.Acceptable(next); err != nil {
		return err // before the token is used up
	}
	thing, err := s.stores.TakeOneTime(ctx, auth.PurposeReset, token.Hash(opaque), s.now())
	if err != nil {
		return err
	}
	user, err := s.update(ctx, thing.User, func(user *auth.User) error {
		if user.Disabled || user.Email != thing.Data {
			return flowforge.Errorf(flowforge.CodeNotFound, "there is no such token, or it was used, or is over")
		}
		user.Verified = true
		return nil
	})
	if err != nil {
		return err
	}
	return s.setPassword(ctx, nil, user, next, "", "password.reset")
}

// SetPassword sets a user's password for an admin, or for the command line.
func (s *Service) SetPassword(ctx context.Context, p *auth.Principal, id auth.UserID, next string) error {
	if err := s.admin(p); err != nil {
		return err
	}
	user, err := s.stores.User(ctx, id)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, p, user, next, "", "password.set")
}
