package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/token"
)

func TestAWorkspaceIsMadeRenamedAndClosed(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p := k.owner("ada")
	admin, editor := k.member(p, "grace", auth.RoleAdmin), k.member(p, "eve", auth.RoleEditor)
	workspace, err := k.Workspace(t.Context(), editor)
	require.NoError(t, err)
	require.Equal(t, "ada's", workspace.Name)
	_, err = k.RenameWorkspace(t.Context(), editor, "x", 0)
	k.code(auth.CodeForbidden, err)
	renamed, err := k.RenameWorkspace(t.Context(), admin, "Acme", workspace.Revision)
	require.NoError(t, err)
	require.Equal(t, int64(2), renamed.Revision)
	_, err = k.RenameWorkspace(t.Context(), admin, "Other", workspace.Revision)
	k.code(flowforge.CodeChanged, err)
	k.code(auth.CodeForbidden, k.CloseWorkspace(t.Context(), admin))
	tokens, err := k.Enter(t.Context(), p, p.Workspace)
	require.NoError(t, err)
	_, key, err := k.CreateKey(t.Context(), p, identity.NewKey{Name: "ci", Scopes: auth.Permissions{auth.RunRead}})
	require.NoError(t, err)
	k.who(key)
	require.NoError(t, k.CloseWorkspace(t.Context(), p))
	k.nobody(tokens.Access)
	k.nobody(key)
	mine, err := k.Workspaces(t.Context(), p)
	require.NoError(t, err)
	require.Empty(t, mine)
	require.Equal(t, []string{"workspace.create", "workspace.rename", "key.create", "workspace.close"}, k.actions(p.Workspace))

	strict := k.service(func(cfg *identity.Config) { cfg.Workspaces = false })
	_, err = strict.CreateWorkspace(t.Context(), p, "another")
	k.code(auth.CodeForbidden, err)
}

func TestNobodyGrantsWhatTheyLack(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	admin, viewer := k.member(owner, "grace", auth.RoleAdmin), k.member(owner, "eve", auth.RoleViewer)
	for name, test := range map[string]struct {
		by   *auth.Principal
		who  auth.UserID
		role auth.Role
		code flowforge.Code
	}{
		"an admin makes no owners":    {admin, viewer.User, auth.RoleOwner, auth.CodeForbidden},
		"nor of themselves":           {admin, admin.User, auth.RoleOwner, auth.CodeForbidden},
		"nor an owner less":           {admin, owner.User, auth.RoleViewer, auth.CodeForbidden},
		"a viewer makes nobody more":  {viewer, viewer.User, auth.RoleEditor, auth.CodeForbidden},
		"there are no other roles":    {owner, viewer.User, "root", flowforge.CodeInvalidInput},
		"nor empty ones":              {owner, viewer.User, "", flowforge.CodeInvalidInput},
		"strangers are not there":     {owner, "stranger", auth.RoleViewer, flowforge.CodeNotFound},
		"the last owner stays one":    {owner, owner.User, auth.RoleAdmin, flowforge.CodeConflict},
		"an admin makes a viewer one": {admin, viewer.User, auth.RoleAdmin, ""},
	} {
		require.Equal(t, test.code, flowforge.CodeOf(k.SetRole(t.Context(), test.by, test.who, test.role)), name)
	}
	k.code(auth.CodeForbidden, k.RemoveMember(t.Context(), admin, owner.User))
	k.code(flowforge.CodeConflict, k.RemoveMember(t.Context(), owner, owner.User))
	_, _, err := k.Invite(t.Context(), admin, "x@example.com", auth.RoleOwner)
	k.code(auth.CodeForbidden, err)
	_, err = k.CreateService(t.Context(), admin, "robot", auth.RoleOwner)
	k.code(auth.CodeForbidden, err)
	_, err = k.CreateService(t.Context(), owner, "robot", auth.RoleOwner)
	k.code(flowforge.CodeInvalidInput, err)
}

func TestWhoIsRemovedIsOutAtOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	editor := k.member(owner, "grace", auth.RoleEditor)
	tokens, err := k.Enter(t.Context(), editor, owner.Workspace)
	require.NoError(t, err)
	_, key, err := k.CreateKey(t.Context(), editor, identity.NewKey{Name: "ci", Scopes: auth.Permissions{auth.RunRead, auth.WorkflowEdit}})
	require.NoError(t, err)
	require.Equal(t, auth.Permissions{auth.RunRead, auth.WorkflowEdit}, k.who(key).Permissions)

	require.NoError(t, k.SetRole(t.Context(), owner, editor.User, auth.RoleViewer))
	require.Equal(t, auth.RoleViewer, k.who(tokens.Access).Role)
	require.Equal(t, auth.Permissions{auth.RunRead}, k.who(key).Permissions, "a key has no more than its owner")
	k.code(auth.CodeForbidden, k.RemoveMember(t.Context(), k.who(tokens.Access), owner.User))
	require.NoError(t, k.RemoveMember(t.Context(), k.who(tokens.Access), editor.User))
	k.nobody(tokens.Access)
	k.nobody(key)
	_, err = k.Enter(t.Context(), editor, owner.Workspace)
	k.code(flowforge.CodeNotFound, err)
	left := k.signIn("grace", good)
	left, err = k.Refresh(t.Context(), left.Refresh, owner.Workspace)
	require.NoError(t, err)
	require.Empty(t, left.Workspace)
	_, err = k.Refresh(t.Context(), left.Refresh, "")
	require.NoError(t, err)
}

func TestAnInvitationIsAccepted(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	grace, _ := k.person("grace")
	eve, _ := k.person("eve")
	invitation, opaque, err := k.Invite(t.Context(), owner, "Grace@example.com", auth.RoleEditor)
	require.NoError(t, err)
	require.Equal(t, opaque, k.mailed(auth.MailInvite, "grace@example.com"))
	open, err := k.Invitations(t.Context(), owner, "", 0)
	require.NoError(t, err)
	require.Equal(t, []auth.Invitation{invitation}, open)
	_, err = k.Accept(t.Context(), eve, opaque)
	k.code(auth.CodeForbidden, err)
	membership, err := k.Accept(t.Context(), grace, opaque)
	require.NoError(t, err)
	require.Equal(t, auth.RoleEditor, membership.Role)
	require.Equal(t, auth.RoleEditor, k.in(grace, owner.Workspace).Role)
	_, err = k.Accept(t.Context(), grace, opaque)
	k.code(flowforge.CodeNotFound, err)

	closed := k.service(func(cfg *identity.Config) { cfg.Register = false })
	_, opaque, err = k.Invite(t.Context(), owner, "new@example.com", auth.RoleViewer)
	require.NoError(t, err)
	_, err = closed.AcceptNew(t.Context(), opaque, "New", "short")
	k.code(auth.CodeWeakPassword, err)
	_, err = closed.AcceptNew(t.Context(), opaque, "New", good)
	require.NoError(t, err)
	require.Equal(t, auth.RoleViewer, k.who(k.signIn("new", good).Access).Role)
	members, err := k.Members(t.Context(), owner, "", 0)
	require.NoError(t, err)
	require.Len(t, members, 3)
}

func TestAnInvitationCountsWhileItsMakerHasThePower(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	admin := k.member(owner, "grace", auth.RoleAdmin)
	eve, _ := k.person("eve")
	_, opaque, err := k.Invite(t.Context(), admin, "eve@example.com", auth.RoleEditor)
	require.NoError(t, err)
	require.NoError(t, k.SetRole(t.Context(), owner, admin.User, auth.RoleEditor))
	_, err = k.Accept(t.Context(), eve, opaque)
	k.code(flowforge.CodeNotFound, err)
	users, err := k.ListUsers(t.Context(), k.admin, "", 0)
	require.NoError(t, err)
	_, err = k.AcceptNew(t.Context(), opaque, "New", good)
	k.code(flowforge.CodeNotFound, err)
	after, err := k.ListUsers(t.Context(), k.admin, "", 0)
	require.NoError(t, err)
	require.Len(t, after, len(users), "nobody was made for an invitation that does not count")
	require.NoError(t, k.SetRole(t.Context(), owner, admin.User, auth.RoleAdmin))
	late, opaque2, err := k.Invite(t.Context(), admin, "eve@example.com", auth.RoleEditor)
	require.NoError(t, err)
	require.NoError(t, k.Withdraw(t.Context(), owner, late.ID))
	_, err = k.Accept(t.Context(), eve, opaque2)
	k.code(flowforge.CodeNotFound, err)
	k.at = k.at.Add(7 * day)
	_, err = k.Accept(t.Context(), k.who(k.signIn("eve", good).Access), opaque)
	k.code(flowforge.CodeNotFound, err)
}

