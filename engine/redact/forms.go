package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// formsOf gives the ways in which a secret is written.
func formsOf(secret string) []string {
	const most = 20
	octets, quoted := []byte(secret), flowforge.MustValue(secret).JSON()
	escaped := new(bytes.Buffer)
	json.HTMLEscape(escaped, quoted)
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	forms := make([]string, 0, most)
	forms = append(forms, secret, unquoted(quoted), unquoted(escaped.Bytes()),
		query, path, lowerPercent(query), lowerPercent(path), hex.EncodeToString(octets), strings.ToUpper(hex.EncodeToString(octets)))
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		forms = append(forms, encoding.EncodeToString(octets), encoding.WithPadding(base64.NoPadding).EncodeToString(octets))
		for offset := range 3 {
			forms = append(forms, within(encoding, octets, offset))
		}
	}
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < shortest })
}

// unquoted gives a text in JSON without its quotes.
func unquoted(text []byte) string { return string(text[1 : len(text)-1]) }

// within gives the part of a longer text in base64 that is of the secret alone, where so many octets more than a multiple
// of three stand before it, such as the user and the colon of RFC 7617.
func within(encoding *base64.Encoding, secret []byte, offset int) string {
	text := encoding.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, offset), secret...))
	first := []int{0, 2, 3}[offset]         // characters that tell of what stands before
	whole := (offset + len(secret)) * 8 / 6 // characters that what stands behind has no part in
	return text[first:whole]
}

// lowerPercent writes the digits of percent-encoding in lower case.
func lowerPercent(text string) string {
	out := []byte(text)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:i+3], bytes.ToLower(out[i+1:i+3]))
		}
	}
	return string(out)
}
