package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/flowforge-go/flowforge"
)

// NotSent reports whether an error of Do came before any byte of the request can have reached a server.
func NotSent(err error) bool {
	_, found := errors.AsType[*unsent](err)
	return found
}

// unsent is an error that came before anything was sent.
type unsent struct{ err error }

func (u *unsent) Error() string { return u.err.Error() }
func (u *unsent) Unwrap() error { return u.err }

// errLimit is the cause of a context that our own limit has ended.
var errLimit = errors.New("egress: time limit")

// endOf gives the error of a request whose time is over, or nil: of the caller's context or of our limit.
func endOf(caller, ctx context.Context) error {
	switch err := caller.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return flowforge.Errorf(flowforge.CodeTimeout, "the request took longer than the time it was given: %w", err)
	case err != nil:
		return flowforge.Errorf(flowforge.CodeCanceled, "the request was canceled: %w", err)
	case ctx.Err() != nil:
		return flowforge.Errorf(CodeTimeout, "the request took longer than an operator's limit allows")
	}
	return nil
}

// describe gives the error of a connection its code, and a sentence without addresses.
func describe(ctx context.Context, err error, host string) error {
	if coded, ok := errors.AsType[*flowforge.Error](err); ok {
		return coded
	}
	if ended := endOf(ctx, ctx); ended != nil {
		return ended
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return flowforge.Errorf(CodeDNS, "the host %s is not known: its name has no address", host)
		}
		return flowforge.Errorf(CodeDNS, "the address of %s could not be found out just now", host)
	}
	if why := tlsReason(err); why != "" {
		return flowforge.Errorf(CodeTLS, "no secure connection to %s: %s", host, why)
	}
	if isHeaderLimit(err.Error()) {
		return flowforge.Errorf(CodeTooLarge, "the response headers of %s are larger than an operator's limit allows", host)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return flowforge.Errorf(CodeConnect, "no connection to %s: %s", host, connectReason(err))
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return flowforge.Errorf(CodeConnect, "no connection to %s: it takes too long to answer", host)
	}
	return flowforge.Errorf(CodeLost, "the connection to %s broke before its response was complete", host)
}

// isHeaderLimit knows the sentences of net/http, which has no error types for them; the last is HTTP/2's for a
// single header above the limit.
func isHeaderLimit(text string) bool {
	return strings.Contains(text, "response headers exceeded") || strings.Contains(text, "response header list larger") ||
		strings.Contains(text, "COMPRESSION_ERROR")
}

func connectReason(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it is refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "there is no way to it"
	}
	return "it cannot be reached"
}

// tlsReason says why a handshake failed; empty: the error is not one of TLS.
func tlsReason(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an authority that is not trusted"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "its certificate has expired or is not valid yet"
		}
		return "its certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate cannot be verified"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS on this port"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "the handshake failed"
	}
	if text := err.Error(); strings.Contains(text, "tls: ") || strings.Contains(text, "TLS handshake") ||
		strings.Contains(text, "HTTP response to HTTPS client") {
		return "the handshake failed"
	}
	return ""
}
