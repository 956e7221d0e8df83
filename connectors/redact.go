package connectors

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge/nodes"
)

// minSecret is the length below which a text is too common to look for, in bytes.
const minSecret = 6

// formsOf gives every form in which a credential's secrets may come back, the longest first (S19).
func formsOf(credential *nodes.Credential) [][]byte {
	var secrets []string
	for name, secret := range credential.Fields {
		switch name {
		case "username", "user", "header", "query", "headers", "prefix":
		default:
			secrets = append(secrets, secret.Reveal())
		}
	}
	if added, err := readCredential(credential, KeyPlace{}); err == nil {
		for _, value := range added.headers {
			_, parameter, _ := strings.Cut(value, " ")
			secrets = append(secrets, value, parameter)
		}
		for _, value := range added.query {
			secrets = append(secrets, value)
		}
	}
	var forms [][]byte
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		quoted, _ := json.Marshal(secret) //nolint:errchkjson // A string can always be encoded.
		for _, form := range []string{
			secret, string(quoted[1 : len(quoted)-1]), url.QueryEscape(secret), url.PathEscape(secret),
			base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
			hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
		} {
			forms = append(forms, []byte(form))
		}
	}
	slices.SortFunc(forms, func(a, b []byte) int { return cmp.Or(cmp.Compare(len(b), len(a)), bytes.Compare(a, b)) })
	return slices.CompactFunc(forms, bytes.Equal)
}

const redacted = "[redacted]"

// redact takes secrets that the service repeats out of a response.
func (r *Response) redact(forms [][]byte) {
	for _, form := range forms {
		r.Body = replace(r.Body, form)
		for _, values := range r.Header {
			for i, value := range values {
				values[i] = strings.ReplaceAll(value, string(form), redacted)
			}
		}
		clean := *r.URL
		clean.RawQuery = strings.ReplaceAll(clean.RawQuery, string(form), url.QueryEscape(redacted))
		r.URL = &clean
	}
}

func replace(data, form []byte) []byte {
	if !bytes.Contains(data, form) {
		return data
	}
	return bytes.ReplaceAll(data, form, []byte(redacted))
}
