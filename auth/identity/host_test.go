package identity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
)

func TestWhoRunsTheInstallationMakesWorkspacesAndKeysForOthers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	ada, _ := k.person("ada")
	made, err := k.CreateWorkspaceFor(t.Context(), k.admin, ada.User, "acme")
	require.NoError(t, err)
	for _, named := range []string{"acme", string(made.ID)} {
		found, err := k.FindWorkspace(t.Context(), k.admin, named)
		require.NoError(t, err)
		require.Equal(t, made.ID, found.ID)
	}
	for _, named := range []string{"ADA@example.com", string(ada.User)} {
		found, err := k.FindUser(t.Context(), k.admin, named)
		require.NoError(t, err)
		require.Equal(t, ada.User, found.ID)
	}
	host := &auth.Principal{
		Kind: auth.KindHost, Name: "host", Admin: true, Workspace: made.ID, Permissions: auth.RoleOwner.Permissions(),
	}
	scopes := auth.Permissions{auth.RunRead, auth.WorkflowEdit}
	key, whole, err := k.CreateKey(t.Context(), host, identity.NewKey{Name: "ci", Scopes: scopes, User: ada.User})
	require.NoError(t, err)
	require.Equal(t, ada.User, key.User)
	require.Equal(t, auth.NewPermissions(scopes...), k.who(whole).Permissions)
	_, _, err = k.CreateKey(t.Context(), host, identity.NewKey{Name: "ci", Scopes: scopes})
	k.code(flowforge.CodeInvalidInput, err)
	for _, other := range []*auth.Principal{
		{Kind: auth.KindHost, User: "grace", Workspace: made.ID, Permissions: auth.RoleOwner.Permissions(), Admin: true},
		{Kind: auth.KindHost, Workspace: made.ID, Permissions: auth.RoleOwner.Permissions()},
	} {
		_, _, err = k.CreateKey(t.Context(), other, identity.NewKey{Name: "ci", Scopes: scopes, User: ada.User})
		k.code(auth.CodeForbidden, err)
	}

	grace, _ := k.person("grace")
	_, err = k.CreateWorkspaceFor(t.Context(), k.admin, grace.User, "acme")
	require.NoError(t, err)
	_, err = k.FindWorkspace(t.Context(), k.admin, "acme")
	k.code(flowforge.CodeConflict, err)
	_, err = k.FindWorkspace(t.Context(), k.admin, "nothing")
	k.code(flowforge.CodeNotFound, err)
	all, err := k.AllWorkspaces(t.Context(), k.admin, "", 10)
	require.NoError(t, err)
	require.Len(t, all, 2)
	robot, err := k.CreateService(t.Context(), host, "robot", auth.RoleEditor)
	require.NoError(t, err)
	_, err = k.CreateWorkspaceFor(t.Context(), k.admin, robot.ID, "hers")
	k.code(flowforge.CodeConflict, err)
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, ada.User, true))
	k.nobody(whole)
	_, err = k.CreateWorkspaceFor(t.Context(), k.admin, ada.User, "hers")
	k.code(flowforge.CodeConflict, err)

	_, err = k.FindUser(t.Context(), ada, "grace@example.com")
	k.code(auth.CodeForbidden, err)
	_, err = k.FindWorkspace(t.Context(), ada, "acme")
	k.code(auth.CodeForbidden, err)
	_, err = k.AllWorkspaces(t.Context(), ada, "", 10)
	k.code(auth.CodeForbidden, err)
	_, err = k.CreateWorkspaceFor(t.Context(), ada, ada.User, "x")
	k.code(auth.CodeForbidden, err)
}
