package auth

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// A Workspace is a tenant: what is in one cannot be seen from another.
type Workspace struct {
	ID        flowforge.Workspace
	Name      string
	CreatedAt time.Time
	ClosedAt  time.Time // zero: it is open; nobody is a principal in a closed one
	Revision  int64     // counts changes, from 1
}

// Workspaces keeps workspaces.
type Workspaces interface {
	// CreateWorkspace keeps a workspace, of revision 1, and its first member. An ID that is there is
	// flowforge.CodeConflict.
	CreateWorkspace(ctx context.Context, workspace Workspace, owner Member, entries ...Entry) error
	// Workspace finds a workspace, closed ones too, or answers flowforge.CodeNotFound.
	Workspace(ctx context.Context, id flowforge.Workspace) (Workspace, error)
	// UpdateWorkspace changes name and end of a workspace that still has the given revision; one that has changed
	// meanwhile is flowforge.CodeConflict.
	UpdateWorkspace(ctx context.Context, workspace Workspace, entries ...Entry) error
	// ListWorkspaces gives all workspaces in order of their IDs, those after one.
	ListWorkspaces(ctx context.Context, after flowforge.Workspace, limit int) ([]Workspace, error)
	// WorkspacesOf gives the open workspaces that a user is a member of, in order of their IDs.
	WorkspacesOf(ctx context.Context, user UserID) ([]Membership, error)
}

// A Membership is a workspace as one of its members sees it.
type Membership struct {
	Workspace

	Role Role
}

// A Member is a user in a workspace.
type Member struct {
	Workspace flowforge.Workspace
	User      UserID
	Role      Role
	AddedAt   time.Time

	// Of the user, filled in where members are read.
	Kind     UserKind
	Email    string
	Name     string
	Disabled bool
}

// Members keeps who is in which workspace. A workspace that has an owner always keeps one: a change after which it
// would have none is flowforge.CodeConflict, also where two owners make it at the same moment.
type Members interface {
	// Member finds a member of a workspace, open or closed, or answers flowforge.CodeNotFound.
	Member(ctx context.Context, workspace flowforge.Workspace, user UserID) (Member, error)
	// ListMembers gives members in order of their users' IDs, those after one.
	ListMembers(ctx context.Context, workspace flowforge.Workspace, after UserID, limit int) ([]Member, error)
	// AddMember keeps a new member; who is one is flowforge.CodeConflict.
	AddMember(ctx context.Context, member Member, entries ...Entry) error
	// SetRole gives a member another role, or answers flowforge.CodeNotFound.
	SetRole(ctx context.Context, workspace flowforge.Workspace, user UserID, role Role, entries ...Entry) error
	// RemoveMember ends a membership, or answers flowforge.CodeNotFound.
	RemoveMember(ctx context.Context, workspace flowforge.Workspace, user UserID, entries ...Entry) error
}

// An Invitation lets whoever has its token become a member.
type Invitation struct {
	ID        string
	Workspace flowforge.Workspace
	Email     string // normalised; only its owner may accept it
	Role      Role
	InvitedBy UserID
	Hash      []byte // of the token, see OneTime
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Invitations keeps invitations until they are accepted, withdrawn or over.
type Invitations interface {
	CreateInvitation(ctx context.Context, invitation Invitation, entries ...Entry) error
	// ListInvitations gives those that are open at an instant, in order of their IDs, those after one.
	ListInvitations(
		ctx context.Context, workspace flowforge.Workspace, now time.Time, after string, limit int,
	) ([]Invitation, error)
	// DeleteInvitation withdraws an invitation, or answers flowforge.CodeNotFound.
	DeleteInvitation(ctx context.Context, workspace flowforge.Workspace, id string, entries ...Entry) error
	// InvitationByHash finds an open one by the hash of its token, or answers flowforge.CodeNotFound.
	InvitationByHash(ctx context.Context, hash []byte, now time.Time) (Invitation, error)
	// AcceptInvitation uses an open invitation up and adds the member in one transaction: once, however many ask at the
	// same moment (S15). The others are answered flowforge.CodeNotFound; who is a member already, flowforge.CodeConflict.
	AcceptInvitation(ctx context.Context, hash []byte, now time.Time, member Member, entries ...Entry) error
}
