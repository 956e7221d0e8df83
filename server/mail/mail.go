// Package mail sends the mails of identity over SMTP, in plain text. What others wrote (names of people and workspaces)
// stands in the text only, never in a header, and links stand on a line of their own.
package mail

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Config says how mails are sent.
type Config struct {
	Address  string           // of the SMTP server: host:port
	From     string           // the sender, such as "FlowForge <flow@example.com>"
	User     string           // "": without signing in
	Password flowforge.Secret // of the user
	Security Security         // "": STARTTLS
	Name     string           // of the installation; "": "FlowForge"
	Timeout  time.Duration    // of a mail; 0: 20 s
}

// Security says how the connection is protected. Passwords and links are secrets: without any it is for a server on the
// same host.
type Security string

// The ways to protect a connection.
const (
	StartTLS Security = "starttls" // refused where the server does not offer it
	TLS      Security = "tls"      // from the first octet, usually at port 465
	Plain    Security = "none"
)

const defaultTimeout = 20 * time.Second

// A Mailer is an auth.Mailer over SMTP. It may be used from many goroutines; each mail has a connection of its own.
type Mailer struct {
	cfg     Config
	host    string
	options []gomail.Option
}

var _ auth.Mailer = (*Mailer)(nil)

// New makes a Mailer. It does not connect yet.
func New(cfg Config) (*Mailer, error) {
	host, port, err := net.SplitHostPort(cfg.Address)
	if err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the SMTP server is written as host:port")
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the port of the SMTP server is a number")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Name == "" {
		cfg.Name = "FlowForge"
	}
	m := &Mailer{cfg: cfg, host: host, options: []gomail.Option{gomail.WithPort(number), gomail.WithTimeout(cfg.Timeout)}}
	switch cfg.Security {
	case "", StartTLS:
		m.options = append(m.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLS:
		m.options = append(m.options, gomail.WithSSL())
	case Plain:
		m.options = append(m.options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the security of the connection is one of starttls, tls and none")
	}
	if cfg.User != "" {
		m.options = append(m.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(cfg.User),
			gomail.WithPassword(cfg.Password.Reveal()))
	}
	if err := gomail.NewMsg().From(cfg.From); err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the sender is no e-mail address")
	}
	if _, err := gomail.NewClient(host, m.options...); err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the SMTP server: %w", err)
	}
	return m, nil
}

// Send sends a mail. Where the server does not take it, it is flowforge.CodeUnavailable.
func (m *Mailer) Send(ctx context.Context, mail auth.Mail) error {
	subject, text := m.write(mail)
	if text == "" {
		return flowforge.Errorf(flowforge.CodeUnsupported, "there are no mails of the kind %q", mail.Kind)
	}
	message := gomail.NewMsg()
	if err := message.From(m.cfg.From); err != nil {
		return fmt.Errorf("set the sender: %w", err)
	}
	if err := message.To(mail.To); err != nil {
		return flowforge.Errorf(flowforge.CodeInvalidInput, "the mail is to no address")
	}
	message.Subject(subject)
	message.SetDate()
	message.SetMessageID()
	message.SetBodyString(gomail.TypeTextPlain, text)
	client, err := gomail.NewClient(m.host, m.options...)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return flowforge.Errorf(flowforge.CodeUnavailable, "the SMTP server did not take the mail: %w", err)
	}
	return nil
}

// write gives the subject and the text of a mail.
func (m *Mailer) write(mail auth.Mail) (subject, text string) {
	hello := "Hello,"
	if mail.Name != "" {
		hello = "Hello " + mail.Name + ","
	}
	until := "The link can be used once, until " + mail.ExpiresAt.UTC().Format("2 January 2006, 15:04 MST") + "."
	lines := func(all ...string) string { return strings.Join(append([]string{hello, ""}, all...), "\n") + "\n" }
	switch mail.Kind {
	case auth.MailVerify:
		return "Your e-mail address at " + m.cfg.Name, lines(
			"someone, probably you, gave this address to "+m.cfg.Name+". Open this link if it was you:", "", mail.Link, "", until,
			"If it was not you, there is nothing to be done.")
	case auth.MailReset:
		return "Your password at " + m.cfg.Name, lines(
			"someone, probably you, asked for another password at "+m.cfg.Name+". Open this link to choose one:", "", mail.Link, "", until,
			"If it was not you, your password stays as it is.")
	case auth.MailInvite:
		return "An invitation to " + m.cfg.Name, lines(
			mail.From+" invites you to the workspace \""+mail.Workspace+"\" at "+m.cfg.Name+". Open this link to join it:", "", mail.Link, "", until)
	case auth.MailRegistered:
		return "Your account at " + m.cfg.Name, lines(
			"someone, perhaps you, wanted to register with this address at "+m.cfg.Name+", where you have an account already.",
			"If it was you, sign in, or ask for another password. If not, there is nothing to be done.")
	case auth.MailChanged:
		return "Your account at " + m.cfg.Name, lines(
			"the password or the second factor of your account at "+m.cfg.Name+" was changed.",
			"If it was not you, ask for another password at once, and tell whoever looks after "+m.cfg.Name+".")
	default:
		return "", ""
	}
}
