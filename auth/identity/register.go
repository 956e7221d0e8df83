package identity

import (
	"context"
	"errors"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/password"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/store"
)

// A NewUser is who registers.
type NewUser struct {
	Email    string
	Name     string
	Password string
}

// checked normalises a new user, and refuses what cannot be one.
func (n NewUser) checked() (NewUser, error) {
	email, err := auth.NormalizeEmail(n.Email)
	if err != nil {
		return n, err
	}
	n.Email = email
	if err := auth.CheckName(n.Name); err != nil {
		return n, err
	}
	return n, password.Acceptable(n.Password, n.Email, n.Name)
}

// Register makes a user of whoever asks, where Config.Register says so. It answers the same, after the same time, for an
// address that is registered: its owner is told by mail. Where there are mails, nobody signs in before VerifyEmail.
func (s *Service) Register(ctx context.Context, n NewUser) error {
	if !s.cfg.Register {
		return flowforge.Errorf(auth.CodeForbidden, "registering is off: ask an admin for an invitation")
	}
	user, err := s.newUser(ctx, n)
	if err != nil {
		return err
	}
	user.Verified = s.cfg.Mailer == nil
	err = s.stores.CreateUser(ctx, user, nil, s.entry(ctx, nil, "", "user.register", string(user.ID)))
	if flowforge.CodeOf(err) == flowforge.CodeConflict {
		if s.cfg.Mailer == nil {
			return err // nobody reads a mail: the truth is all there is to tell
		}
		s.mail(ctx, auth.Mail{Kind: auth.MailRegistered, To: user.Email})
		return nil
	}
	if err != nil || user.Verified {
		return err
	}
	return s.askVerify(ctx, user)
}

// newUser makes a person, who is not kept yet.
func (s *Service) newUser(ctx context.Context, n NewUser) (auth.User, error) {
	n, err := n.checked()
	if err != nil {
		return auth.User{}, err
	}
	hash, err := s.cfg.Passwords.Hash(ctx, n.Password)
	if err != nil {
		return auth.User{}, err
	}
	now := s.now()
	return auth.User{
		ID: auth.UserID(store.NewID(now)), Kind: auth.Person, Email: n.Email, Name: n.Name, Password: hash, TokenVersion: 1, CreatedAt: now,
	}, nil
}

func (s *Service) askVerify(ctx context.Context, user auth.User) error {
	opaque, until, err := s.oneTime(ctx, auth.PurposeVerify, user.ID, user.Email, verifyLength)
	if err != nil {
		return err
	}
	s.mail(ctx, auth.Mail{
		Kind: auth.MailVerify, To: user.Email, Name: user.Name, Link: s.link("verify-email", opaque), ExpiresAt: until,
	})
	return nil
}

// VerifyEmail takes the token of a mail as proof that the address is its reader's.
func (s *Service) VerifyEmail(ctx context.Context, opaque string) error {
	thing, err := s.stores.TakeOneTime(ctx, auth.PurposeVerify, token.Hash(opaque), s.now())
	if err != nil {
		return err
	}
	_, err = s.update(ctx, thing.User, func(user *auth.User) error {
		if user.Email != thing.Data {
			return flowforge.Errorf(flowforge.CodeNotFound, "the address has changed since: ask for another mail")
		}
		user.Verified = true
		return nil
	}, s.entry(ctx, nil, "", "user.verify", string(thing.User)))
	return err
}

// FirstAdmin gives a token with which somebody becomes the first admin, for who starts the installation to read on its
// terminal (S3). Where there are users it is flowforge.CodeConflict.
func (s *Service) FirstAdmin(ctx context.Context) (string, error) {
	if err := s.nobodyYet(ctx); err != nil {
		return "", err
	}
	if err := s.stores.DropOneTimes(ctx, auth.PurposeFirstAdmin, ""); err != nil {
		return "", err
	}
	opaque, _, err := s.oneTime(ctx, auth.PurposeFirstAdmin, "", "", firstLength, s.entry(ctx, nil, "", "admin.token", ""))
	return opaque, err
}

func (s *Service) nobodyYet(ctx context.Context) error {
	users, err := s.stores.ListUsers(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return flowforge.Errorf(flowforge.CodeConflict, "there are users already: an admin makes others")
	}
	return nil
}

// ClaimFirstAdmin makes whoever has the token the first admin, with a first workspace.
func (s *Service) ClaimFirstAdmin(ctx context.Context, opaque string, n NewUser, workspace string) (auth.User, error) {
	if err := errors.Join(s.nobodyYet(ctx), auth.CheckName(workspace)); err != nil {
		return auth.User{}, err
	}
	user, err := s.newUser(ctx, n) // before the token is used up, since people try more than one password
	if err != nil {
		return auth.User{}, err
	}
	if _, err := s.stores.TakeOneTime(ctx, auth.PurposeFirstAdmin, token.Hash(opaque), s.now()); err != nil {
		return auth.User{}, err
	}
	user.Verified, user.Admin = true, true
	if err := s.stores.CreateUser(ctx, user, nil, s.entry(ctx, nil, "", "admin.first", string(user.ID))); err != nil {
		return auth.User{}, err
	}
	_, err = s.createWorkspace(ctx, nil, user.ID, workspace)
	return user, err
}

// CreateUser makes a user for an admin, or for the command line.
func (s *Service) CreateUser(ctx context.Context, p *auth.Principal, n NewUser, admin bool) (auth.User, error) {
	if err := s.admin(p); err != nil {
		return auth.User{}, err
	}
	user, err := s.newUser(ctx, n)
	if err != nil {
		return auth.User{}, err
	}
	user.Verified, user.Admin = true, admin
	return user, s.stores.CreateUser(ctx, user, nil, s.entry(ctx, p, "", "user.create", string(user.ID)))
}

// ListUsers gives people in order of their IDs, for an admin.
func (s *Service) ListUsers(ctx context.Context, p *auth.Principal, after auth.UserID, limit int) ([]auth.User, error) {
	if err := s.admin(p); err != nil {
		return nil, err
	}
	return s.stores.ListUsers(ctx, after, limit)
}

// SetDisabled keeps a user out, or lets them in again, for an admin. Their sessions end.
func (s *Service) SetDisabled(ctx context.Context, p *auth.Principal, id auth.UserID, disabled bool) error {
	if err := s.admin(p); err != nil {
		return err
	}
	if id == p.User {
		return flowforge.Errorf(flowforge.CodeConflict, "you cannot keep yourself out")
	}
	action := "user.enable"
	if disabled {
		action = "user.disable"
	}
	_, err := s.update(ctx, id, func(user *auth.User) error {
		user.Disabled = disabled
		user.TokenVersion++
		return nil
	}, s.entry(ctx, p, "", action, string(id)))
	if err != nil {
		return err
	}
	return s.revoke(ctx, auth.Revocation{User: id})
}
