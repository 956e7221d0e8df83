package authtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func auditCases() []testCase {
	return []testCase{
		{"entries are read as they were written, each workspace its own chain", func(k *kit) {
			require.NoError(k, k.AppendAudit(k.ctx, entry(acme, "one"), entry(other, "one"), entry(acme, "two"), entry("", "one")))
			bare := auth.Entry{Workspace: acme, At: now(), Action: "three"}
			require.NoError(k, k.AppendAudit(k.ctx, bare))
			k.told(acme, "one", "two", "three")
			k.told(other, "one")
			k.told("", "one")
			entries, err := k.ListAudit(k.ctx, acme, 0, 2)
			require.NoError(k, err)
			require.Len(k, entries, 2)
			want := entry(acme, "one")
			require.Equal(k, want.Chained(1, nil), entries[0])
			entries, err = k.ListAudit(k.ctx, acme, 2, 2)
			require.NoError(k, err)
			require.Len(k, entries, 1)
			require.Equal(k, int64(3), entries[0].Seq)
		}},
		{"entries of the same moment are a chain too", func(k *kit) {
			require.Equal(k, map[flowforge.Code]int{"": 12}, count(12, func(i int) error {
				return k.AppendAudit(k.ctx, entry(acme, "one"), entry(flowforge.Workspace(fmt.Sprint("w", i%3)), "one"))
			}))
			seq, _, err := k.AuditHead(k.ctx, acme)
			require.NoError(k, err)
			require.Equal(k, int64(12), seq)
			k.told("w0", "one", "one", "one", "one")
		}},
	}
}

func isolationCases() []testCase {
	return []testCase{
		{"what another workspace has answers as what does not exist", func(k *kit) {
			k.workspace(acme, ada)
			k.workspace(other, grace)
			k.dataKey(acme, 1)
			k.dataKey(other, 1)
			require.NoError(k, k.CreateInvitation(k.ctx, invitation("i")))
			require.NoError(k, k.CreateAPIKey(k.ctx, apiKey("k", ada)))
			require.NoError(k, k.CreateCredential(k.ctx, credential("c", "crm"), entry(acme, "credential.create")))

			_, err := k.Member(k.ctx, other, ada)
			k.code(flowforge.CodeNotFound, err)
			k.code(flowforge.CodeNotFound, k.SetRole(k.ctx, other, ada, auth.RoleOwner))
			k.code(flowforge.CodeNotFound, k.RemoveMember(k.ctx, other, ada))
			k.code(flowforge.CodeNotFound, k.DeleteInvitation(k.ctx, other, "i"))
			k.code(flowforge.CodeNotFound, k.RevokeAPIKey(k.ctx, other, "k", now()))
			_, err = k.Credential(k.ctx, other, "c")
			k.code(flowforge.CodeNotFound, err)
			_, err = k.CredentialByName(k.ctx, other, "crm")
			k.code(flowforge.CodeNotFound, err)
			k.code(flowforge.CodeNotFound, k.DeleteCredential(k.ctx, other, "c", 0))
			theirs := credential("c", "crm")
			theirs.Workspace, theirs.Revision = other, 2
			k.code(flowforge.CodeNotFound, k.UpdateCredential(k.ctx, theirs))
			done, err := k.ResealCredential(k.ctx, theirs, 1)
			require.NoError(k, err)
			require.False(k, done)

			members, err := k.ListMembers(k.ctx, other, "", 0)
			require.NoError(k, err)
			require.Len(k, members, 1)
			require.Equal(k, grace, members[0].User)
			invitations, err := k.ListInvitations(k.ctx, other, now(), "", 0)
			require.NoError(k, err)
			require.Empty(k, invitations)
			keys, err := k.ListAPIKeys(k.ctx, other, "", "", 0)
			require.NoError(k, err)
			require.Empty(k, keys)
			credentials, err := k.ListCredentials(k.ctx, other, "", 0)
			require.NoError(k, err)
			require.Empty(k, credentials)
			old, err := k.CredentialsBefore(k.ctx, other, 5, 0)
			require.NoError(k, err)
			require.Empty(k, old)
			k.told(other)
			k.told("")
		}},
		{"two may have credentials of one name and one ID", func(k *kit) {
			k.dataKey(acme, 1)
			k.dataKey(other, 1)
			mine, theirs := credential("c", "crm"), credential("c", "crm")
			theirs.Workspace, theirs.Sealed = other, []byte{5}
			require.NoError(k, k.CreateCredential(k.ctx, mine))
			require.NoError(k, k.CreateCredential(k.ctx, theirs))
			require.NoError(k, k.DeleteCredential(k.ctx, acme, "c", 0))
			got, err := k.Credential(k.ctx, other, "c")
			require.NoError(k, err)
			require.Equal(k, theirs, got)
		}},
		{"an invitation makes nobody a member of another workspace", func(k *kit) {
			k.workspace(acme, ada)
			k.workspace(other, grace)
			require.NoError(k, k.CreateInvitation(k.ctx, invitation("i")))
			k.user("eve")
			k.code(flowforge.CodeNotFound, k.AcceptInvitation(k.ctx, []byte("hash of i"), now(), auth.Member{
				Workspace: other, User: "eve", Role: auth.RoleOwner, AddedAt: now().Add(time.Second),
			}))
			_, err := k.Member(k.ctx, other, "eve")
			k.code(flowforge.CodeNotFound, err)
		}},
	}
}