func TestAServiceAccountHasThePowerOfItsKeysMaker(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	admin := k.member(owner, "grace", auth.RoleAdmin)
	robot, err := k.CreateService(t.Context(), admin, "deployer", auth.RoleEditor)
	require.NoError(t, err)
	scopes := auth.Permissions{auth.WorkflowRead, auth.WorkflowPublish, auth.WorkspaceManage}
	key, whole, err := k.CreateKey(t.Context(), admin, identity.NewKey{Name: "ci", Scopes: scopes, User: robot.ID})
	require.NoError(t, err)
	p := k.who(whole)
	require.Equal(t, &auth.Principal{
		Kind: auth.KindService, User: robot.ID, Name: "deployer", Workspace: owner.Workspace,
		Permissions: auth.NewPermissions(auth.WorkflowRead, auth.WorkflowPublish), Key: key.ID,
	}, p)
	k.code(auth.CodeForbidden, second(k.Me(t.Context(), p)))
	_, _, err = k.CreateKey(t.Context(), admin, identity.NewKey{Name: "ci", Scopes: scopes, User: owner.User})
	k.code(auth.CodeForbidden, err)
	mine, err := k.Workspaces(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, mine, 1)
	_, err = k.SignIn(t.Context(), identity.SignIn{Email: "", Password: ""})
	k.code(auth.CodeUnauthenticated, err)

	require.NoError(t, k.SetRole(t.Context(), owner, admin.User, auth.RoleOperator))
	require.Equal(t, auth.Permissions{auth.WorkflowRead}, k.who(whole).Permissions)
	require.NoError(t, k.RemoveMember(t.Context(), owner, admin.User))
	k.nobody(whole)
}

func TestAPIKeysAreMadeListedAndRevoked(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	editor := k.member(owner, "grace", auth.RoleEditor)
	stranger := k.owner("eve")
	read := auth.Permissions{auth.RunRead}
	key, whole, err := k.CreateKey(t.Context(), editor, identity.NewKey{Name: "ci", Scopes: read, ExpiresAt: k.at.Add(time.Hour)})
	require.NoError(t, err)
	p := k.who(whole)
	require.Equal(t, auth.KindKey, p.Kind)
	for name, test := range map[string]struct {
		by   *auth.Principal
		key  identity.NewKey
		code flowforge.Code
	}{
		"no name":             {editor, identity.NewKey{Scopes: read}, flowforge.CodeInvalidInput},
		"no scopes":           {editor, identity.NewKey{Name: "x"}, flowforge.CodeInvalidInput},
		"over already":        {editor, identity.NewKey{Name: "x", Scopes: read, ExpiresAt: k.at}, flowforge.CodeInvalidInput},
		"more than they have": {editor, identity.NewKey{Name: "x", Scopes: auth.Permissions{auth.MemberManage}}, auth.CodeForbidden},
		"an invented one":     {owner, identity.NewKey{Name: "x", Scopes: auth.Permissions{"all"}}, auth.CodeForbidden},
		"by a key":            {&auth.Principal{Kind: auth.KindKey, User: owner.User, Key: "k", Workspace: owner.Workspace, Permissions: owner.Permissions}, identity.NewKey{Name: "x", Scopes: read}, auth.CodeForbidden},
		"for a stranger":      {owner, identity.NewKey{Name: "x", Scopes: read, User: stranger.User}, flowforge.CodeNotFound},
	} {
		_, _, err := k.CreateKey(t.Context(), test.by, test.key)
		require.Equal(t, test.code, flowforge.CodeOf(err), name)
	}

	id, _, _, err := token.NewAPIKey(zeros{})
	require.NoError(t, err)
	require.NotEqual(t, key.ID, id)
	_, _, forged, err := token.NewAPIKey(zeros{})
	require.NoError(t, err)
	k.nobody(forged)
	kept, err := k.stores.APIKey(t.Context(), key.ID)
	require.NoError(t, err)
	require.Equal(t, k.at, kept.UsedAt)
	require.NotContains(t, string(kept.Hash), whole[25:60])

	listed, err := k.Keys(t.Context(), owner, "", 0)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	listed, err = k.Keys(t.Context(), stranger, "", 0)
	require.NoError(t, err)
	require.Empty(t, listed)
	k.code(flowforge.CodeNotFound, k.RevokeKey(t.Context(), stranger, key.ID))
	require.NoError(t, k.RevokeKey(t.Context(), owner, key.ID))
	k.nobody(whole)

	_, whole, err = k.CreateKey(t.Context(), editor, identity.NewKey{Name: "ci", Scopes: read, ExpiresAt: k.at.Add(time.Hour)})
	require.NoError(t, err)
	k.who(whole)
	k.at = k.at.Add(time.Hour)
	k.nobody(whole)
}

