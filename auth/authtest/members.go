package authtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func memberCases() []testCase {
	return []testCase{
		{"a member is joined, changed and removed", func(k *kit) {
			k.workspace(acme, ada)
			k.user(grace)
			want := auth.Member{Workspace: acme, User: grace, Role: auth.RoleViewer, AddedAt: now()}
			require.NoError(k, k.AddMember(k.ctx, want, entry(acme, "member.add")))
			want.Kind, want.Email, want.Name = auth.Person, "grace@example.com", "Name of grace"
			got, err := k.Member(k.ctx, acme, grace)
			require.NoError(k, err)
			require.Equal(k, want, got)
			k.code(flowforge.CodeConflict, k.AddMember(k.ctx, want, entry(acme, "member.add")))

			require.NoError(k, k.SetRole(k.ctx, acme, grace, auth.RoleEditor, entry(acme, "member.role")))
			got, err = k.Member(k.ctx, acme, grace)
			require.NoError(k, err)
			require.Equal(k, auth.RoleEditor, got.Role)

			require.NoError(k, k.RemoveMember(k.ctx, acme, grace, entry(acme, "member.remove")))
			_, err = k.Member(k.ctx, acme, grace)
			k.code(flowforge.CodeNotFound, err)
			k.code(flowforge.CodeNotFound, k.RemoveMember(k.ctx, acme, grace, entry(acme, "member.remove")))
			k.code(flowforge.CodeNotFound, k.SetRole(k.ctx, acme, grace, auth.RoleViewer, entry(acme, "member.role")))
			k.told(acme, "member.add", "member.role", "member.remove")
		}},
		{"members are listed by pages in order", func(k *kit) {
			k.workspace(acme, "b")
			for _, id := range []auth.UserID{"c", "a"} {
				k.user(id)
				k.join(id, auth.RoleViewer)
			}
			first, err := k.ListMembers(k.ctx, acme, "", 2)
			require.NoError(k, err)
			require.Len(k, first, 2)
			require.Equal(k, auth.UserID("a"), first[0].User)
			require.Equal(k, "a@example.com", first[0].Email)
			rest, err := k.ListMembers(k.ctx, acme, "b", 2)
			require.NoError(k, err)
			require.Len(k, rest, 1)
			require.Equal(k, auth.UserID("c"), rest[0].User)
		}},
	}
}

func ownerCases() []testCase {
	return []testCase{
		{"the last owner stays one", func(k *kit) {
			k.workspace(acme, ada)
			k.user(grace)
			k.join(grace, auth.RoleAdmin)
			k.code(flowforge.CodeConflict, k.RemoveMember(k.ctx, acme, ada, entry(acme, "member.remove")))
			k.code(flowforge.CodeConflict, k.SetRole(k.ctx, acme, ada, auth.RoleAdmin, entry(acme, "member.role")))
			require.NoError(k, k.SetRole(k.ctx, acme, ada, auth.RoleOwner))
			member, err := k.Member(k.ctx, acme, ada)
			require.NoError(k, err)
			require.Equal(k, auth.RoleOwner, member.Role)
			require.NoError(k, k.SetRole(k.ctx, acme, grace, auth.RoleOwner))
			require.NoError(k, k.RemoveMember(k.ctx, acme, ada))
			k.code(flowforge.CodeConflict, k.RemoveMember(k.ctx, acme, grace))
			k.told(acme)
		}},
		{"of all owners who leave at once one stays", func(k *kit) {
			owners := []auth.UserID{"a", "b", "c", "d"}
			k.workspace(acme, owners[0])
			for _, id := range owners[1:] {
				k.user(id)
				k.join(id, auth.RoleOwner)
			}
			outcomes := count(len(owners), func(i int) error {
				if i%2 == 0 {
					return k.SetRole(k.ctx, acme, owners[i], auth.RoleViewer)
				}
				return k.RemoveMember(k.ctx, acme, owners[i])
			})
			require.Equal(k, map[flowforge.Code]int{"": 3, flowforge.CodeConflict: 1}, outcomes)
		}},
	}
}

