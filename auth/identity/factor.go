package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/totp"
)

// An Enrolment is what an authenticator app is told. It is shown once.
type Enrolment struct {
	Secret string // for people to type
	URL    string // for a QR code
}

func factorLabel(id auth.UserID) string { return "second factor of " + string(id) }

// EnrolFactor gives a person a secret for an authenticator app. It counts from ConfirmFactor on; until then an older one
// is none. Where a second factor is in use, DropFactor comes first.
func (s *Service) EnrolFactor(ctx context.Context, p *auth.Principal, present string) (Enrolment, error) {
	user, err := s.prove(ctx, p, present)
	if err != nil {
		return Enrolment{}, err
	}
	secret, err := totp.NewSecret(s.cfg.Random)
	if err != nil {
		return Enrolment{}, err
	}
	sealed, err := s.sealer.Seal(ctx, factorLabel(user.ID), secret)
	if err != nil {
		return Enrolment{}, err
	}
	_, err = s.update(ctx, user.ID, func(user *auth.User) error {
		if user.TOTPConfirmed {
			return flowforge.Errorf(flowforge.CodeConflict, "there is a second factor: drop it first")
		}
		user.TOTP, user.TOTPStep, user.Recovery = sealed, 0, nil
		return nil
	}, s.entry(ctx, p, "", "factor.enrol", string(user.ID)))
	return Enrolment{Secret: totp.Text(secret), URL: totp.URL(s.cfg.Name, user.Email, secret)}, err
}

const recoveryCodes = 10

// ConfirmFactor takes a code of the app: from then on SignIn asks for one. It gives recovery codes, each of which stands
// for a code once; they are shown once. The person's other sessions end.
func (s *Service) ConfirmFactor(ctx context.Context, p *auth.Principal, code string) ([]string, error) {
	user, err := s.person(ctx, p)
	if err != nil {
		return nil, err
	}
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		const octets = 10 // 80 bits
		chance := make([]byte, octets)
		if _, err := io.ReadFull(s.cfg.Random, chance); err != nil {
			return nil, fmt.Errorf("make a recovery code: %w", err)
		}
		text := strings.ToLower(base32.StdEncoding.EncodeToString(chance))
		codes[i] = text[:8] + "-" + text[8:]
		hashes[i] = s.recoveryHash(user.ID, codes[i])
	}
	_, err = s.update(ctx, user.ID, func(user *auth.User) error {
		if user.TOTP == nil || user.TOTPConfirmed {
			return flowforge.Errorf(flowforge.CodeConflict, "there is no second factor to be confirmed")
		}
		if err := s.takeCode(ctx, user, code); err != nil {
			return err
		}
		user.TOTPConfirmed, user.Recovery = true, hashes
		return nil
	}, s.entry(ctx, p, "", "factor.confirm", string(user.ID)))
	if err != nil {
		return nil, err
	}
	s.mail(ctx, auth.Mail{Kind: auth.MailChanged, To: user.Email, Name: user.Name})
	return codes, s.revoke(ctx, auth.Revocation{User: user.ID, Except: p.Session})
}

// DropFactor ends the second factor of a person, who proves to have it, or a recovery code.
func (s *Service) DropFactor(ctx context.Context, p *auth.Principal, present, code string) error {
	user, err := s.prove(ctx, p, present)
	if err != nil {
		return err
	}
	return s.dropFactor(ctx, p, user, func(user *auth.User) error { return s.secondFactor(ctx, user, code) })
}

// ResetFactor ends the second factor of a user who has lost it, for an admin.
func (s *Service) ResetFactor(ctx context.Context, p *auth.Principal, id auth.UserID) error {
	if err := s.admin(p); err != nil {
		return err
	}
	user, err := s.stores.User(ctx, id)
	if err != nil {
		return err
	}
	return s.dropFactor(ctx, p, user, func(*auth.User) error { return nil })
}

func (s *Service) dropFactor(ctx context.Context, p *auth.Principal, user auth.User, may func(*auth.User) error) error {
	_, err := s.update(ctx, user.ID, func(user *auth.User) error {
		if err := may(user); err != nil {
			return err
		}
		// TOTPStep stays: a code that was used does not count again, whatever comes next.
		user.TOTP, user.TOTPConfirmed, user.Recovery = nil, false, nil
		return nil
	}, s.entry(ctx, p, "", "factor.drop", string(user.ID)))
	if err != nil {
		return err
	}
	s.mail(ctx, auth.Mail{Kind: auth.MailChanged, To: user.Email, Name: user.Name})
	return nil
}

// secondFactor takes a code where the user has a second factor, and notes in the user that it is used up. It becomes
// true with the update of the user's revision, so that of two who use a code at the same moment one is refused.
func (s *Service) secondFactor(ctx context.Context, user *auth.User, code string) error {
	switch {
	case !user.TOTPConfirmed:
		return nil
	case code == "":
		return flowforge.Errorf(auth.CodeSecondFactor, "give the code of your authenticator app, or a recovery code")
	}
	hash := s.recoveryHash(user.ID, code)
	at := slices.IndexFunc(user.Recovery, func(known []byte) bool { return hmac.Equal(known, hash) })
	if at >= 0 {
		user.Recovery = slices.Delete(slices.Clone(user.Recovery), at, at+1)
		return nil
	}
	return s.takeCode(ctx, user, code)
}

func (s *Service) takeCode(ctx context.Context, user *auth.User, code string) error {
	secret, err := s.sealer.Open(ctx, factorLabel(user.ID), user.TOTP)
	if err != nil {
		return err
	}
	step, right := totp.Check(secret, strings.ReplaceAll(code, " ", ""), s.now(), user.TOTPStep)
	if !right {
		return flowforge.Errorf(auth.CodeUnauthenticated, "the code is wrong, or was used")
	}
	user.TOTPStep = step
	return nil
}

// recoveryHash gives what is kept of a recovery code. With the pepper, which is not in the database, guesses cannot be
// tried on it.
func (s *Service) recoveryHash(id auth.UserID, code string) []byte {
	mac := hmac.New(sha256.New, s.pepper)
	mac.Write([]byte("flowforge recovery code\x00" + string(id) + "\x00" + strings.ToLower(strings.TrimSpace(code))))
	return mac.Sum(nil)
}
