// Package auth holds the nouns of who may do what: principals, permissions and roles, users, sessions, keys and
// credentials, and the interfaces of the stores that keep them. Who works with them (signing in, tokens, sealing) is in
// its folders; it knows no HTTP and no SQL.
package auth

import (
	"slices"

	"github.com/flowforge-go/flowforge"
)

// The codes of this package's errors.
const (
	CodeUnauthenticated flowforge.Code = "unauthenticated" // nobody, or somebody who cannot prove it
	CodeForbidden       flowforge.Code = "forbidden"       // somebody who may not

	CodeReused       flowforge.Code = "token_reused"           // a refresh token that was replaced: its session is over
	CodeSecondFactor flowforge.Code = "second_factor_required" // the password is right, and a code is needed too
	CodeUnverified   flowforge.Code = "email_unverified"       // the link in the mail was not opened yet
	CodeWeakPassword flowforge.Code = "weak_password"
	CodeTampered     flowforge.Code = "audit_tampered" // the audit log is not what was written
)

// The IDs of those who act, and of what they act with.
type (
	UserID    string
	SessionID string
	KeyID     string
)

// A Kind says what a principal is.
type Kind string

// The kinds of principals.
const (
	KindUser    Kind = "user"    // a person with a session
	KindService Kind = "service" // a service account, by one of its keys
	KindKey     Kind = "key"     // a person, by an API key
	KindHost    Kind = "host"    // whom the embedding program vouches for
)

// A Principal is who asks: in one workspace, with the permissions that they have there just now.
type Principal struct {
	Kind        Kind
	User        UserID              // the person, or the service account
	Name        string              // for people to read
	Workspace   flowforge.Workspace // "": signed in, but in no workspace
	Role        Role                // in the workspace; "": the permissions are a key's, or the host's
	Permissions Permissions
	Admin       bool      // may do what concerns no workspace: make some, see the users of all
	Session     SessionID // "": by a key
	Key         KeyID     // "": by a session
}

// Require is nil for a principal with a workspace and the permission, and else a refusal, never a default.
func (p *Principal) Require(permission Permission) error {
	switch {
	case p == nil || p.Kind == "":
		return flowforge.Errorf(CodeUnauthenticated, "sign in, or send an API key")
	case p.Workspace == "":
		return flowforge.Errorf(CodeForbidden, "choose a workspace: this is done in one")
	case p.Workspace == flowforge.Local:
		return flowforge.Errorf(CodeForbidden, "the workspace %q is for programs with no server", flowforge.Local)
	case permission == "" || !p.Permissions.Has(permission):
		return flowforge.Errorf(CodeForbidden, "this takes the permission %s", permission)
	}
	return nil
}

// Permissions is a set of permissions, in order, each once.
type Permissions []Permission

// NewPermissions makes a set.
func NewPermissions(permissions ...Permission) Permissions {
	set := slices.Clone(permissions)
	slices.Sort(set)
	return slices.Compact(set)
}

// Has reports whether a permission is in the set.
func (p Permissions) Has(permission Permission) bool {
	_, found := slices.BinarySearch(p, permission)
	return found
}

// Within gives what both sets hold: nobody grants, or keeps by a key, what they lack.
func (p Permissions) Within(other Permissions) Permissions {
	var both Permissions
	for _, permission := range p {
		if other.Has(permission) {
			both = append(both, permission)
		}
	}
	return both
}

// Covers reports whether every permission of another set is in this one.
func (p Permissions) Covers(other Permissions) bool { return len(other.Within(p)) == len(other) }