// zeros is chance without any.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// tampered gives an audit log that somebody has changed.
type tampered struct {
	auth.Stores

	change func(entries []auth.Entry) []auth.Entry
}

func (s tampered) ListAudit(ctx context.Context, w flowforge.Workspace, after int64, _ int) ([]auth.Entry, error) {
	entries, err := s.Stores.ListAudit(ctx, w, 0, 1_000)
	if err != nil {
		return nil, err
	}
	if entries = s.change(entries); int(after) >= len(entries) {
		return nil, nil
	}
	return entries[after:], nil
}

func TestATamperedAuditLogIsFound(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.owner("ada")
	for _, name := range []string{"b", "c", "d"} {
		_, err := k.RenameWorkspace(t.Context(), owner, name, 0)
		require.NoError(t, err)
	}
	n, err := k.VerifyAudit(t.Context(), owner.Workspace)
	require.NoError(t, err)
	require.Equal(t, int64(4), n)
	entries, err := k.Audit(t.Context(), owner, 2, 1)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, owner.User, entries[0].User)
	require.Equal(t, owner.Session, entries[0].Session)
	k.code(auth.CodeForbidden, second(k.Audit(t.Context(), k.member(owner, "eve", auth.RoleEditor), 0, 0)))

	for name, change := range map[string]func(e []auth.Entry) []auth.Entry{
		"changed":       func(e []auth.Entry) []auth.Entry { e[1].Target = "x"; return e },
		"left out":      func(e []auth.Entry) []auth.Entry { return append(e[:1], e[2:]...) },
		"first gone":    func(e []auth.Entry) []auth.Entry { return e[1:] },
		"cut":           func(e []auth.Entry) []auth.Entry { return e[:3] },
		"all gone":      func([]auth.Entry) []auth.Entry { return nil },
		"written anew":  func(e []auth.Entry) []auth.Entry { e[3].Target = "x"; e[3] = e[3].Chained(4, e[2].Hash); return e },
		"moved":         func(e []auth.Entry) []auth.Entry { e[1], e[2] = e[2], e[1]; return e },
		"of two chains": func(e []auth.Entry) []auth.Entry { e[2] = e[2].Chained(3, e[0].Hash); return e },
	} {
		inner := k.stores
		k.stores = tampered{inner, change}
		_, err := k.service(func(*identity.Config) {}).VerifyAudit(t.Context(), owner.Workspace)
		k.stores = inner
		require.Equal(t, auth.CodeTampered, flowforge.CodeOf(err), name)
	}
}
