package oauth_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/store/memory"
)

// A provider signs in whoever comes, as "ada".
type provider struct {
	*httptest.Server

	key    *rsa.PrivateKey
	kid    string
	change func(header, claims map[string]any) // of the next ID tokens
	sign   func(input string) []byte           // nil: RS256

	challenge, nonce string // of the latest request
	asked            int    // for keys
}

// theirKey is one for all providers: making it takes longer than a test.
var theirKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := theirKey()
	require.NoError(t, err)
	p := &provider{key: key, kid: "one", change: func(map[string]any, map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked++
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": p.kid, "use": "sig", "alg": "RS256", "n": b64(p.key.N.Bytes()), "e": b64(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func answer(w http.ResponseWriter, x any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(x)
}

func b64(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	verifier := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if r.FormValue("code") != "good" || b64(verifier[:]) != p.challenge || r.FormValue("redirect_uri") != "https://flow.example/callback" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := time.Now().Unix()
	header := map[string]any{"alg": "RS256", "kid": p.kid, "typ": "JWT"}
	claims := map[string]any{
		"iss": p.URL, "aud": "flowforge", "sub": "1234", "exp": now + 300, "iat": now, "nonce": p.nonce,
		"email": "Ada@example.com", "email_verified": true, "name": "Ada", "https://claims.example/x": []int{1},
	}
	p.change(header, claims)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	head, _ := json.Marshal(header)
	body, _ := json.Marshal(claims)
	input := b64(head) + "." + b64(body)
	var signature []byte
	if p.sign != nil {
		signature = p.sign(input)
	} else {
		sum := sha256.Sum256([]byte(input))
		signature, _ = rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	}
	answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": input + "." + b64(signature)})
}

func (p *provider) ours(t *testing.T) *oauth.Provider {
	t.Helper()
	made, err := oauth.New(p.Client(), memory.New(memory.Config{}), oauth.Config{
		Issuer: p.URL, ClientID: "flowforge", ClientSecret: flowforge.NewSecret("s"), RedirectURL: "https://flow.example/callback",
	})
	require.NoError(t, err)
	return made
}

// begin gives the browser's secret and the state, as the provider sends them back.
func (p *provider) begin(t *testing.T, ours *oauth.Provider) (browser, state string) {
	t.Helper()
	address, browser, err := ours.Begin(t.Context())
	require.NoError(t, err)
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	query := parsed.Query()
	require.Equal(t, "S256", query.Get("code_challenge_method"))
	require.Equal(t, "openid email profile", query.Get("scope"))
	require.NotContains(t, address, browser)
	p.challenge, p.nonce = query.Get("code_challenge"), query.Get("nonce")
	return browser, query.Get("state")
}

func TestSomebodySignsIn(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	ours := p.ours(t)
	browser, state := p.begin(t, ours)
	who, err := ours.Finish(t.Context(), browser, state, "good")
	require.NoError(t, err)
	require.Equal(t, auth.Elsewhere{Issuer: p.URL, Subject: "1234", Email: "Ada@example.com", Verified: true, Name: "Ada"}, who)
	_, err = ours.Finish(t.Context(), browser, state, "good")
	require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), "a state is used once")

	for range 2 {
		browser, state = p.begin(t, ours)
		_, err = ours.Finish(t.Context(), browser, state, "good")
		require.NoError(t, err)
	}
	require.Equal(t, 1, p.asked, "keys are remembered")
}

func TestASignInBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	ours := p.ours(t)
	theirs, _ := p.begin(t, ours)
	for _, browser := range []string{theirs, ""} {
		_, state := p.begin(t, ours)
		_, err := ours.Finish(t.Context(), browser, state, "good")
		require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), browser)
	}
	mine, state := p.begin(t, ours)
	for _, other := range []string{"", "invented"} {
		_, err := ours.Finish(t.Context(), mine, other, "good")
		require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), other)
	}
	_, err := ours.Finish(t.Context(), mine, state, "bad")
	require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err))
	mine, state = p.begin(t, ours)
	p.challenge = "of another"
	_, err = ours.Finish(t.Context(), mine, state, "good")
	require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err))
}

func TestHostileIDTokensAreRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(header, claims map[string]any) {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	head := func(name string, value any) func(header, claims map[string]any) {
		return func(header, _ map[string]any) { header[name] = value }
	}
	for name, change := range map[string]func(header, claims map[string]any){
		"another issuer": set("iss", "https://evil.example"), "another client": set("aud", "other"), "no audience": set("aud", nil),
		"among others": set("aud", []string{"flowforge", "other"}), "another party": set("azp", "other"), "another nonce": set("nonce", "x"),
		"no nonce": set("nonce", nil), "expired": set("exp", time.Now().Unix()-60), "no expiry": set("exp", nil),
		"from the future": set("iat", time.Now().Unix()+600), "nobody": set("sub", ""), "a number": set("sub", 7),
		"not signed": head("alg", "none"), "critical": head("crit", []string{"x"}), "another key": head("kid", "two"),
		"another algorithm": head("alg", "RS512"), "a secret": head("alg", "HS256"),
		"in other letters": func(_, claims map[string]any) { claims["Sub"], claims["sub"] = "1234", nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.change = change
			ours := p.ours(t)
			browser, state := p.begin(t, ours)
			_, err := ours.Finish(t.Context(), browser, state, "good")
			require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "ID token")
		})
	}
	t.Run("signed with the public key", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		p.change = head("alg", "HS256")
		p.sign = func(input string) []byte {
			mac := hmac.New(sha256.New, p.key.N.Bytes())
			mac.Write([]byte(input))
			return mac.Sum(nil)
		}
		ours := p.ours(t)
		browser, state := p.begin(t, ours)
		_, err := ours.Finish(t.Context(), browser, state, "good")
		require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err))
	})
}

func TestAudiencesAndAddresses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name     string
		value    any
		verified bool
	}{
		"a list": {"aud", []string{"flowforge"}, true}, "our party": {"azp", "flowforge", true}, "as a text": {"email_verified", "true", true},
		"not verified": {"email_verified", false, false}, "not said": {"email_verified", nil, false}, "said oddly": {"email_verified", 1, false},
	} {
		p := newProvider(t)
		p.change = func(_, claims map[string]any) { claims[test.name] = test.value }
		ours := p.ours(t)
		browser, state := p.begin(t, ours)
		who, err := ours.Finish(t.Context(), browser, state, "good")
		require.NoError(t, err, name)
		require.Equal(t, test.verified, who.Verified, name)
	}
}

func TestAProviderThatIsSetUpWronglyIsRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	good := oauth.Config{Issuer: p.URL + "/", ClientID: "flowforge", RedirectURL: "https://flow.example/callback"}
	made, err := oauth.New(p.Client(), memory.New(memory.Config{}), good)
	require.NoError(t, err)
	_, _, err = made.Begin(t.Context())
	require.Equal(t, oauth.CodeProvider, flowforge.CodeOf(err), "it calls itself otherwise")
	good.Issuer = p.URL + "/missing"
	made, err = oauth.New(p.Client(), memory.New(memory.Config{}), good)
	require.NoError(t, err)
	_, _, err = made.Begin(t.Context())
	require.Equal(t, oauth.CodeProvider, flowforge.CodeOf(err))
	for _, issuer := range []string{"", "http://id.example", "id.example", "https://", "ftp://id.example", strings.Repeat("x", 10), "https://a:b@id.example"} {
		good.Issuer = issuer
		_, err := oauth.New(p.Client(), memory.New(memory.Config{}), good)
		require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err), issuer)
	}
}
