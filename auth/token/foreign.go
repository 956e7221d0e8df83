package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Expected says which ID token of another system is taken (OpenID Connect Core 1.0, section 3.1.3.7).
type Expected struct {
	Issuer string
	Client string // our ID there
	Nonce  string // of the request
	Now    time.Time
	Keys   []byte // the other system's, as a JWK set
}

// An IDToken is what another system says about somebody.
type IDToken struct {
	Subject  string
	Email    string
	Verified bool // the address is theirs
	Name     string
}

// maxForeign is the most octets of an ID token that are looked at.
const maxForeign = 16 << 10

// VerifyID checks an ID token of another system.
func VerifyID(compact string, want Expected) (IDToken, error) {
	members, err := compactHeader(compact, maxForeign)
	if err != nil {
		return IDToken{}, err
	}
	var head struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	if err := remarshal(members, &head); err != nil {
		return IDToken{}, fmt.Errorf("its header: %w", err)
	}
	// None is signed with a secret or not at all, and where the keys are is no matter of the token (S12).
	asymmetric := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	if !slices.Contains(asymmetric, head.Algorithm) || head.Critical != nil {
		return IDToken{}, errors.New("its algorithm is none that is taken")
	}
	payload, err := verifyForeign(compact, head.Algorithm, head.KeyID, want.Keys)
	if err != nil {
		return IDToken{}, err
	}
	if members, err = object(payload); err != nil {
		return IDToken{}, fmt.Errorf("its claims: %w", err)
	}
	return idClaims(members, want)
}

func idClaims(members map[string]json.RawMessage, want Expected) (IDToken, error) {
	var claims struct {
		Issuer   string          `json:"iss"`
		Audience json.RawMessage `json:"aud"`
		Party    string          `json:"azp"`
		Subject  string          `json:"sub"`
		Expires  float64         `json:"exp"`
		Issued   float64         `json:"iat"`
		Nonce    string          `json:"nonce"`
		Email    string          `json:"email"`
		Verified any             `json:"email_verified"` // some write a text
		Name     string          `json:"name"`
	}
	if err := remarshal(members, &claims); err != nil {
		return IDToken{}, fmt.Errorf("its claims: %w", err)
	}
	var audience []string
	if json.Unmarshal(claims.Audience, &audience) != nil {
		audience = []string{""}
		if err := json.Unmarshal(claims.Audience, &audience[0]); err != nil {
			return IDToken{}, errors.New("it does not say whom it is for")
		}
	}
	now, slack := float64(want.Now.Unix()), leeway.Seconds()
	switch {
	case claims.Issuer != want.Issuer:
		return IDToken{}, errors.New("another system made it")
	case !slices.Contains(audience, want.Client), claims.Party != "" && claims.Party != want.Client,
		len(audience) > 1 && claims.Party == "":
		return IDToken{}, errors.New("it is for another system")
	case claims.Expires <= now-slack:
		return IDToken{}, errors.New("it has expired")
	case claims.Issued > now+slack:
		return IDToken{}, errors.New("it is from the future")
	case want.Nonce == "" || claims.Nonce != want.Nonce:
		return IDToken{}, errors.New("it answers another request")
	case claims.Subject == "":
		return IDToken{}, errors.New("it does not say whose it is")
	}
	verified := claims.Verified == true || claims.Verified == "true"
	return IDToken{Subject: claims.Subject, Email: claims.Email, Verified: verified, Name: claims.Name}, nil
}

// remarshal reads members, each of which is there once, into a struct. Names with other characters than the struct's are
// left out: Go would take capital letters, and some that are not Latin, for them.
func remarshal(members map[string]json.RawMessage, into any) error {
	known := make(map[string]json.RawMessage, len(members))
	for name, value := range members {
		if !strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
			known[name] = value
		}
	}
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
