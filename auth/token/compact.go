package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxToken is the most octets of an access token that are looked at (S12).
const maxToken = 4 << 10

// typeAccess is the typ of access tokens: RFC 9068, section 2.1.
const typeAccess = "at+jwt"

// header reads the key ID from the header of an access token in the compact serialisation (RFC 7515, section 7.1). It
// lets pass only what sign writes: whoever can choose the algorithm, or where the key comes from, needs no key (S12).
func header(compact string) (kid string, err error) {
	members, err := compactHeader(compact, maxToken)
	if err != nil {
		return "", err
	}
	texts := map[string]string{"alg": "", "typ": "", "kid": ""}
	for name, raw := range members {
		if _, known := texts[name]; !known {
			return "", errors.New("its header has fields that our tokens do not have")
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", errors.New("a field of its header is no text")
		}
		texts[name] = text
	}
	switch {
	case texts["alg"] != "EdDSA":
		return "", errors.New("its algorithm is not EdDSA")
	case texts["typ"] != typeAccess:
		return "", errors.New("it is no access token")
	case texts["kid"] == "":
		return "", errors.New("it names no key")
	}
	return texts["kid"], nil
}

// compactHeader gives the members of the header of a JWS in the compact serialisation, having checked its shape.
func compactHeader(compact string, most int) (map[string]json.RawMessage, error) {
	if len(compact) > most {
		return nil, fmt.Errorf("it is longer than %d octets", most)
	}
	parts := strings.Split(compact, ".")
	const three = 3
	if len(parts) != three {
		return nil, errors.New("it is no JWS in the compact serialisation")
	}
	for _, part := range parts {
		// The decoder would skip line breaks; with Strict each token has one spelling.
		if part == "" || strings.ContainsAny(part, "\r\n") {
			return nil, errors.New("it is no JWS in the compact serialisation")
		}
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, errors.New("a part of it is not in base64url")
		}
	}
	decoded, _ := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	members, err := object(decoded)
	if err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	return members, nil
}

// object reads the members of a JSON object, each of which may be there once: parsers disagree about which of two
// counts, and what one of them checked another would use.
func object(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not in UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errors.New("it is no JSON")
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("it is no JSON")
		}
		if _, twice := members[key]; twice {
			return nil, errors.New("it has a member twice")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("it is no JSON")
		}
		members[key] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errors.New("it is no JSON")
	}
	if decoder.More() {
		return nil, errors.New("something follows it")
	}
	return members, nil
}
