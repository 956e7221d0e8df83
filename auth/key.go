package auth

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// An APIKey lets a program act for a user in one workspace. What it may do is what its scopes, its user's role and the
// present power of who made it have in common (S14).
type APIKey struct {
	ID        KeyID // the part of the key that is no secret
	Workspace flowforge.Workspace
	User      UserID // a person, or a service account
	CreatedBy UserID
	Name      string
	Hash      []byte // HMAC-SHA256 of the secret part
	Scopes    Permissions
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	UsedAt    time.Time // zero: never; may be behind by a minute
	RevokedAt time.Time // zero: it was not
}

// Live reports whether a key can be used at an instant.
func (k *APIKey) Live(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// APIKeys keeps API keys.
type APIKeys interface {
	// CreateAPIKey keeps a key. An ID that is there is flowforge.CodeConflict.
	CreateAPIKey(ctx context.Context, key APIKey, entries ...Entry) error
	// APIKey finds a key of any workspace, whether it can be used or not, or answers flowforge.CodeNotFound. It is for
	// who checks keys, and has nothing but one.
	APIKey(ctx context.Context, id KeyID) (APIKey, error)
	// ListAPIKeys gives keys of a workspace in order of their IDs, those after one: of a user, or of all where it is "".
	ListAPIKeys(ctx context.Context, workspace flowforge.Workspace, user UserID, after KeyID, limit int) ([]APIKey, error)
	// RevokeAPIKey revokes a key, or answers flowforge.CodeNotFound; once more it changes nothing.
	RevokeAPIKey(ctx context.Context, workspace flowforge.Workspace, id KeyID, now time.Time, entries ...Entry) error
	// TouchAPIKey notes that a key was used.
	TouchAPIKey(ctx context.Context, id KeyID, now time.Time) error
}

// A SigningKey signs access tokens. It is published before it signs (next), signs (active), and is then believed until
// the last token it signed is over (retired).
type SigningKey struct {
	ID        string          `json:"id"` // the kid of tokens
	State     SigningKeyState `json:"state"`
	Public    []byte          `json:"public"`  // Ed25519
	Private   []byte          `json:"private"` // sealed before it comes here; nil once the key is retired
	CreatedAt time.Time       `json:"created_at"`
	RetiredAt time.Time       `json:"retired_at,omitzero"`
}

// A SigningKeyState says what a signing key is used for.
type SigningKeyState string

// The states of signing keys, in their order.
const (
	KeyNext    SigningKeyState = "next"
	KeyActive  SigningKeyState = "active"
	KeyRetired SigningKeyState = "retired"
)

// A KeySet is all signing keys. It changes as a whole, so that there is always one that signs.
type KeySet struct {
	Revision int64 // counts changes; 0: there never was one
	Keys     []SigningKey
}

// SigningKeys keeps the signing keys of the installation.
type SigningKeys interface {
	// SigningKeys gives the set, or an empty one of revision 0.
	SigningKeys(ctx context.Context) (KeySet, error)
	// SaveSigningKeys replaces the set of the given revision, which then counts one more; another is
	// flowforge.CodeConflict.
	SaveSigningKeys(ctx context.Context, keys KeySet, entries ...Entry) error
}
