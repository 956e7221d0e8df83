// Package token makes and checks what people and programs prove with who they are: access tokens (JWT, signed with
// Ed25519), refresh and one-time tokens (random, of which the hash is kept) and API keys. It keeps the rules S12 to S14.
// Whether a token's session is still live is not its matter, see auth/identity.
package token

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Config says how an Issuer behaves. Its zero value is ready to use.
type Config struct {
	Issuer   string           // who makes the tokens; "": "flowforge"
	Audience string           // whom they are for; "": "flowforge"
	Lifetime time.Duration    // 0: 10 minutes
	Now      func() time.Time // nil: time.Now
	Random   io.Reader        // nil: crypto/rand.Reader
}

const (
	defaultName     = "flowforge"
	defaultLifetime = 10 * time.Minute

	// freshness is how long a set of keys is used before it is read again, and haste how soon at the earliest, where a
	// token names a key that is not in it.
	freshness = time.Minute
	haste     = 5 * time.Second

	// believed is how long a retired key is published: more than the life of a token it signed last, by a server
	// that had not heard of the change.
	believed = time.Hour
)

// An Issuer makes and checks access tokens with the signing keys of the installation. Its methods may be called from
// many goroutines.
type Issuer struct {
	cfg    Config
	keys   auth.SigningKeys
	sealer auth.Sealer

	mu     sync.Mutex
	set    auth.KeySet
	active ed25519.PrivateKey
	readAt time.Time
}

// New makes an Issuer.
func New(keys auth.SigningKeys, sealer auth.Sealer, cfg Config) *Issuer {
	if cfg.Issuer == "" {
		cfg.Issuer = defaultName
	}
	if cfg.Audience == "" {
		cfg.Audience = defaultName
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = defaultLifetime
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return &Issuer{cfg: cfg, keys: keys, sealer: sealer}
}

// Sign makes an access token. ID, IssuedAt and ExpiresAt of the claims are the Issuer's to say; it gives them as they
// are in the token.
func (i *Issuer) Sign(ctx context.Context, claims Claims) (string, Claims, error) {
	kid, key, err := i.signing(ctx)
	if err != nil {
		return "", Claims{}, err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(i.cfg.Random, id); err != nil {
		return "", Claims{}, fmt.Errorf("make the ID of a token: %w", err)
	}
	now := i.cfg.Now().UTC().Truncate(time.Second)
	claims.ID, claims.IssuedAt, claims.ExpiresAt = base64.RawURLEncoding.EncodeToString(id), now, now.Add(i.cfg.Lifetime)
	payload, err := json.Marshal(wire{
		Issuer: i.cfg.Issuer, Audience: i.cfg.Audience, Subject: string(claims.User), Workspace: string(claims.Workspace),
		ID: claims.ID, IssuedAt: now.Unix(), NotBefore: now.Unix(), ExpiresAt: claims.ExpiresAt.Unix(),
		Session: string(claims.Session), Version: claims.Version,
	})
	if err != nil {
		return "", Claims{}, fmt.Errorf("write claims: %w", err)
	}
	signed, err := sign(kid, typeAccess, key, payload)
	return signed, claims, err
}

// Verify checks an access token, and gives what it says. Whatever is wrong is auth.CodeUnauthenticated.
func (i *Issuer) Verify(ctx context.Context, access string) (Claims, error) {
	kid, err := header(access)
	if err != nil {
		return Claims{}, refused(err)
	}
	key, err := i.public(ctx, kid)
	if err != nil {
		return Claims{}, err
	}
	payload, err := verify(access, key)
	if err != nil {
		return Claims{}, refused(errBadSignature)
	}
	w, err := readWire(payload)
	if err != nil {
		return Claims{}, refused(fmt.Errorf("its claims: %w", err))
	}
	if err := w.check(i.cfg.Issuer, i.cfg.Audience, i.cfg.Now()); err != nil {
		return Claims{}, refused(err)
	}
	return Claims{
		User: auth.UserID(w.Subject), Session: auth.SessionID(w.Session), Workspace: flowforge.Workspace(w.Workspace),
		Version: w.Version, ID: w.ID, IssuedAt: time.Unix(w.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(w.ExpiresAt, 0).UTC(),
	}, nil
}

// JWKS gives the public keys, as a JWK set, for others who check our tokens.
func (i *Issuer) JWKS(ctx context.Context) ([]byte, error) {
	set, err := i.fresh(ctx, freshness)
	if err != nil {
		return nil, err
	}
	keys := make([]publicKey, 0, len(set.Keys))
	for _, k := range set.Keys {
		keys = append(keys, publicKey{k.ID, k.Public})
	}
	return published(keys)
}

type publicKey struct {
	id  string
	key ed25519.PublicKey
}

var errBadSignature = errors.New("its signature is wrong")

func refused(why error) error {
	return &flowforge.Error{Code: auth.CodeUnauthenticated, Msg: "the access token is not valid: " + why.Error(), Err: why}
}

// public finds a key of our own set (S12): a token can name no other.
func (i *Issuer) public(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	for _, age := range []time.Duration{freshness, haste} {
		set, err := i.fresh(ctx, age)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(set.Keys, func(k auth.SigningKey) bool { return k.ID == kid })
		if at >= 0 && len(set.Keys[at].Public) == ed25519.PublicKeySize {
			return bytes.Clone(set.Keys[at].Public), nil
		}
	}
	return nil, refused(errUnknownKey)
}

var errUnknownKey = errors.New("it is signed with none of our keys")