func invitation(id string) auth.Invitation {
	return auth.Invitation{
		ID: id, Workspace: acme, Email: "grace@example.com", Role: auth.RoleEditor, InvitedBy: ada, Hash: []byte("hash of " + id),
		CreatedAt: now(), ExpiresAt: now().Add(time.Hour),
	}
}

func invitationCases() []testCase {
	accepts := func(k *kit, hash string, at time.Time) error {
		return k.AcceptInvitation(k.ctx, []byte(hash), at, auth.Member{
			Workspace: acme, User: grace, Role: auth.RoleEditor, AddedAt: at,
		}, entry(acme, "invitation.accept"))
	}
	return []testCase{
		{"an invitation is found by its token and in lists while it is open", func(k *kit) {
			k.workspace(acme, ada)
			for _, id := range []string{"b", "a"} {
				require.NoError(k, k.CreateInvitation(k.ctx, invitation(id), entry(acme, "invitation.create")))
			}
			got, err := k.InvitationByHash(k.ctx, []byte("hash of a"), now())
			require.NoError(k, err)
			require.Equal(k, invitation("a"), got)
			_, err = k.InvitationByHash(k.ctx, []byte("hash of a"), now().Add(time.Hour))
			k.code(flowforge.CodeNotFound, err)
			_, err = k.InvitationByHash(k.ctx, []byte("hash of c"), now())
			k.code(flowforge.CodeNotFound, err)

			open, err := k.ListInvitations(k.ctx, acme, now(), "", 1)
			require.NoError(k, err)
			require.Equal(k, []auth.Invitation{invitation("a")}, open)
			open, err = k.ListInvitations(k.ctx, acme, now(), "a", 5)
			require.NoError(k, err)
			require.Equal(k, []auth.Invitation{invitation("b")}, open)
			open, err = k.ListInvitations(k.ctx, acme, now().Add(time.Hour), "", 5)
			require.NoError(k, err)
			require.Empty(k, open)
			k.told(acme, "invitation.create", "invitation.create")
		}},
		{"one that was withdrawn cannot be accepted", func(k *kit) {
			k.workspace(acme, ada)
			k.user(grace)
			require.NoError(k, k.CreateInvitation(k.ctx, invitation("a")))
			k.code(flowforge.CodeNotFound, k.DeleteInvitation(k.ctx, other, "a"))
			require.NoError(k, k.DeleteInvitation(k.ctx, acme, "a", entry(acme, "invitation.delete")))
			k.code(flowforge.CodeNotFound, k.DeleteInvitation(k.ctx, acme, "a", entry(acme, "invitation.delete")))
			k.code(flowforge.CodeNotFound, accepts(k, "hash of a", now()))
			k.told(acme, "invitation.delete")
		}},
		{"one is accepted once, however many try", func(k *kit) {
			k.workspace(acme, ada)
			k.user(grace)
			require.NoError(k, k.CreateInvitation(k.ctx, invitation("a")))
			k.code(flowforge.CodeNotFound, accepts(k, "hash of a", now().Add(time.Hour)))
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeNotFound: 7},
				count(8, func(int) error { return accepts(k, "hash of a", now()) }))
			member, err := k.Member(k.ctx, acme, grace)
			require.NoError(k, err)
			require.Equal(k, auth.RoleEditor, member.Role)
			_, err = k.InvitationByHash(k.ctx, []byte("hash of a"), now())
			k.code(flowforge.CodeNotFound, err)
			k.told(acme, "invitation.accept")
		}},
		{"who is a member keeps their role, and the invitation stays", func(k *kit) {
			k.workspace(acme, ada)
			k.user(grace)
			k.join(grace, auth.RoleViewer)
			require.NoError(k, k.CreateInvitation(k.ctx, invitation("a")))
			k.code(flowforge.CodeConflict, accepts(k, "hash of a", now()))
			member, err := k.Member(k.ctx, acme, grace)
			require.NoError(k, err)
			require.Equal(k, auth.RoleViewer, member.Role)
			_, err = k.InvitationByHash(k.ctx, []byte("hash of a"), now())
			require.NoError(k, err)
			k.told(acme)
		}},
	}
}
