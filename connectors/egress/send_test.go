package egress_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/egress"
)

func newClient(t *testing.T, policy egress.Policy) *egress.Client {
	t.Helper()
	if policy.Allow == nil {
		policy.Allow = []egress.Rule{{Range: netip.MustParsePrefix("127.0.0.0/8")}}
	}
	client, err := egress.New(policy)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func newRequest(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	return request
}

// get sends a GET and reads the whole response.
func get(t *testing.T, client *egress.Client, address string, options egress.Options) (string, error) {
	t.Helper()
	return read(client.Do(newRequest(t, http.MethodGet, address, ""), options))
}

func read(response *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return string(body), err
}

// resolver answers with addresses by host; each lookup takes the next one, the last stays.
type resolver struct {
	mu      sync.Mutex
	answers map[string][]string
}

func (r *resolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.answers[host]
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(list) > 1 {
		r.answers[host] = list[1:]
	}
	var addrs []netip.Addr
	for text := range strings.SplitSeq(list[0], " ") {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

func portOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	return u.Port()
}

func TestOpenAndClosedInternalPortsAnswerTheSame(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
	client := newClient(t, egress.Policy{Allow: []egress.Rule{}})
	var sentences []string
	for _, port := range []string{portOf(t, server), "1"} {
		_, err := get(t, client, "http://127.0.0.1:"+port, egress.Options{})
		require.Equal(t, egress.CodeDenied, flowforge.CodeOf(err))
		require.True(t, egress.NotSent(err))
		sentences = append(sentences, err.Error())
	}
	require.Equal(t, sentences[0], sentences[1])
	require.Contains(t, sentences[0], "--allow-egress CIDR[:port]")
}

func TestErrorsOfNamesDoNotSayTheirAddress(t *testing.T) {
	t.Parallel()
	names := &resolver{answers: map[string][]string{"db.internal": {"10.20.30.40 fd00::7"}}}
	_, err := get(t, newClient(t, egress.Policy{Resolver: names}), "http://db.internal/", egress.Options{})
	require.Equal(t, egress.CodeDenied, flowforge.CodeOf(err))
	require.NotContains(t, err.Error(), "10.20.30.40")
	require.NotContains(t, err.Error(), "fd00")
}

func TestNameThatChangesItsAddressIsJudgedForEachConnection(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	rule, err := egress.ParseRule("127.0.0.1")
	require.NoError(t, err)
	names := &resolver{answers: map[string][]string{"rebind.example": {"127.0.0.1", "127.0.0.2", "127.0.0.2 127.0.0.1"}}}
	client := newClient(t, egress.Policy{Allow: []egress.Rule{rule}, Resolver: names})
	address := "http://rebind.example:" + portOf(t, server)

	_, err = get(t, client, address, egress.Options{})
	require.NoError(t, err)
	_, err = get(t, client, address, egress.Options{})
	require.Equal(t, egress.CodeDenied, flowforge.CodeOf(err))
	_, err = get(t, client, address, egress.Options{})
	require.NoError(t, err, "of several addresses the allowed one is taken")
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		to := r.URL.Query().Get("to")
		if n := len(r.URL.Query().Get("n")); n > 0 {
			to = "/?n=" + strings.Repeat("x", n-1)
		}
		if to != "" || r.URL.Query().Has("n") && r.URL.Query().Get("n") != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "here")
	})
	client := newClient(t, egress.Policy{})
	to := func(target string) string { return server.URL + "/?to=" + url.QueryEscape(target) }
	for _, test := range []struct {
		name, address string
		want          flowforge.Code
	}{
		{"relative", to("/there"), ""},
		{"five", server.URL + "/?n=xxxxx", ""},
		{"six", server.URL + "/?n=xxxxxx", egress.CodeRedirect},
		{"metadata", to("http://169.254.169.254/latest/meta-data"), egress.CodeDenied},
		{"private", to("http://10.0.0.1/"), egress.CodeDenied},
		{"mapped", to("http://[::ffff:127.0.0.1]/"), egress.CodeDenied},
		{"decimal", to("http://2130706433/"), egress.CodeInvalid},
		{"userinfo", to("http://a:b@127.0.0.1/"), egress.CodeInvalid},
		{"file", to("file:///etc/passwd"), egress.CodeInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body, err := get(t, client, test.address, egress.Options{})
			require.Equal(t, test.want, flowforge.CodeOf(err), err)
			if test.want == "" {
				require.Equal(t, "here", body)
				return
			}
			require.False(t, egress.NotSent(err), "the first hop was")
		})
	}
	response, err := client.Do(newRequest(t, http.MethodGet, to("/there"), ""), egress.Options{NoRedirects: true})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusFound, response.StatusCode)
}

func TestRedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	t.Parallel()
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("followed") })
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	_, err := get(t, newClient(t, egress.Policy{RootCAs: roots}), secure.URL, egress.Options{})
	require.Equal(t, egress.CodeRedirect, flowforge.CodeOf(err))

	_, err = get(t, newClient(t, egress.Policy{}), secure.URL, egress.Options{})
	require.Equal(t, egress.CodeTLS, flowforge.CodeOf(err))
	require.True(t, egress.NotSent(err))
	require.Contains(t, err.Error(), "not trusted")
}

func TestCredentialsStayWithTheirOrigin(t *testing.T) {
	t.Parallel()
	type seen struct{ auth, cookie, key, accept, path string }
	var first, other []seen
	record := func(into *[]seen, next func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			*into = append(*into, seen{
				r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Api-Key"), r.Header.Get("Accept"), r.URL.Path,
			})
			next(w, r)
		}
	}
	var home *httptest.Server
	away := serve(t, record(&other, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, home.URL+"/back", http.StatusFound)
	}))
	home = serve(t, record(&first, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/start":
			http.Redirect(w, r, "/same", http.StatusFound)
		case "/same":
			http.Redirect(w, r, away.URL+"/away", http.StatusFound)
		}
	}))
	request := newRequest(t, http.MethodGet, home.URL+"/start", "")
	request.Header.Set("Authorization", "the author's")
	request.Header.Set("Cookie", "a=b")
	request.Header.Set("Accept", "text/plain")
	_, err := read(newClient(t, egress.Policy{}).Do(request, egress.Options{Authorize: func(hop *http.Request) error {
		hop.Header.Set("X-Api-Key", "key")
		return nil
	}}))
	require.NoError(t, err)
	require.Equal(t, []seen{
		{"the author's", "a=b", "key", "text/plain", "/start"},
		{"the author's", "a=b", "key", "text/plain", "/same"},
		{accept: "text/plain", path: "/back"},
	}, first)
	require.Equal(t, []seen{{accept: "text/plain", path: "/away"}}, other)
}

func TestBodyAndMethodThroughRedirects(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &status); err == nil {
			http.Redirect(w, r, "/end", status)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, body, r.Header.Get("Content-Type"))
	})
	client := newClient(t, egress.Policy{})
	for _, test := range []struct {
		method string
		status int
		want   string
	}{
		{http.MethodPost, 301, "GET  "},
		{http.MethodPost, 302, "GET  "},
		{http.MethodPost, 303, "GET  "},
		{http.MethodPut, 303, "GET  "},
		{http.MethodPut, 302, "PUT body text/plain"},
		{http.MethodPost, 307, "POST body text/plain"},
		{http.MethodPost, 308, "POST body text/plain"},
	} {
		request := newRequest(t, test.method, fmt.Sprintf("%s/%d", server.URL, test.status), "body")
		request.Header.Set("Content-Type", "text/plain")
		body, err := read(client.Do(request, egress.Options{}))
		require.NoError(t, err)
		require.Equal(t, test.want, body, "%s %d", test.method, test.status)
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	client := newClient(t, egress.Policy{})
	for _, header := range []http.Header{
		{"X": {"a\r\nEvil: 1"}},
		{"X": {"a\nb"}},
		{"X": {"a\rb"}},
		{"X": {"a\x00b"}},
		{"X": {"ok", "a\x7f"}},
		{"X\r\nEvil": {"1"}},
		{"X Y": {"1"}},
		{"": {"1"}},
		{"X:": {"1"}},
		{"Ä": {"1"}},
		{"Host": {"evil"}},
		{"host": {"evil"}},
		{"Connection": {"X"}},
		{"Transfer-Encoding": {"chunked"}},
		{"te": {"trailers"}},
		{"Trailer": {"X"}},
		{"Upgrade": {"h2c"}},
		{"Keep-Alive": {"1"}},
		{"Proxy-Authorization": {"x"}},
		{"Content-Length": {"1"}},
		{"Expect": {"100-continue"}},
		{"Proxy-Connection": {"x"}},
	} {
		request := newRequest(t, http.MethodGet, server.URL, "")
		request.Header = header
		_, err := read(client.Do(request, egress.Options{}))
		require.Equal(t, egress.CodeInvalid, flowforge.CodeOf(err), "%q", header)
		require.True(t, egress.NotSent(err))
		_, err = get(t, client, server.URL, egress.Options{Authorize: func(hop *http.Request) error {
			hop.Header = header
			return nil
		}})
		require.Equal(t, egress.CodeInvalid, flowforge.CodeOf(err), "a credential's %q", header)
	}
	request := newRequest(t, http.MethodGet, server.URL, "")
	request.Host = "evil.example"
	_, err := read(client.Do(request, egress.Options{}))
	require.Equal(t, egress.CodeInvalid, flowforge.CodeOf(err))
	_, err = get(t, client, server.URL, egress.Options{Authorize: func(hop *http.Request) error {
		hop.URL.Host = "evil.example"
		return nil
	}})
	require.Equal(t, egress.CodeInvalid, flowforge.CodeOf(err))
}

