package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/server/rest"
)

// oddTexts are texts that are no JSON, or JSON that readers trip over.
func oddTexts() []string {
	return []string{
		"", " ", "\x00", "\xff\xfe", "\xef\xbb\xbf{}", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\":1,}", "{\"a\" 1}", "{\"a\":}", "{a:1}",
		"{'a':1}", "{\"a\":1}{}", "{} x", "nul", "tru", "NaN", "Infinity", "-", "+1", "01", "1.", ".5", "1e", "0x10", "1e99999", "-1e-99999",
		strings.Repeat("9", 400), "\"", "\"\\\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\x\"", "\"\x01\"", "\"\xc3\x28\"", "\"\xed\xa0\x80\"",
		"\"\\u0000\"", "{\"\":0}", "{\"a\":1,\"a\":2}", "{\"\\u0061\":1,\"a\":2}", "{\"__proto__\":{}}", "null", "true", "1", "\"x\"", "[]", "[null]", "{}",
		"[[[[[[[[]]]]]]]]", strings.Repeat("[", 100_000), strings.Repeat("{\"a\":", 50_000) + "1" + strings.Repeat("}", 50_000),
		"{\"name\":\"" + strings.Repeat("n", 70_000) + "\"}", "/* x */{}", "{} // x", "# yaml: [", "- a\n- b", "&a [*a]", "!!binary x",
	}
}

// oddValues are put in the place of each field of a good body.
func oddValues() []any {
	return []any{
		nil, true, -1, 0, 1e308, -1e-308, 9_007_199_254_740_993, 0.5, "", " ", "\x00", "\u202e", "..", "a/b", "{{", "{{ 1/0 }}", "{{ nodes }}", "99999999999h",
		"-5s", "2026-13-45T99:99:99Z", strings.Repeat("x", 5_000),
		[]any{},
		[]any{nil},
		[]any{1, "a", map[string]any{}},
		map[string]any{},
		map[string]any{"": nil},
	}
}

// mutants gives bodies like a good one, in each of which one field is odd.
func mutants(t *testing.T, good string) []string {
	t.Helper()
	var fields map[string]any
	if json.Unmarshal([]byte(good), &fields) != nil {
		return nil
	}
	var all []string
	mutate := func(of map[string]any, whole func() any) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			was := of[name]
			for _, odd := range oddValues() {
				of[name] = odd
				text, err := json.Marshal(whole())
				require.NoError(t, err)
				all = append(all, string(text))
			}
			of[name] = was
		}
	}
	mutate(fields, func() any { return fields })
	for _, inner := range fields {
		if list, ok := inner.([]any); ok && len(list) > 0 {
			inner = list[0]
		}
		if below, ok := inner.(map[string]any); ok {
			mutate(below, func() any { return fields })
		}
	}
	return all
}

// TestNothingThatIsSentIsAnsweredAsAFaultOfTheServer sends every operation bodies, paths, queries and headers that it
// does not expect: each is answered, as its sender's fault or not at all as one.
func TestNothingThatIsSentIsAnsweredAsAFaultOfTheServer(t *testing.T) {
	t.Parallel()
	config := FullConfig(t, time.Now)
	config.Limits.Wait = time.Millisecond
	s, err := newService(config)
	require.NoError(t, err)
	n := settle(t, s.Handler(), config.Identity, "ours")
	examples := exampleBodies(t, s)
	routes := s.Routes()
	for i := range routes {
		r := &routes[i]
		at := n.path(r, n.has)
		if r.Root {
			at = strings.TrimPrefix(at, rest.Path)
		}
		switch r.ID {
		case "close-workspace":
			continue // the other operations need it
		case "change-password":
			examples[r.ID] = strings.ReplaceAll(examples[r.ID], "seven green bicycles", "another password") // and this
		}
		n.signIn(config.Identity, "ours")
		if r.Body != nil {
			for _, body := range append(oddTexts(), mutants(t, examples[r.ID])...) {
				n.mustCope(r, at, body, r.Body.Types()[0])
			}
			for _, media := range []string{"text/plain", "application/yaml", "application/json; charset=utf-16", "multipart/form-data", "x", ""} {
				n.mustCope(r, at, examples[r.ID], media)
			}
		}
		for _, odd := range []string{"%00", "%ff", "%2e%2e", "%2F", "'%22;--", "%F0%9F%92%A5", strings.Repeat("x", 3_000), "-1", "*", "%20"} {
			filled := parameter.ReplaceAllString(r.Path, odd)
			n.mustCope(r, rest.Path+filled, examples[r.ID], "application/json")
		}
		for _, name := range []string{"limit", "cursor", "after", "wait", "version", "status", "since", "until", "from", "to", "search", "sort", "workflow", "tag"} {
			for _, odd := range []string{"", "-1", "99999999999999999999", "\x00", "\xff", "1h", "AAAA", "[]", "eyJhIjoxfQ", "2026-99-99"} {
				n.mustCope(r, at+"?"+name+"="+url.QueryEscape(odd), examples[r.ID], "application/json")
			}
		}
		n.signIn(config.Identity, "ours") // it may have ended the session, but nothing more
		status, text := n.do(http.MethodGet, rest.Path+"/workflows", "")
		require.Equal(n, 200, status, "after %s: %s", r.ID, text)
	}
}

// mustCope sends a request, and checks that what comes back is no fault of the server, and says what is wrong.
func (n *tenant) mustCope(r *rest.Route, path, body, media string) {
	n.Helper()
	request := httptest.NewRequestWithContext(n.Context(), r.Method, "/", strings.NewReader(body))
	where, err := url.Parse(path)
	if err != nil {
		return // no client can send it
	}
	request.URL = where
	request.Header.Set("Authorization", "Bearer "+n.access)
	request.Header.Set("Content-Type", media)
	request.Header.Set("If-Match", `"0"`)
	request.Header.Set("Idempotency-Key", body[:min(len(body), 300)])
	recorded := httptest.NewRecorder()
	n.handler.ServeHTTP(recorded, request)
	shown := body[:min(len(body), 200)]
	require.Less(n, recorded.Code, 500, "%s %s %q %s: %s", r.Method, path, shown, media, recorded.Body)
	if recorded.Code >= http.StatusBadRequest {
		var problem struct {
			Code string `json:"code"`
		}
		require.NoError(n, json.Unmarshal(recorded.Body.Bytes(), &problem), "%s %s %q", r.Method, path, shown)
		require.NotEmpty(n, problem.Code, "%s %s %q", r.Method, path, shown)
	}
}
