// Package egress is the one way out: every connection that a workflow causes is made by its Client. It judges
// the resolved address of each connection, refuses odd ways of writing a host, follows few redirects and takes
// credentials off those that lead elsewhere, and bounds time, headers, body and inflation of what comes back.
// Its errors have stable codes and say how an operator may allow what was refused, never which address a name
// has. It knows nothing of nodes; package connectors does.
package egress

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Policy is what the operator allows. The zero Policy allows public addresses only.
type Policy struct {
	Allow    []Rule         // special addresses that may be reached all the same
	Limits   Limits         // zero fields mean their defaults
	Proxy    *url.URL       // "http://host:port"; nil: none, whatever the environment says. It judges the addresses of names
	RootCAs  *x509.CertPool // nil: the system's
	Resolver Resolver       // nil: the system's
}

// Limits bound one request. A zero field means its default.
type Limits struct {
	Response  int64         // bytes of a response body, after inflating; default 10 MiB
	Header    int64         // bytes of the response headers; default 64 KiB
	Time      time.Duration // from the first lookup to the last byte of the body, redirects included; default 30 s
	Ratio     int           // inflated bytes for each byte received, beyond the first 64 KiB; default 100
	Redirects int           // followed at most; default 5; negative: none
}

// The default limits.
const (
	DefaultResponse  = 10 << 20
	DefaultHeader    = 64 << 10
	DefaultTime      = 30 * time.Second
	DefaultRatio     = 100
	DefaultRedirects = 5
)

// The codes of errors.
const (
	CodeDenied   flowforge.Code = "egress_denied"   // the address may not be reached
	CodeInvalid  flowforge.Code = "egress_invalid"  // the URL, the host's notation or a header is refused
	CodeDNS      flowforge.Code = "egress_dns"      // the host's name has no address, or none could be asked for
	CodeConnect  flowforge.Code = "egress_connect"  // no connection could be made
	CodeTLS      flowforge.Code = "egress_tls"      // the certificate or the handshake failed
	CodeTimeout  flowforge.Code = "egress_timeout"  // Limits.Time has passed
	CodeLost     flowforge.Code = "egress_lost"     // the connection broke before the response was complete
	CodeRedirect flowforge.Code = "egress_redirect" // too many redirects, or from https to http
	CodeEncoding flowforge.Code = "egress_encoding" // the body is compressed in a way that is broken or unknown
	CodeTooLarge flowforge.Code = "response_too_large"
)

const (
	connectTime      = 10 * time.Second
	idleTime         = 90 * time.Second
	idleConns        = 256
	idleConnsPerHost = 16
	userAgent        = "flowforge"
)

// Client sends requests as its Policy allows. It is safe for concurrent use and shares its connections.
type Client struct {
	limits    Limits
	guard     *guard
	proxied   bool
	transport *http.Transport
}

// New makes a client. A negative limit or a proxy that is not an http or https URL is an error.
func New(policy Policy) (*Client, error) {
	limits, err := policy.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	resolver := policy.Resolver
	if resolver == nil {
		resolver = &net.Resolver{}
	}
	c := &Client{limits: limits, guard: &guard{allow: policy.Allow, resolver: resolver, judge: newJudge()}}
	c.transport = &http.Transport{
		DialContext:            c.guard.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: policy.RootCAs},
		TLSHandshakeTimeout:    connectTime,
		DisableCompression:     true, // we inflate, so that the ratio can be watched
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: limits.Header,
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idleConnsPerHost,
		IdleConnTimeout:        idleTime,
	}
	if policy.Proxy != nil {
		if s := policy.Proxy.Scheme; s != "http" && s != https || policy.Proxy.Host == "" {
			return nil, flowforge.Errorf(CodeInvalid, "the egress proxy is not an http or https URL")
		}
		c.proxied = true
		c.transport.Proxy = http.ProxyURL(policy.Proxy)
		// With a proxy nothing else is ever dialed for HTTP, and the operator named it.
		c.transport.DialContext = (&net.Dialer{Timeout: connectTime}).DialContext
	}
	return c, nil
}

func (l Limits) withDefaults() (Limits, error) {
	if l.Response < 0 || l.Header < 0 || l.Time < 0 || l.Ratio < 0 {
		return l, flowforge.Errorf(CodeInvalid, "an egress limit is negative")
	}
	if l.Response == 0 {
		l.Response = DefaultResponse
	}
	if l.Header == 0 {
		l.Header = DefaultHeader
	}
	if l.Time == 0 {
		l.Time = DefaultTime
	}
	if l.Ratio == 0 {
		l.Ratio = DefaultRatio
	}
	switch {
	case l.Redirects == 0:
		l.Redirects = DefaultRedirects
	case l.Redirects < 0:
		l.Redirects = 0
	}
	return l, nil
}

// Limits gives the limits in force.
func (c *Client) Limits() Limits { return c.limits }

// HTTPClient gives the client in the form that libraries take. It follows redirects as Do does.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: roundTripper{c}} }

// roundTripper is a Client as an http.RoundTripper.
type roundTripper struct{ client *Client }

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	return r.client.Do(request, Options{})
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.transport.CloseIdleConnections() }
