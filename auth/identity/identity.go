// Package identity decides who somebody is and what they may do: registering, signing in and out, second factors,
// workspaces with their members and invitations, API keys, and the audit log of it all. It works over auth.Stores, and
// knows no HTTP. Rates of requests are limited by who serves them (S17).
package identity

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/password"
	"github.com/flowforge-go/flowforge/auth/token"
)

// Config says how a Service behaves; its zero value is ready to use, and closed to strangers.
type Config struct {
	Register   bool   // anyone may register
	Workspaces bool   // anyone who is signed in may make workspaces; else admins only
	PublicURL  string // what links in mails begin with, such as "https://flow.example.com"; without it there are no mails
	Name       string // of the installation, in apps for second factors; "": "FlowForge"

	Mailer    auth.Mailer      // nil: addresses are not verified, and passwords not reset by mail
	Passwords *password.Hasher // nil: one of the zero password.Config
	Now       func() time.Time // nil: time.Now
	Random    io.Reader        // nil: crypto/rand.Reader
	Log       *slog.Logger     // where mails that cannot be sent are told; nil: nowhere
}

// How long things last. The first two are those of S13.
const (
	sessionIdle   = 7 * 24 * time.Hour
	sessionLength = 30 * 24 * time.Hour
	verifyLength  = 48 * time.Hour
	resetLength   = time.Hour
	inviteLength  = 7 * 24 * time.Hour
	firstLength   = time.Hour // S3
	mailLength    = 30 * time.Second
	mailsAtOnce   = 8
)

// Service is all of this. Its methods may be called from many goroutines.
type Service struct {
	cfg    Config
	stores auth.Stores
	tokens *token.Issuer
	sealer auth.Sealer
	pepper []byte
	recent recent

	mails    sync.WaitGroup
	mailTurn chan struct{}
}

const shortestPepper = 32 // octets

// New makes a Service. The sealer seals the secrets of second factors; the pepper, 32 random octets that are not in the
// database, goes into the hashes of API keys and recovery codes.
func New(stores auth.Stores, tokens *token.Issuer, sealer auth.Sealer, pepper []byte, cfg Config) (*Service, error) {
	if len(pepper) < shortestPepper {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the pepper has %d octets, and must have %d", len(pepper), shortestPepper)
	}
	if cfg.Name == "" {
		cfg.Name = "FlowForge"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.PublicURL == "" {
		cfg.Mailer = nil
	}
	if cfg.Passwords == nil {
		hasher, err := password.New(password.Config{})
		if err != nil {
			return nil, err
		}
		cfg.Passwords = hasher
	}
	return &Service{
		cfg: cfg, stores: stores, tokens: tokens, sealer: sealer, pepper: pepper, mailTurn: make(chan struct{}, mailsAtOnce),
	}, nil
}

// Close waits for mails that are being sent.
func (s *Service) Close() { s.mails.Wait() }

// Prune forgets sessions, one-time tokens and invitations that have been over for a day.
func (s *Service) Prune(ctx context.Context) error {
	return s.stores.PruneIdentity(ctx, s.now().Add(-24*time.Hour))
}

// now is the present, as exactly as stores keep it.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// entry is what a principal did, for the audit log; nil: nobody who has signed in.
func (s *Service) entry(
	ctx context.Context, p *auth.Principal, workspace flowforge.Workspace, action, target string, detail ...string,
) auth.Entry {
	client := auth.ClientOf(ctx)
	e := auth.Entry{
		Workspace: workspace, At: s.now(), Action: action, Target: target, Address: client.Address, Request: client.Request,
	}
	if p != nil {
		e.Kind, e.User, e.Session, e.Key = p.Kind, p.User, p.Session, p.Key
	}
	for i := 0; i+1 < len(detail); i += 2 {
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail[detail[i]] = detail[i+1]
	}
	return e
}

// mail sends a mail while the caller goes on: how long it takes tells nobody whether there is such a user.
func (s *Service) mail(ctx context.Context, mail auth.Mail) {
	if s.cfg.Mailer == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	s.mails.Go(func() {
		s.mailTurn <- struct{}{}
		defer func() { <-s.mailTurn }()
		ctx, cancel := context.WithTimeout(ctx, mailLength)
		defer cancel()
		if err := s.cfg.Mailer.Send(ctx, mail); err != nil {
			s.cfg.Log.WarnContext(ctx, "a mail could not be sent", "kind", mail.Kind, "error", err)
		}
	})
}

// link is what somebody opens. The token is in the fragment, which browsers send to no server and no log.
func (s *Service) link(page, opaque string) string {
	return s.cfg.PublicURL + "/" + page + "#" + opaque
}

// oneTime keeps a one-time thing and gives its token.
func (s *Service) oneTime(
	ctx context.Context, purpose auth.Purpose, user auth.UserID, data string, length time.Duration, entries ...auth.Entry,
) (string, time.Time, error) {
	opaque, hash, err := token.NewOpaque(s.cfg.Random)
	if err != nil {
		return "", time.Time{}, err
	}
	now := s.now()
	err = s.stores.PutOneTime(ctx, auth.OneTime{
		Hash: hash, Purpose: purpose, User: user, Data: data, CreatedAt: now, ExpiresAt: now.Add(length),
	}, entries...)
	return opaque, now.Add(length), err
}

// update changes a user; where somebody else does so at the same moment, it reads the user and changes it again.
func (s *Service) update(
	ctx context.Context, id auth.UserID, change func(user *auth.User) error, entries ...auth.Entry,
) (auth.User, error) {
	const tries = 5
	for try := 0; ; try++ {
		user, err := s.stores.User(ctx, id)
		if err != nil {
			return auth.User{}, err
		}
		if err := change(&user); err != nil {
			return auth.User{}, err
		}
		err = s.stores.UpdateUser(ctx, user, entries...)
		if err == nil {
			s.recent.forget()
			user.Revision++
			return user, nil
		}
		if flowforge.CodeOf(err) != flowforge.CodeConflict || try == tries {
			return auth.User{}, err
		}
	}
}

// person gives the user of a principal who has signed in: what concerns an account is done by nobody's keys.
func (s *Service) person(ctx context.Context, p *auth.Principal) (auth.User, error) {
	if p == nil || p.Kind == "" {
		return auth.User{}, flowforge.Errorf(auth.CodeUnauthenticated, "sign in")
	}
	if p.Kind != auth.KindUser || p.Session == "" {
		return auth.User{}, flowforge.Errorf(auth.CodeForbidden, "this is done by a person who has signed in, not with a key")
	}
	return s.stores.User(ctx, p.User)
}

// admin refuses who is no admin of the installation. A host that vouches for a principal may make it one.
func (s *Service) admin(p *auth.Principal) error {
	switch {
	case p == nil || p.Kind == "":
		return flowforge.Errorf(auth.CodeUnauthenticated, "sign in")
	case !p.Admin:
		return flowforge.Errorf(auth.CodeForbidden, "this is done by an admin of the installation")
	}
	return nil
}
