package auth

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// A CredentialID names a credential within its workspace, for ever, while its name may change.
type CredentialID string

// A Credential is a secret for another system, sealed, and where it may be sent.
type Credential struct {
	ID        CredentialID
	Workspace flowforge.Workspace
	Name      string // unique in the workspace: workflows refer to it
	Type      string // see nodes.Credential
	Hosts     []string
	DataKey   int64  // the number of the data key it is sealed with
	Sealed    []byte // its fields
	CreatedBy UserID
	CreatedAt time.Time
	ChangedAt time.Time
	Revision  int64 // counts changes, from 1; it is part of what the seal binds
}

// Credentials keeps credentials of workspaces. It never sees what is in them.
type Credentials interface {
	// CreateCredential keeps a credential of revision 1. A name or an ID that is there is flowforge.CodeConflict.
	CreateCredential(ctx context.Context, credential Credential, entries ...Entry) error
	// Credential finds one, or answers flowforge.CodeNotFound.
	Credential(ctx context.Context, workspace flowforge.Workspace, id CredentialID) (Credential, error)
	// CredentialByName finds one, or answers flowforge.CodeNotFound.
	CredentialByName(ctx context.Context, workspace flowforge.Workspace, name string) (Credential, error)
	// ListCredentials gives them in order of their names, those after one, without what is sealed.
	ListCredentials(ctx context.Context, workspace flowforge.Workspace, after string, limit int) ([]Credential, error)
	// UpdateCredential replaces one that has the revision before the given one; another is flowforge.CodeConflict, and so
	// is a name that another credential has. ID, Workspace, CreatedBy and CreatedAt stay as they are.
	UpdateCredential(ctx context.Context, credential Credential, entries ...Entry) error
	// DeleteCredential forgets one of that revision; 0: of any. Another is flowforge.CodeConflict.
	DeleteCredential(
		ctx context.Context, workspace flowforge.Workspace, id CredentialID, revision int64, entries ...Entry,
	) error
}

// A DataKey seals what a workspace keeps secret; it is itself sealed with a key of the installation. Those of the
// workspace "" are the installation's own.
type DataKey struct {
	Workspace flowforge.Workspace
	Number    int64  // from 1; the one with the highest seals, all open
	Root      string // which key of the installation it is sealed with
	Sealed    []byte
	CreatedAt time.Time
}

// DataKeys keeps data keys, and finds what is to be sealed anew when keys change.
type DataKeys interface {
	// DataKeys gives the keys of a workspace, by number.
	DataKeys(ctx context.Context, workspace flowforge.Workspace) ([]DataKey, error)
	// CreateDataKey keeps a new key. A number that is there is flowforge.CodeConflict.
	CreateDataKey(ctx context.Context, key DataKey, entries ...Entry) error
	// RewrapDataKey replaces Root and Sealed of a key that is still sealed with the root key `from`; it answers whether.
	RewrapDataKey(ctx context.Context, key DataKey, from string) (bool, error)
	// DataKeysNotUnder gives keys of all workspaces that are sealed with another root key than this one.
	DataKeysNotUnder(ctx context.Context, root string, limit int) ([]DataKey, error)
	// CredentialsBefore gives credentials of a workspace that are sealed with data keys before a number.
	CredentialsBefore(ctx context.Context, workspace flowforge.Workspace, number int64, limit int) ([]Credential, error)
	// ResealCredential replaces DataKey and Sealed of a credential that has the given revision and is still sealed with
	// the data key `from`; it answers whether. The revision stays: what it means is the same.
	ResealCredential(ctx context.Context, credential Credential, from int64) (bool, error)
}
