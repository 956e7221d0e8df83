package main

import (
	"context"
	"net"
	"net/url"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/server/mail"
)

// peopleFlags say who gets in, and how the server writes to people.
type peopleFlags struct {
	Register   bool   `env:"FLOWFORGE_REGISTER" help:"Let anybody register (default: an admin makes users, and members invite)."`
	Workspaces bool   `env:"FLOWFORGE_WORKSPACES" help:"Let whoever is signed in make workspaces (default: admins alone)."`
	SMTP       string `name:"smtp" placeholder:"URL" env:"FLOWFORGE_SMTP" help:"Send mails through smtp://USER:PASSWORD@HOST:587 (STARTTLS), smtps://HOST:465 (TLS) or smtp+plain://localhost:25. It takes --public-url and --mail-from."`
	MailFrom   string `placeholder:"ADDRESS" env:"FLOWFORGE_MAIL_FROM" help:"The sender of mails: FlowForge <flow@example.com>."`
}

// identity gives the configuration of identity.
func (p *peopleFlags) identity(publicURL string) (identity.Config, error) {
	config := identity.Config{Register: p.Register, Workspaces: p.Workspaces, PublicURL: publicURL}
	if p.SMTP == "" {
		return config, nil
	}
	if publicURL == "" || p.MailFrom == "" {
		return config, usage("--smtp takes --public-url, which links in mails begin with, and --mail-from")
	}
	mailer, err := p.mailer()
	if err != nil {
		return config, err
	}
	config.Mailer = mailer
	return config, nil
}

// mailer reads the URL, which no message repeats: it may hold a password.
func (p *peopleFlags) mailer() (*mail.Mailer, error) {
	at, err := url.Parse(p.SMTP)
	if err != nil || at.Hostname() == "" {
		return nil, usage("--smtp is written as smtp://USER:PASSWORD@HOST:587")
	}
	config := mail.Config{From: p.MailFrom, User: at.User.Username()}
	password, _ := at.User.Password()
	config.Password = flowforge.NewSecret(password)
	port := at.Port()
	switch at.Scheme {
	case "smtp":
		config.Security = mail.StartTLS
		if port == "" {
			port = "587"
		}
	case "smtps":
		config.Security = mail.TLS
		if port == "" {
			port = "465"
		}
	case "smtp+plain":
		config.Security = mail.Plain
		if port == "" {
			port = "25"
		}
	default:
		return nil, usage("--smtp begins with smtp:// (STARTTLS), smtps:// (TLS from the start) or smtp+plain:// (a server on this host)")
	}
	config.Address = net.JoinHostPort(at.Hostname(), port)
	mailer, err := mail.New(config)
	if err != nil {
		return nil, usage("--smtp, --mail-from: %w", err)
	}
	return mailer, nil
}

// providers gives the other systems that people sign in with: sign_in of the settings.
func (v *serveCommand) providers(con *console, file *settings, states auth.OneTimes) (map[string]*oauth.Provider, error) {
	rules, err := parseRules(v.AllowEgress)
	if err != nil {
		return nil, err
	}
	client, err := egress.New(egress.Policy{Allow: rules})
	if err != nil {
		return nil, err
	}
	providers := make(map[string]*oauth.Provider, len(file.signIn))
	for name, of := range file.signIn {
		secret, err := con.indirect(of.ClientSecret, "the client_secret of sign_in."+human.Line(name))
		if err != nil {
			return nil, err
		}
		providers[name], err = oauth.New(client.HTTPClient(), states, oauth.Config{
			Issuer: of.Issuer, ClientID: of.ClientID, ClientSecret: flowforge.NewSecret(secret), RedirectURL: of.RedirectURL, Scopes: of.Scopes,
		})
		if err != nil {
			return nil, usage("sign_in.%s: %w", human.Line(name), err)
		}
	}
	return providers, nil
}

// prune forgets now and then what is over: sessions, one-time tokens, invitations.
func (in *installation) prune(ctx context.Context, con *console) {
	const often = time.Hour
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	for {
		if err := in.people.Prune(ctx); err != nil && ctx.Err() == nil {
			con.printf("flowforge: warning: old sessions cannot be forgotten just now: %s\n", human.Line(err.Error()))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
