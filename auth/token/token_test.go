package token_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func TestATokenSaysWhatWasSigned(t *testing.T) {
	t.Parallel()
	c := newClock()
	i := issuer(&shelf{}, c)
	access, made, err := i.Sign(t.Context(), someone)
	require.NoError(t, err)
	claims, err := i.Verify(t.Context(), access)
	require.NoError(t, err)
	require.Equal(t, made, claims)
	require.Equal(t, c.at.Add(10*time.Minute), claims.ExpiresAt)
	require.NotEqual(t, access, signed(t, i), "two tokens have two IDs")

	parts := strings.Split(access, ".")
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	var members map[string]string
	require.NoError(t, json.Unmarshal(head, &members))
	require.Equal(t, "EdDSA", members["alg"])
	require.Equal(t, "at+jwt", members["typ"])
	require.Len(t, members, 3)
}

func TestATokenHasItsTime(t *testing.T) {
	t.Parallel()
	c := newClock()
	i := issuer(&shelf{}, c)
	access := signed(t, i)
	c.at = c.at.Add(10*time.Minute - time.Second)
	_, err := i.Verify(t.Context(), access)
	require.NoError(t, err)
	c.at = c.at.Add(time.Second)
	refuses(t, i, access, "expired")
	c.at = c.at.Add(-11 * time.Minute)
	refuses(t, i, access, "future")
}

// A forge signs what it is told to, with a key that the issuer knows.
type forge struct {
	key     ed25519.PrivateKey
	kid     string
	clock   *clock
	payload map[string]any
}

func newForge(t *testing.T) (*forge, *shelf) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	c := newClock()
	keys := &shelf{set: auth.KeySet{Revision: 1, Keys: []auth.SigningKey{
		{ID: "mine", State: auth.KeyRetired, Public: public},
		{ID: "short", State: auth.KeyRetired, Public: public[:5]},
	}}}
	return &forge{key: private, kid: "mine", clock: c, payload: map[string]any{
		"iss": "https://flow.example", "aud": "api", "sub": "user", "wid": "acme", "jti": "id", "sid": "session", "tv": 7,
		"iat": c.at.Unix(), "nbf": c.at.Unix(), "exp": c.at.Unix() + 600,
	}}, keys
}

func (f *forge) header(more map[string]any) string {
	head := map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": f.kid}
	maps.Copy(head, more)
	text, _ := json.Marshal(head)
	return string(text)
}

func (f *forge) claims(more map[string]any) string {
	claims := maps.Clone(f.payload)
	maps.Copy(claims, more)
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	text, _ := json.Marshal(claims)
	return string(text)
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func (f *forge) sign(header, payload string) string {
	signing := b64(header) + "." + b64(payload)
	return signing + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(f.key, []byte(signing)))
}

