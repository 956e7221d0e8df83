package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
)

func TestARunHasCredentialsAsLongAsWhomItActsForMayUseThem(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	guard := identity.NewGuard(k.stores, func() time.Time { return k.at })
	ada, _ := k.person("ada")
	acme, err := k.CreateWorkspaceFor(t.Context(), k.admin, ada.User, "acme")
	require.NoError(t, err)
	other, err := k.CreateWorkspaceFor(t.Context(), k.admin, ada.User, "other")
	require.NoError(t, err)
	grace, _ := k.person("grace")
	host := &auth.Principal{Kind: auth.KindHost, Admin: true, Workspace: acme.ID, Permissions: auth.RoleOwner.Permissions()}
	robot, err := k.CreateService(t.Context(), host, "robot", auth.RoleEditor)
	require.NoError(t, err)
	may := func(workspace auth.Workspace, user auth.UserID) error {
		k.at = k.at.Add(5 * time.Second) // what is remembered is remembered for less
		return guard.MayUse(t.Context(), workspace.ID, user, auth.Credential{})
	}
	require.NoError(t, may(acme, ""))
	require.NoError(t, may(acme, ada.User))
	require.NoError(t, may(acme, robot.ID))
	k.code(auth.CodeForbidden, may(other, robot.ID))
	k.code(auth.CodeForbidden, may(acme, grace.User))
	k.code(auth.CodeForbidden, may(acme, "nobody"))
	k.code(auth.CodeForbidden, may(auth.Workspace{ID: flowforge.Workspace("none")}, ada.User))

	require.NoError(t, k.SetRole(t.Context(), host, robot.ID, auth.RoleOperator))
	k.code(auth.CodeForbidden, may(acme, robot.ID))
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, ada.User, true))
	k.code(auth.CodeForbidden, may(acme, ada.User))
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, ada.User, false))
	require.NoError(t, may(acme, ada.User))
}
