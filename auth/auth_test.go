package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func TestEachRoleHasWhatThoseBelowItHave(t *testing.T) {
	t.Parallel()
	roles := auth.Roles()
	for i, role := range roles[1:] {
		require.True(t, roles[i].Permissions().Covers(role.Permissions()), "%s has less than %s", roles[i], role)
		require.False(t, role.Permissions().Covers(roles[i].Permissions()), "%s has all of %s", role, roles[i])
	}
	require.Empty(t, auth.Role("root").Permissions())
	require.False(t, auth.Role("root").Valid())
}

func TestWhoLacksAnythingIsRefused(t *testing.T) {
	t.Parallel()
	viewer := auth.Principal{Kind: auth.KindUser, Workspace: "acme", Permissions: auth.RoleViewer.Permissions()}
	require.NoError(t, viewer.Require(auth.RunRead))

	nowhere, local, nothing := viewer, viewer, viewer
	nowhere.Workspace, local.Workspace, nothing.Permissions = "", flowforge.Local, nil
	for name, test := range map[string]struct {
		principal *auth.Principal
		wants     auth.Permission
		code      flowforge.Code
	}{
		"nobody":             {nil, auth.RunRead, auth.CodeUnauthenticated},
		"no kind":            {&auth.Principal{}, auth.RunRead, auth.CodeUnauthenticated},
		"in no workspace":    {&nowhere, auth.RunRead, auth.CodeForbidden},
		"the local one":      {&local, auth.RunRead, auth.CodeForbidden},
		"no permissions":     {&nothing, auth.RunRead, auth.CodeForbidden},
		"another permission": {&viewer, auth.RunControl, auth.CodeForbidden},
		"none asked for":     {&viewer, "", auth.CodeForbidden},
	} {
		require.Equal(t, test.code, flowforge.CodeOf(test.principal.Require(test.wants)), name)
	}
}

func TestAKeyKeepsOnlyWhatItsMakerHas(t *testing.T) {
	t.Parallel()
	scopes := auth.NewPermissions(auth.RunRead, auth.WorkflowEdit, auth.RunRead)
	require.Equal(t, auth.Permissions{auth.RunRead}, scopes.Within(auth.RoleViewer.Permissions()))
	require.Empty(t, scopes.Within(nil))
}
