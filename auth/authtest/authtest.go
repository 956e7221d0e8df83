// Package authtest is the conformance suite that every implementation of auth.Stores passes. Each case is named after
// the sentence of the contract it checks. A backend's test file opens its store and calls Run.
package authtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Run runs the suite; open makes an empty store for each case, and closes it after it.
func Run(t *testing.T, open func(t *testing.T) auth.Stores) {
	t.Helper()
	for _, family := range []struct {
		name  string
		cases []testCase
	}{
		{"User", userCases()},
		{"Link", linkCases()},
		{"Workspace", workspaceCases()},
		{"Member", memberCases()},
		{"Last owner", ownerCases()},
		{"Invitation", invitationCases()},
		{"Session", sessionCases()},
		{"Refresh token", rotationCases()},
		{"One-time token", oneTimeCases()},
		{"API key", apiKeyCases()},
		{"Signing keys", signingCases()},
		{"Credential", credentialCases()},
		{"Data key", dataKeyCases()},
		{"Audit", auditCases()},
		{"Two workspaces", isolationCases()},
	} {
		t.Run(family.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range family.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.check(&kit{T: t, Stores: open(t), ctx: context.Background()})
				})
			}
		})
	}
}

// A testCase checks the sentence that is its name.
type testCase struct {
	name  string
	check func(k *kit)
}

const (
	acme  = flowforge.Workspace("acme")
	other = flowforge.Workspace("other")

	ada   = auth.UserID("ada")
	grace = auth.UserID("grace")
)

// now is the time of all cases; databases keep no more than microseconds.
func now() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 89_000, time.UTC) }

// A kit makes the steps of a case short. What fails in it fails the case.
type kit struct {
	*testing.T
	auth.Stores

	ctx context.Context //nolint:containedctx // It is the test's, and lives as long.
}

// user makes a person.
func (k *kit) user(id auth.UserID) auth.User {
	k.Helper()
	user := auth.User{
		ID: id, Kind: auth.Person, Email: string(id) + "@example.com", Name: "Name of " + string(id), Password: "hash",
		TokenVersion: 1, CreatedAt: now(), Revision: 1,
	}
	require.NoError(k, k.CreateUser(k.ctx, user, nil))
	return user
}

// workspace makes a workspace, whose owner is made too where there is no such user.
func (k *kit) workspace(id flowforge.Workspace, owner auth.UserID) auth.Workspace {
	k.Helper()
	if _, err := k.User(k.ctx, owner); err != nil {
		k.user(owner)
	}
	workspace := auth.Workspace{ID: id, Name: "Name of " + string(id), CreatedAt: now(), Revision: 1}
	require.NoError(k, k.CreateWorkspace(k.ctx, workspace, auth.Member{
		Workspace: id, User: owner, Role: auth.RoleOwner, AddedAt: now(),
	}))
	return workspace
}

// join makes a user a member of acme.
func (k *kit) join(user auth.UserID, role auth.Role) {
	k.Helper()
	require.NoError(k, k.AddMember(k.ctx, auth.Member{Workspace: acme, User: user, Role: role, AddedAt: now()}))
}

// code checks that err has a code.
func (k *kit) code(code flowforge.Code, err error) {
	k.Helper()
	require.Error(k, err)
	require.Equal(k, code, flowforge.CodeOf(err), err.Error())
}

// entry is one that tells of an action.
func entry(workspace flowforge.Workspace, action string) auth.Entry {
	return auth.Entry{
		Workspace: workspace, At: now(), Kind: auth.KindUser, User: ada, Session: "session", Key: "key", Action: action,
		Target: "target", Detail: map[string]string{"role": "viewer"}, Address: "192.0.2.1", Request: "request",
	}
}

// told checks which actions the chain of a workspace tells of, and that it is whole.
func (k *kit) told(workspace flowforge.Workspace, actions ...string) {
	k.Helper()
	entries, err := k.ListAudit(k.ctx, workspace, 0, 1_000)
	require.NoError(k, err)
	got := make([]string, 0, len(entries))
	var before *auth.Entry
	for i := range entries {
		require.True(k, entries[i].Intact(before), "entry %d is not what was written", i+1)
		before = &entries[i]
		got = append(got, entries[i].Action)
	}
	require.Equal(k, append([]string{}, actions...), got)
	seq, hash, err := k.AuditHead(k.ctx, workspace)
	require.NoError(k, err)
	require.Equal(k, int64(len(actions)), seq)
	if before != nil {
		require.Equal(k, before.Hash, hash)
	}
}

// count runs f in n goroutines at once and counts the outcomes by code.
func count(n int, f func(i int) error) map[flowforge.Code]int {
	codes := make(chan flowforge.Code, n)
	start := make(chan struct{})
	for i := range n {
		go func() {
			<-start
			err := f(i)
			code := flowforge.CodeOf(err)
			if err != nil && code == "" {
				code = flowforge.Code(err.Error())
			}
			codes <- code
		}()
	}
	close(start)
	outcomes := map[flowforge.Code]int{}
	for range n {
		outcomes[<-codes]++
	}
	return outcomes
}