func TestLimitOfResponse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "101")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 50))
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, strings.Repeat("x", 50))
		if r.URL.Path != "/exact" {
			_, _ = io.WriteString(w, "x")
		}
	})
	client := newClient(t, egress.Policy{Limits: egress.Limits{Response: 100}})
	body, err := get(t, client, server.URL+"/exact", egress.Options{})
	require.NoError(t, err)
	require.Len(t, body, 100)
	for _, path := range []string{"/length", "/chunked"} {
		_, err = get(t, client, server.URL+path, egress.Options{})
		require.Equal(t, egress.CodeTooLarge, flowforge.CodeOf(err), path)
	}
}

func compress(t *testing.T, encoding string, plain []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	var writer io.WriteCloser
	switch encoding {
	case "gzip":
		writer = gzip.NewWriter(&buffer)
	case "deflate":
		writer = zlib.NewWriter(&buffer)
	default:
		var err error
		writer, err = flate.NewWriter(&buffer, flate.BestCompression)
		require.NoError(t, err)
	}
	_, err := writer.Write(plain)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return buffer.Bytes()
}

func TestInflate(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("some text that is said again. ", 100))
	for _, test := range []struct {
		name, encoding string
		body           []byte
		want           flowforge.Code
	}{
		{"gzip", "gzip", compress(t, "gzip", text), ""},
		{"zlib", "deflate", compress(t, "deflate", text), ""},
		{"bare deflate", "deflate", compress(t, "bare", text), ""},
		{"bomb of gzip", "gzip", compress(t, "gzip", make([]byte, 9<<20)), egress.CodeTooLarge},
		{"bomb of deflate", "deflate", compress(t, "bare", make([]byte, 9<<20)), egress.CodeTooLarge},
		{"broken", "gzip", []byte("not gzip at all, is it?"), egress.CodeEncoding},
		{"cut off", "gzip", compress(t, "gzip", text)[:30], egress.CodeEncoding},
		{"not asked for", "br", text, egress.CodeEncoding},
		{"twice", "gzip, gzip", compress(t, "gzip", compress(t, "gzip", text)), egress.CodeEncoding},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip, deflate" {
					t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
				}
				w.Header().Set("Content-Encoding", test.encoding)
				_, _ = w.Write(test.body)
			})
			request := newRequest(t, http.MethodGet, server.URL, "")
			request.Header["accept-encoding"] = []string{"br"}
			body, err := read(newClient(t, egress.Policy{}).Do(request, egress.Options{}))
			require.Equal(t, test.want, flowforge.CodeOf(err), err)
			if test.want == "" {
				require.Equal(t, string(text), body)
			}
		})
	}
}

func TestLimitOfInflatedSize(t *testing.T) {
	t.Parallel()
	packed := compress(t, "gzip", make([]byte, 2000))
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.Method != http.MethodHead {
			_, _ = w.Write(packed)
		}
	})
	client := newClient(t, egress.Policy{Limits: egress.Limits{Response: 1999}})
	_, err := get(t, client, server.URL, egress.Options{})
	require.Equal(t, egress.CodeTooLarge, flowforge.CodeOf(err))
	body, err := read(client.Do(newRequest(t, http.MethodHead, server.URL, ""), egress.Options{}))
	require.NoError(t, err)
	require.Empty(t, body)
}

func TestLimitOfHeaders(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size := 60 << 10
		if r.URL.Path == "/more" {
			size = 70 << 10
		}
		w.Header().Set("X-Large", strings.Repeat("x", size))
	})
	secure := httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	client := newClient(t, egress.Policy{RootCAs: roots})
	for _, address := range []string{serve(t, handler).URL, secure.URL} {
		_, err := get(t, client, address, egress.Options{})
		require.NoError(t, err)
		_, err = get(t, client, address+"/more", egress.Options{})
		require.Equal(t, egress.CodeTooLarge, flowforge.CodeOf(err), address)
		require.Contains(t, err.Error(), "headers")
	}
}

