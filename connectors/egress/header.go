package egress

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// checkRequest refuses what a request must not say.
func checkRequest(request *http.Request) error {
	if err := checkURL(request.URL); err != nil {
		return err
	}
	if request.Host != "" && request.Host != request.URL.Host {
		return flowforge.Errorf(CodeInvalid, "the Host header is made from the URL and cannot be set")
	}
	if !isToken(request.Method) && request.Method != "" {
		return flowforge.Errorf(CodeInvalid, "the method %q is not one word", request.Method)
	}
	for name, values := range request.Header {
		if !isToken(name) {
			return flowforge.Errorf(CodeInvalid, "the header name %q has a character that is not allowed in one", name)
		}
		if isOurs(name) {
			return flowforge.Errorf(CodeInvalid, "the header %s is made by FlowForge and cannot be set", name)
		}
		if slices.ContainsFunc(values, isNotValue) {
			return flowforge.Errorf(CodeInvalid, "the value of the header %s has a line break or another control character", name)
		}
	}
	return nil
}

// isOurs reports whether a header belongs to the connection (RFC 9110, 7.6.1) or to what carries the body.
func isOurs(name string) bool {
	switch strings.ToLower(name) {
	case "connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
		"te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "expect", "host", "content-length":
		return true
	}
	return false
}

// isToken reports whether text may name a header or method (RFC 9110, 5.6.2).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		isAlnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !isAlnum && (r > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// isNotValue reports whether text has what ends or corrupts a header's value (RFC 9110, 5.5).
func isNotValue(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// keepHarmless drops every header that may hold a secret: all that are not known to hold none.
func keepHarmless(header http.Header) {
	for name := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Accept", "Accept-Language", "Content-Type", "Content-Language", "Idempotency-Key", "If-Match",
			"If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range", "User-Agent":
		default:
			delete(header, name)
		}
	}
}

// finish sets the headers that are ours just before a request is written.
func finish(header http.Header) {
	for name := range header {
		if strings.EqualFold(name, "Accept-Encoding") {
			delete(header, name)
		}
	}
	header.Set("Accept-Encoding", "gzip, deflate")
	if !slices.ContainsFunc(slices.Collect(maps.Keys(header)), func(name string) bool { return strings.EqualFold(name, "User-Agent") }) {
		header.Set("User-Agent", userAgent)
	}
	// Under its canonical name this header makes net/http send a request again on its own where a connection
	// breaks; whether an effect may be tried twice is the engine's to decide.
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, found := header[name]; found {
			delete(header, name)
			header[strings.ToLower(name)] = values
		}
	}
}
