package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// This file is all that knows the library for JWS (RFC 7515) and JWK (RFC 7517), so that moving to another is a change
// here alone. What a token's header may say is decided before it is asked, see compact.go.

// sign gives a compact JWS of a payload.
func sign(kid, typ string, key ed25519.PrivateKey, payload []byte) (string, error) {
	headers := jws.NewHeaders()
	for name, value := range map[string]string{jws.KeyIDKey: kid, jws.TypeKey: typ} {
		if err := headers.Set(name, value); err != nil {
			return "", fmt.Errorf("set header %s: %w", name, err)
		}
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.EdDSA, key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return string(signed), nil
}

// verify gives the payload of a compact JWS, in base64url as header has found it, that a key signed with EdDSA. It asks
// the library's verifier for the very octets that came: jws.Verify parses the header and writes it anew before it looks
// at the signature, so that a token with another spelling of the header would pass.
func verify(compact string, key ed25519.PublicKey) ([]byte, error) {
	return verifyWith(compact, jwa.EdDSA, key)
}

func verifyWith(compact string, algorithm jwa.SignatureAlgorithm, key any) ([]byte, error) {
	verifier, err := jws.NewVerifier(algorithm)
	if err != nil {
		return nil, fmt.Errorf("make a verifier: %w", err)
	}
	last := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[last+1:])
	if err != nil {
		return nil, fmt.Errorf("read the signature: %w", err)
	}
	if err := verifier.Verify([]byte(compact[:last]), signature, key); err != nil {
		return nil, fmt.Errorf("verify the signature: %w", err)
	}
	return base64.RawURLEncoding.DecodeString(compact[strings.IndexByte(compact, '.')+1 : last])
}

// verifyForeign gives the payload of a compact JWS that a key of a JWK set signed. The key's type must be the algorithm's.
func verifyForeign(compact, algorithm, kid string, jwks []byte) ([]byte, error) {
	set, err := jwk.Parse(jwks)
	if err != nil {
		return nil, fmt.Errorf("read the other system's keys: %w", err)
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if kid != "" && key.KeyID() != kid || key.KeyUsage() == string(jwk.ForEncryption) || key.KeyType() == jwa.OctetSeq {
			continue
		}
		if named := key.Algorithm().String(); named != "" && named != algorithm {
			continue
		}
		var raw any
		if err := key.Raw(&raw); err != nil {
			continue
		}
		if payload, err := verifyWith(compact, jwa.SignatureAlgorithm(algorithm), raw); err == nil {
			return payload, nil
		}
	}
	return nil, errBadSignature
}

// published writes public keys as a JWK set (RFC 7517, section 5; RFC 8037, section 2).
func published(keys []publicKey) ([]byte, error) {
	set := jwk.NewSet()
	for _, k := range keys {
		made, err := jwk.FromRaw(k.key)
		if err != nil {
			return nil, fmt.Errorf("make a JWK: %w", err)
		}
		for name, value := range map[string]any{
			jwk.KeyIDKey: k.id, jwk.AlgorithmKey: jwa.EdDSA, jwk.KeyUsageKey: jwk.ForSignature,
		} {
			if err := made.Set(name, value); err != nil {
				return nil, fmt.Errorf("set %s: %w", name, err)
			}
		}
		if err := set.AddKey(made); err != nil {
			return nil, fmt.Errorf("add a JWK: %w", err)
		}
	}
	return json.Marshal(set)
}
