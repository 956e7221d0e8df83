package egress

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Options say more about one request.
type Options struct {
	// Authorize puts credentials on a request. It is called for the first hop and for each that follows to the
	// same scheme, host and port; after the first redirect elsewhere it is not called any more. Nil: none.
	Authorize func(hop *http.Request) error

	// NoRedirects gives redirects to the caller instead of following them.
	NoRedirects bool

	// Time is used instead of Limits.Time, and may be longer: a connector's code sets it for a service known to
	// be slow. It is never taken from a document unbounded. 0: Limits.Time.
	Time time.Duration
}

// Do sends a request and follows redirects, as the policy allows. The body of the response is inflated and
// bounded: reading beyond a limit is an error. The caller closes it. Every error is a *flowforge.Error of one of
// the codes of this package, or of CodeCanceled or CodeTimeout where the request's own context has ended, or
// what Authorize returned; NotSent tells more.
func (c *Client) Do(request *http.Request, options Options) (*http.Response, error) {
	if err := checkRequest(request); err != nil {
		closeBody(request)
		return nil, &unsent{err}
	}
	limit := c.limits.Time
	if options.Time > 0 {
		limit = options.Time
	}
	caller := request.Context()
	ctx, cancel := context.WithTimeoutCause(caller, limit, errLimit)
	s := &sending{client: c, options: options, caller: caller, first: origin(request.URL), authorized: true}
	response, err := s.follow(request.Clone(ctx))
	if err != nil {
		cancel()
		if !s.isSent() {
			return nil, &unsent{err}
		}
		return nil, err
	}
	response.Body = &guardedBody{
		from: response.Body, caller: caller, ctx: ctx, cancel: cancel, left: c.limits.Response, host: response.Request.URL.Host,
	}
	if err := inflate(response, c.limits); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

// sending is one request on its way through its hops.
type sending struct {
	client     *Client
	options    Options
	caller     context.Context //nolint:containedctx // To tell its end from that of our own limit.
	first      string          // origin of the first hop
	authorized bool            // no redirect has led elsewhere
	hops       int
	connected  atomic.Bool
}

// isSent reports whether a byte of the request may have reached a server.
func (s *sending) isSent() bool { return s.hops > 0 || s.connected.Load() }

func (s *sending) follow(request *http.Request) (*http.Response, error) {
	for {
		response, err := s.hop(request)
		if err != nil {
			return nil, err
		}
		location := response.Header.Get("Location")
		if s.options.NoRedirects || location == "" || !isRedirect(response.StatusCode) {
			return response, nil
		}
		next, err := s.next(request, response.StatusCode, location)
		if next == nil && err == nil {
			return response, nil
		}
		discard(response)
		if err != nil {
			return nil, err
		}
		request = next
		s.hops++
	}
}

// hop sends one request and does not follow its answer.
func (s *sending) hop(request *http.Request) (*http.Response, error) {
	host := request.URL.Host
	if err := s.client.checkLiteral(request.URL); err != nil {
		closeBody(request)
		return nil, err
	}
	wire := request.Clone(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { s.connected.Store(true) },
	}))
	if s.options.Authorize != nil && s.authorized {
		if err := s.options.Authorize(wire); err != nil {
			closeBody(request)
			return nil, err
		}
		// What a credential brings is judged as everything else, and must not lead elsewhere.
		if err := checkRequest(wire); err != nil || origin(wire.URL) != s.first {
			closeBody(request)
			return nil, flowforge.Errorf(CodeInvalid,
				"the credential cannot be put on a request: its name or value has characters that no header may have")
		}
	}
	finish(wire.Header)
	response, err := s.client.transport.RoundTrip(wire)
	if err != nil {
		return nil, s.describe(request.Context(), err, host)
	}
	response.Request = request // without the credential
	return response, nil
}

// describe turns an error of the transport into ours.
func (s *sending) describe(ctx context.Context, err error, host string) error {
	if ended := endOf(s.caller, ctx); ended != nil {
		return ended
	}
	return describe(ctx, err, hostOf(host))
}

// checkLiteral judges an address written in the URL at once, so that neither a proxy nor a connection that is
// still open changes the answer.
func (c *Client) checkLiteral(u *url.URL) error {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil //nolint:nilerr // A name is judged by what it resolves to.
	}
	to := netip.MustParseAddrPort(origin(u)[len(u.Scheme)+len("://"):])
	if !c.guard.allows(addr, to.Port()) {
		return denied(u.Hostname())
	}
	return nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// next makes the request that a redirect asks for; nil where its body cannot be sent again.
func (s *sending) next(request *http.Request, status int, location string) (*http.Request, error) {
	if s.hops >= s.client.limits.Redirects {
		return nil, flowforge.Errorf(CodeRedirect, "%s redirects more than %d times", hostOf(request.URL.Host), s.client.limits.Redirects)
	}
	to, err := request.URL.Parse(location)
	if err != nil {
		return nil, flowforge.Errorf(CodeRedirect, "%s redirects to something that is not a URL", hostOf(request.URL.Host))
	}
	if err := checkURL(to); err != nil {
		return nil, err
	}
	if request.URL.Scheme == https && to.Scheme != https {
		return nil, flowforge.Errorf(CodeRedirect, "%s redirects from https to http, which is refused", hostOf(request.URL.Host))
	}
	next := request.Clone(request.Context())
	next.URL, next.Host = to, ""
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		dropBody(next, status)
	} else if request.Body != nil && request.Body != http.NoBody {
		if request.GetBody == nil {
			return nil, nil //nolint:nilnil // As documented.
		}
		if next.Body, err = request.GetBody(); err != nil {
			return nil, flowforge.Errorf(CodeRedirect, "read the body again for a redirect: %w", err)
		}
	}
	if origin(to) != origin(request.URL) {
		s.authorized = false
		keepHarmless(next.Header)
	}
	return next, nil
}

// dropBody makes a request a GET, as browsers do and RFC 9110, 15.4 allows.
func dropBody(next *http.Request, status int) {
	isSafe := next.Method == http.MethodGet || next.Method == http.MethodHead
	if isSafe || status != http.StatusSeeOther && next.Method != http.MethodPost {
		if next.GetBody != nil {
			if body, err := next.GetBody(); err == nil {
				next.Body = body
			}
		}
		return
	}
	next.Method, next.Body, next.GetBody, next.ContentLength = http.MethodGet, nil, nil, 0
	for name := range next.Header {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "Content-") || http.CanonicalHeaderKey(name) == "Idempotency-Key" {
			delete(next.Header, name)
		}
	}
}

// discard reads the little that a redirect says, so that its connection may be used again.
func discard(response *http.Response) {
	const little = 2 << 10
	_, _ = io.CopyN(io.Discard, response.Body, little)
	_ = response.Body.Close()
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}