func TestHostileTokensAreRefused(t *testing.T) {
	t.Parallel()
	f, keys := newForge(t)
	i := issuer(keys, f.clock)
	good := f.sign(f.header(nil), f.claims(nil))
	_, err := i.Verify(t.Context(), good)
	require.NoError(t, err, "what the others are made from is good")
	parts := strings.Split(good, ".")
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	theirs := &forge{key: stranger, kid: "mine", clock: f.clock, payload: f.payload}
	public, _ := f.key.Public().(ed25519.PublicKey)
	mac := hmac.New(sha256.New, public)
	confused := b64(f.header(map[string]any{"alg": "HS256"})) + "." + parts[1]
	mac.Write([]byte(confused))
	confused += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	head := func(more map[string]any) string { return f.sign(f.header(more), f.claims(nil)) }
	body := func(more map[string]any) string { return f.sign(f.header(nil), f.claims(more)) }

	for name, test := range map[string]struct{ token, why string }{
		"empty":                     {"", "compact"},
		"dots":                      {"..", "compact"},
		"no signature":              {parts[0] + "." + parts[1] + ".", "compact"},
		"two parts":                 {parts[0] + "." + parts[1], "compact"},
		"four parts":                {good + "." + parts[2], "compact"},
		"five parts, as a JWE":      {good + ".a.b", "compact"},
		"alg none":                  {head(map[string]any{"alg": "none"}), "EdDSA"},
		"alg None":                  {head(map[string]any{"alg": "None"}), "EdDSA"},
		"alg HS256, our key":        {confused, "EdDSA"},
		"alg RS256":                 {head(map[string]any{"alg": "RS256"}), "EdDSA"},
		"alg in lower case":         {head(map[string]any{"alg": "eddsa"}), "EdDSA"},
		"alg null":                  {head(map[string]any{"alg": nil}), "EdDSA"},
		"alg a list":                {head(map[string]any{"alg": []string{"EdDSA"}}), "no text"},
		"typ JWT":                   {head(map[string]any{"typ": "JWT"}), "no access token"},
		"typ of another kind":       {head(map[string]any{"typ": "application/at+jwt"}), "no access token"},
		"no typ":                    {f.sign(`{"alg":"EdDSA","kid":"mine"}`, f.claims(nil)), "no access token"},
		"no kid":                    {f.sign(`{"alg":"EdDSA","typ":"at+jwt"}`, f.claims(nil)), "names no key"},
		"kid of another":            {head(map[string]any{"kid": "yours"}), "none of our keys"},
		"kid as a path":             {head(map[string]any{"kid": "../../dev/null"}), "none of our keys"},
		"kid of a broken key":       {head(map[string]any{"kid": "short"}), "none of our keys"},
		"jku":                       {head(map[string]any{"jku": "https://evil.example/keys"}), "fields"},
		"jwk":                       {head(map[string]any{"jwk": map[string]any{"kty": "OKP"}}), "fields"},
		"x5u":                       {head(map[string]any{"x5u": "https://evil.example/cert"}), "fields"},
		"x5c":                       {head(map[string]any{"x5c": []string{"MII"}}), "fields"},
		"crit":                      {head(map[string]any{"crit": []string{"exp"}}), "fields"},
		"b64":                       {head(map[string]any{"b64": false}), "fields"},
		"zip":                       {head(map[string]any{"zip": "DEF"}), "fields"},
		"alg twice":                 {f.sign(`{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"mine"}`, f.claims(nil)), "twice"},
		"kid twice":                 {f.sign(`{"alg":"EdDSA","typ":"at+jwt","kid":"a","kid":"mine"}`, f.claims(nil)), "twice"},
		"kid twice, escaped":        {f.sign(`{"alg":"EdDSA","typ":"at+jwt","kid":"a","\u006bid":"mine"}`, f.claims(nil)), "twice"},
		"header no object":          {f.sign(`["alg"]`, f.claims(nil)), "no JSON object"},
		"header cut off":            {f.sign(`{"alg":"EdDSA"`, f.claims(nil)), "no JSON"},
		"header and more":           {f.sign(f.header(nil)+"{}", f.claims(nil)), "follows"},
		"header not UTF-8":          {f.sign(f.header(map[string]any{"kid": "x"})[:3]+"\xff", f.claims(nil)), "UTF-8"},
		"another's signature":       {theirs.sign(f.header(nil), f.claims(nil)), "signature"},
		"signature of nothing":      {parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), "signature"},
		"short signature":           {parts[0] + "." + parts[1] + ".AAAA", "signature"},
		"payload exchanged":         {parts[0] + "." + b64(f.claims(map[string]any{"sub": "root"})) + "." + parts[2], "signature"},
		"header exchanged":          {b64(f.header(map[string]any{"kid": "mine"})+" ") + "." + parts[1] + "." + parts[2], "signature"},
		"padded":                    {good + "==", "base64url"},
		"line break":                {parts[0] + "." + parts[1] + "." + parts[2][:10] + "\n" + parts[2][10:], "compact"},
		"space":                     {" " + good, "base64url"},
		"other bits at the end":     {good[:len(good)-1] + string(good[len(good)-1]+1), "base64url"},
		"standard base64":           {parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 43), "base64url"},
		"too long":                  {body(map[string]any{"sub": strings.Repeat("x", 4<<10)}), "longer"},
		"JSON serialisation":        {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, "compact"},
		"JSON, with dots":           {`{"payload":"` + parts[1] + `","signatures":[{"a":".."}]}`, "base64url"},
		"Bearer":                    {"Bearer " + good, "base64url"},
		"expired":                   {body(map[string]any{"exp": f.clock.at.Unix()}), "expired"},
		"expires as a text":         {body(map[string]any{"exp": "9999999999"}), "no integer"},
		"expires in a fraction":     {body(map[string]any{"exp": 1e10 + 0.5}), "no integer"},
		"expires beyond all":        {f.sign(f.header(nil), strings.Replace(f.claims(nil), `"exp":`, `"exp":1e999, "x":`, 1)), "claims"},
		"not before tomorrow":       {body(map[string]any{"nbf": f.clock.at.Unix() + 86_400}), "future"},
		"issued tomorrow":           {body(map[string]any{"iat": f.clock.at.Unix() + 86_400}), "future"},
		"another issuer":            {body(map[string]any{"iss": "https://evil.example"}), "another system made it"},
		"another audience":          {body(map[string]any{"aud": "web"}), "for another system"},
		"a list of audiences":       {body(map[string]any{"aud": []string{"api", "web"}}), "no text"},
		"no audience":               {body(map[string]any{"aud": nil}), "claims"},
		"no expiry":                 {body(map[string]any{"exp": nil}), "claims"},
		"no subject":                {body(map[string]any{"sub": ""}), "whose"},
		"no session":                {body(map[string]any{"sid": ""}), "whose"},
		"null for a text":           {f.sign(f.header(nil), strings.Replace(f.claims(nil), `"sub":"user"`, `"sub":null`, 1)), "no text"},
		"one claim more":            {body(map[string]any{"admin": true}), "claims"},
		"one claim for another":     {body(map[string]any{"wid": nil, "WID": "acme"}), "claims"},
		"subject twice":             {f.sign(f.header(nil), strings.Replace(f.claims(nil), `"sub":`, `"sub":"root","sub":`, 1)), "twice"},
		"claims no object":          {f.sign(f.header(nil), `"text"`), "no JSON object"},
		"claims nested without end": {f.sign(f.header(nil), strings.Repeat("[", 2_000)), "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuses(t, i, test.token, test.why)
		})
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.AA")
	f.Fuzz(func(t *testing.T, access string) {
		made, keys := newForge(t)
		i := issuer(keys, made.clock)
		refuses(t, i, access, "not valid")
		refuses(t, i, made.sign(access, made.claims(nil)), "not valid")
		if _, err := i.Verify(t.Context(), made.sign(made.header(nil), access)); err == nil {
			var claims map[string]any
			require.NoError(t, json.Unmarshal([]byte(access), &claims))
			require.Equal(t, "api", claims["aud"])
		} else {
			require.Equal(t, auth.CodeUnauthenticated, flowforge.CodeOf(err))
		}
	})
}