func TestLimitOfTime(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "some")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	client := newClient(t, egress.Policy{Limits: egress.Limits{Time: 50 * time.Millisecond}})
	for _, path := range []string{"/head", "/body"} {
		_, err := get(t, client, server.URL+path, egress.Options{})
		require.Equal(t, egress.CodeTimeout, flowforge.CodeOf(err), path)
	}
	request := newRequest(t, http.MethodGet, server.URL+"/body", "")
	ctx, cancel := context.WithCancel(t.Context())
	response, err := client.Do(request.WithContext(ctx), egress.Options{Time: time.Hour})
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(response.Body)
	require.NoError(t, response.Body.Close())
	require.Equal(t, flowforge.CodeCanceled, flowforge.CodeOf(err))
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err = read(client.Do(request.WithContext(ctx), egress.Options{}))
	require.Equal(t, flowforge.CodeTimeout, flowforge.CodeOf(err))
	require.True(t, egress.NotSent(err))
}

func TestConnectionsAreShared(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, egress.Policy{})
	for range 20 {
		_, err := get(t, client, server.URL, egress.Options{})
		require.NoError(t, err)
	}
	request := newRequest(t, http.MethodGet, server.URL, "")
	_, err := read(client.HTTPClient().Do(request))
	require.NoError(t, err)
	require.EqualValues(t, 1, opened.Load())
}

func TestCodesOfConnectionErrors(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	broken := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	client := newClient(t, egress.Policy{Resolver: &resolver{}})
	for _, test := range []struct {
		name, address string
		want          flowforge.Code
		notSent       bool
	}{
		{"refused", closed.URL, egress.CodeConnect, true},
		{"unknown name", "http://nobody.example/", egress.CodeDNS, true},
		{"no TLS there", "https" + strings.TrimPrefix(broken.URL, "http"), egress.CodeTLS, true},
		{"lost before the headers", broken.URL, egress.CodeLost, false},
		{"lost in the body", broken.URL + "/body", egress.CodeLost, false},
	} {
		_, err := get(t, client, test.address, egress.Options{})
		require.Equal(t, test.want, flowforge.CodeOf(err), "%s: %v", test.name, err)
		require.Equal(t, test.notSent, egress.NotSent(err), test.name)
		require.NotRegexp(t, `127\.0\.0\.1:\d`, err.Error(), test.name)
	}
}

func TestRequestWithKeyIsNotSentTwice(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if r.Header.Get("Idempotency-Key") != "k" {
				t.Error("the key is not sent")
			}
			posts.Add(1)
			panic(http.ErrAbortHandler)
		}
	})
	client := newClient(t, egress.Policy{})
	_, err := get(t, client, server.URL, egress.Options{}) // so that the POST takes a connection used before
	require.NoError(t, err)
	request := newRequest(t, http.MethodPost, server.URL, "x")
	request.Header.Set("Idempotency-Key", "k")
	_, err = read(client.Do(request, egress.Options{}))
	require.Equal(t, egress.CodeLost, flowforge.CodeOf(err))
	require.False(t, egress.NotSent(err))
	require.EqualValues(t, 1, posts.Load())
}

func TestProxyIsTheOperatorsOnly(t *testing.T) {
	var asked []string
	proxy := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	_, err := get(t, newClient(t, egress.Policy{Resolver: &resolver{}}), "http://nobody.example/", egress.Options{})
	require.Equal(t, egress.CodeDNS, flowforge.CodeOf(err))
	require.Empty(t, asked)

	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	client := newClient(t, egress.Policy{Allow: []egress.Rule{}, Proxy: address})
	_, err = get(t, client, "http://somebody.example/path", egress.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"http://somebody.example/path"}, asked)
	_, err = get(t, client, "http://10.0.0.1/", egress.Options{})
	require.Equal(t, egress.CodeDenied, flowforge.CodeOf(err))

	address.Scheme = "socks5"
	_, err = egress.New(egress.Policy{Proxy: address})
	require.Error(t, err)
	_, err = egress.New(egress.Policy{Limits: egress.Limits{Response: -1}})
	require.Error(t, err)
}

func TestDialContext(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	conn, err := newClient(t, egress.Policy{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	closedClient := newClient(t, egress.Policy{Allow: []egress.Rule{}})
	for address, want := range map[string]flowforge.Code{
		server.Listener.Addr().String(): egress.CodeDenied,
		"2130706433:80":                 egress.CodeInvalid,
		"127.1:80":                      egress.CodeInvalid,
		"example.com":                   egress.CodeInvalid,
	} {
		_, err := closedClient.DialContext(t.Context(), "tcp", address)
		require.Equal(t, want, flowforge.CodeOf(err), address)
	}
	_, err = closedClient.DialContext(t.Context(), "unix", "/run/docker.sock")
	require.Equal(t, egress.CodeInvalid, flowforge.CodeOf(err))
}
