package auth

import "context"

// Stores is all that is kept of identity. auth/authtest is the suite that every implementation passes.
//
// Methods that concern a workspace take it, and another workspace's object answers exactly as one that does not exist
// (S6): flowforge.CodeNotFound. Instants are given, so that one clock decides, and kept to the microsecond. Lists give
// at most limit items; where it is 0, 50. Entries are written with the change, or neither is, see Audit. A store that
// cannot be reached just now answers flowforge.CodeUnavailable.
//
//nolint:interfacebloat // It is the sum of the roles, for who opens one; who uses a store takes roles.
type Stores interface {
	Users
	Links
	Workspaces
	Members
	Invitations
	Sessions
	OneTimes
	APIKeys
	SigningKeys
	Credentials
	DataKeys
	Audit
}

// A Sealer hides secrets that are kept: what it gives can be opened only by who has its keys, and only under the same
// label, which says what it is a secret of. auth/vault is one.
type Sealer interface {
	Seal(ctx context.Context, label string, secret []byte) ([]byte, error)
	Open(ctx context.Context, label string, sealed []byte) ([]byte, error)
}
