package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Claims are what an access token says (S12): for a while, and only as long as its session is live and its version is
// the user's.
type Claims struct {
	User      auth.UserID
	Session   auth.SessionID
	Workspace flowforge.Workspace // "": none was chosen
	Version   int64               // auth.User.TokenVersion
	ID        string              // of the token
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// wire is how claims are written (RFC 7519, section 4.1; RFC 9068, section 2.2). All are required.
type wire struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	Workspace string `json:"wid"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ExpiresAt int64  `json:"exp"`
	Session   string `json:"sid"`
	Version   int64  `json:"tv"`
}

// readWire reads claims strictly: each once, of its type, and no others.
func readWire(payload []byte) (wire, error) {
	members, err := object(payload)
	if err != nil {
		return wire{}, err
	}
	var w wire
	texts := map[string]*string{
		"iss": &w.Issuer, "aud": &w.Audience, "sub": &w.Subject, "wid": &w.Workspace, "jti": &w.ID, "sid": &w.Session,
	}
	numbers := map[string]*int64{"iat": &w.IssuedAt, "nbf": &w.NotBefore, "exp": &w.ExpiresAt, "tv": &w.Version}
	if len(members) != len(texts)+len(numbers) {
		return wire{}, errors.New("they are not the claims of our tokens")
	}
	for name, raw := range members {
		switch {
		case texts[name] != nil:
			if err := json.Unmarshal(raw, texts[name]); err != nil || raw[0] != '"' {
				return wire{}, fmt.Errorf("%s is no text", name)
			}
		case numbers[name] != nil:
			n, err := strconv.ParseInt(string(raw), 10, 64)
			if err != nil {
				return wire{}, fmt.Errorf("%s is no integer", name)
			}
			*numbers[name] = n
		default:
			return wire{}, errors.New("they are not the claims of our tokens")
		}
	}
	return w, nil
}

// leeway is how far the clocks of two servers may be apart.
const leeway = 30 * time.Second

// check refuses tokens of others, for others, and out of their time.
func (w *wire) check(issuer, audience string, now time.Time) error {
	unix := now.Unix()
	slack := int64(leeway / time.Second)
	switch {
	case w.Issuer != issuer:
		return errors.New("another system made it")
	case w.Audience != audience:
		return errors.New("it is for another system")
	case slices.Contains([]string{w.Subject, w.ID, w.Session}, ""):
		return errors.New("it does not say whose it is")
	case w.NotBefore > unix+slack, w.IssuedAt > unix+slack:
		return errors.New("it is from the future")
	case w.ExpiresAt <= unix:
		return errors.New("it has expired")
	}
	return nil
}
