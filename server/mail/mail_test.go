package mail_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/mail"
)

// postOffice takes mails as RFC 5321 has it, and gives what it was sent. It answers MAIL with a code.
func postOffice(t *testing.T, code string) (string, <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	taken := make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn, code, taken)
		}
	}()
	return listener.Addr().String(), taken
}

func serve(conn net.Conn, code string, taken chan<- string) {
	defer func() { _ = conn.Close() }()
	say := func(line string) { _, _ = conn.Write([]byte(line + "\r\n")) }
	say("220 here")
	var whole strings.Builder
	lines, inData := bufio.NewScanner(conn), false
	for lines.Scan() {
		line := lines.Text()
		verb, _, _ := strings.Cut(line, " ")
		whole.WriteString(line + "\n")
		switch {
		case inData && line == ".":
			inData = false
			taken <- whole.String()
			say("250 taken")
		case inData:
		case verb == "EHLO":
			say("250-here\r\n250 8BITMIME")
		case verb == "MAIL":
			say(code + " sender")
		case verb == "DATA":
			inData = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func config(address string) mail.Config {
	return mail.Config{Address: address, From: "FlowForge <flow@example.com>", Security: mail.Plain, Timeout: 5 * time.Second}
}

func TestEachKindOfMailIsSent(t *testing.T) {
	t.Parallel()
	address, taken := postOffice(t, "250")
	m, err := mail.New(config(address))
	require.NoError(t, err)
	link := "https://flow.example.com/join#0123456789"
	for kind, wants := range map[auth.MailKind][]string{
		auth.MailVerify:     {"Hello Ada,", link, "9 July 2026, 10:11 UTC"},
		auth.MailReset:      {"another password", link},
		auth.MailInvite:     {"Grace invites you", `"Acme"`, link},
		auth.MailRegistered: {"an account already"},
		auth.MailChanged:    {"was changed"},
	} {
		require.NoError(t, m.Send(t.Context(), auth.Mail{
			Kind: kind, To: "ada@example.com", Name: "Ada", From: "Grace", Workspace: "Acme", Link: link,
			ExpiresAt: time.Date(2026, 7, 9, 10, 11, 12, 0, time.UTC),
		}))
		sent := strings.ReplaceAll(<-taken, "=\n", "") // quoted-printable, RFC 2045
		require.Contains(t, sent, "RCPT TO:<ada@example.com>")
		require.Contains(t, sent, "MAIL FROM:<flow@example.com>")
		for _, want := range wants {
			require.Contains(t, sent, want, kind)
		}
	}
	err = m.Send(t.Context(), auth.Mail{Kind: "other", To: "ada@example.com"})
	require.Equal(t, flowforge.CodeUnsupported, flowforge.CodeOf(err))
}

func TestNamesWriteNoHeaders(t *testing.T) {
	t.Parallel()
	address, taken := postOffice(t, "250")
	m, err := mail.New(config(address))
	require.NoError(t, err)
	evil := "x\r\nBcc: eve@example.com\r\n\r\n"
	require.NoError(t, m.Send(t.Context(), auth.Mail{Kind: auth.MailInvite, To: "ada@example.com", Name: evil, From: evil, Workspace: evil}))
	header, _, _ := strings.Cut(<-taken, "\n\n")
	require.NotContains(t, header, "eve@example.com")
	err = m.Send(t.Context(), auth.Mail{Kind: auth.MailVerify, To: "ada@example.com\r\nBcc: eve@example.com"})
	require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err))
}

func TestAServerThatRefusesIsAnOutage(t *testing.T) {
	t.Parallel()
	address, _ := postOffice(t, "550")
	verify := auth.Mail{Kind: auth.MailVerify, To: "ada@example.com"}
	m, err := mail.New(config(address))
	require.NoError(t, err)
	require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(m.Send(t.Context(), verify)))

	// Without saying so nothing is sent over a connection that others can read.
	open, taken := postOffice(t, "250")
	strict := config(open)
	strict.Security = ""
	m, err = mail.New(strict)
	require.NoError(t, err)
	require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(m.Send(t.Context(), verify)))
	require.Empty(t, taken)
}

func TestWhatIsConfiguredWronglyIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *mail.Config){
		"no port":   func(c *mail.Config) { c.Address = "localhost" },
		"a word":    func(c *mail.Config) { c.Address = "localhost:smtp" },
		"no sender": func(c *mail.Config) { c.From = "" },
		"security":  func(c *mail.Config) { c.Security = "some" },
		"port 0":    func(c *mail.Config) { c.Address = "localhost:0" },
	} {
		cfg := config("localhost:25")
		change(&cfg)
		_, err := mail.New(cfg)
		require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err), name)
	}
}
