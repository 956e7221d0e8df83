package authtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func userCases() []testCase {
	return []testCase{
		{"a user is read as they were kept", func(k *kit) {
			user := auth.User{
				ID: ada, Kind: auth.Person, Email: "ada@example.com", Name: "Ada 'L' \\ \" {x}", Password: "$argon2id$v=19$x", Verified: true,
				Disabled: true, Admin: true, TOTP: []byte{0, 255, 1}, TOTPConfirmed: true, TOTPStep: 1 << 40,
				Recovery: [][]byte{{1, 2}, {3}}, TokenVersion: 5, CreatedAt: now(), SignedInAt: now().Add(time.Second), Revision: 1,
			}
			require.NoError(k, k.CreateUser(k.ctx, user, nil))
			for _, read := range []func() (auth.User, error){
				func() (auth.User, error) { return k.User(k.ctx, ada) },
				func() (auth.User, error) { return k.UserByEmail(k.ctx, "ada@example.com") },
			} {
				got, err := read()
				require.NoError(k, err)
				require.Equal(k, user, got)
			}
		}},
		{"an ID or an e-mail is taken once", func(k *kit) {
			user := k.user(ada)
			k.code(flowforge.CodeConflict, k.CreateUser(k.ctx, user, nil, entry("", "user.create")))
			user.ID = grace
			k.code(flowforge.CodeConflict, k.CreateUser(k.ctx, user, nil, entry("", "user.create")))
			k.told("")
			outcomes := count(8, func(i int) error {
				return k.CreateUser(k.ctx, auth.User{
					ID: auth.UserID(rune('a' + i)), Kind: auth.Person, Email: "same@example.com", CreatedAt: now(),
				}, nil)
			})
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeConflict: 7}, outcomes)
		}},
		{"who is not there is not found", func(k *kit) {
			_, err := k.User(k.ctx, ada)
			k.code(flowforge.CodeNotFound, err)
			_, err = k.UserByEmail(k.ctx, "ada@example.com")
			k.code(flowforge.CodeNotFound, err)
			_, err = k.UserByEmail(k.ctx, "")
			k.code(flowforge.CodeNotFound, err)
		}},
		{"a service account has no e-mail, and is a member from the start", func(k *kit) {
			k.workspace(acme, ada)
			for _, id := range []auth.UserID{"robot", "robot 2"} {
				robot := auth.User{ID: id, Kind: auth.Service, Workspace: acme, Name: "Robot", CreatedAt: now(), Revision: 1}
				member := auth.Member{Workspace: acme, User: id, Role: auth.RoleOperator, AddedAt: now()}
				require.NoError(k, k.CreateUser(k.ctx, robot, &member, entry(acme, "service.create")))
				got, err := k.User(k.ctx, id)
				require.NoError(k, err)
				require.Equal(k, robot, got)
				member.Kind, member.Name = auth.Service, "Robot"
				joined, err := k.Member(k.ctx, acme, id)
				require.NoError(k, err)
				require.Equal(k, member, joined)
			}
			k.told(acme, "service.create", "service.create")
			_, err := k.UserByEmail(k.ctx, "")
			k.code(flowforge.CodeNotFound, err)
		}},
		{"a change counts the revision, and of two at the same one succeeds", func(k *kit) {
			user := k.user(ada)
			user.Email, user.Name, user.Password, user.Verified, user.Disabled = "lovelace@example.com", "Lovelace", "other", true, true
			user.Admin, user.TOTP, user.TOTPConfirmed, user.TOTPStep = true, []byte("sealed"), true, 7
			user.Recovery, user.TokenVersion, user.SignedInAt = [][]byte{{9}}, 2, now().Add(time.Hour)
			require.NoError(k, k.UpdateUser(k.ctx, user, entry("", "user.update")))
			k.code(flowforge.CodeConflict, k.UpdateUser(k.ctx, user, entry("", "user.update")))
			user.Revision++
			got, err := k.User(k.ctx, ada)
			require.NoError(k, err)
			require.Equal(k, user, got)
			outcomes := count(8, func(int) error { return k.UpdateUser(k.ctx, user, entry("", "user.update")) })
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeConflict: 7}, outcomes)
			k.told("", "user.update", "user.update")
		}},
		{"nobody takes the e-mail of another", func(k *kit) {
			k.user(ada)
			user := k.user(grace)
			user.Email = "ada@example.com"
			k.code(flowforge.CodeConflict, k.UpdateUser(k.ctx, user))
		}},
		{"people are listed by pages in order, without service accounts", func(k *kit) {
			k.workspace(acme, "b")
			k.user("c")
			k.user("a")
			require.NoError(k, k.CreateUser(k.ctx, auth.User{ID: "d", Kind: auth.Service, Workspace: acme, CreatedAt: now()}, nil))
			ids := func(after auth.UserID, limit int) (all []auth.UserID) {
				users, err := k.ListUsers(k.ctx, after, limit)
				require.NoError(k, err)
				for _, u := range users {
					all = append(all, u.ID)
				}
				return all
			}
			require.Equal(k, []auth.UserID{"a", "b"}, ids("", 2))
			require.Equal(k, []auth.UserID{"c"}, ids("b", 2))
			require.Equal(k, []auth.UserID{"a", "b", "c"}, ids("", 0))
		}},
	}
}

func linkCases() []testCase {
	return []testCase{
		{"an account elsewhere is one user's", func(k *kit) {
			want := k.user(ada)
			k.user(grace)
			_, err := k.UserByLink(k.ctx, "https://id.example", "1")
			k.code(flowforge.CodeNotFound, err)
			require.NoError(k, k.LinkUser(k.ctx, "https://id.example", "1", ada, entry("", "user.link")))
			require.NoError(k, k.LinkUser(k.ctx, "https://other.example", "1", grace))
			require.NoError(k, k.LinkUser(k.ctx, "https://other.example", "2", ada))
			k.code(flowforge.CodeConflict, k.LinkUser(k.ctx, "https://id.example", "1", grace, entry("", "user.link")))
			got, err := k.UserByLink(k.ctx, "https://id.example", "1")
			require.NoError(k, err)
			require.Equal(k, want, got)
			_, err = k.UserByLink(k.ctx, "https://id.example", "2")
			k.code(flowforge.CodeNotFound, err)
			k.told("", "user.link")
		}},
	}
}

func workspaceCases() []testCase {
	return []testCase{
		{"a workspace has its first member", func(k *kit) {
			want := k.workspace(acme, ada)
			got, err := k.Workspace(k.ctx, acme)
			require.NoError(k, err)
			require.Equal(k, want, got)
			member, err := k.Member(k.ctx, acme, ada)
			require.NoError(k, err)
			require.Equal(k, auth.RoleOwner, member.Role)
		}},
		{"an ID is taken once, and what is not there is not found", func(k *kit) {
			_, err := k.Workspace(k.ctx, acme)
			k.code(flowforge.CodeNotFound, err)
			workspace := k.workspace(acme, ada)
			k.user(grace)
			k.code(flowforge.CodeConflict, k.CreateWorkspace(k.ctx, workspace, auth.Member{
				Workspace: acme, User: grace, Role: auth.RoleOwner, AddedAt: now(),
			}, entry(acme, "workspace.create")))
			_, err = k.Member(k.ctx, acme, grace)
			k.code(flowforge.CodeNotFound, err)
			k.told(acme)
		}},
		{"a change counts the revision", func(k *kit) {
			workspace := k.workspace(acme, ada)
			workspace.Name, workspace.ClosedAt = "New name", now().Add(time.Minute)
			require.NoError(k, k.UpdateWorkspace(k.ctx, workspace, entry(acme, "workspace.update")))
			k.code(flowforge.CodeConflict, k.UpdateWorkspace(k.ctx, workspace, entry(acme, "workspace.update")))
			workspace.Revision++
			got, err := k.Workspace(k.ctx, acme)
			require.NoError(k, err)
			require.Equal(k, workspace, got)
			k.told(acme, "workspace.update")
		}},
		{"all are listed by pages, and a member's open ones with their role", func(k *kit) {
			closed := k.workspace("c", ada)
			k.workspace("b", ada)
			k.workspace("a", grace)
			require.NoError(k, k.AddMember(k.ctx, auth.Member{Workspace: "a", User: ada, Role: auth.RoleViewer, AddedAt: now()}))
			closed.ClosedAt = now()
			require.NoError(k, k.UpdateWorkspace(k.ctx, closed))
			page, err := k.ListWorkspaces(k.ctx, "", 2)
			require.NoError(k, err)
			require.Len(k, page, 2)
			require.Equal(k, flowforge.Workspace("b"), page[1].ID)
			page, err = k.ListWorkspaces(k.ctx, "b", 2)
			require.NoError(k, err)
			require.Len(k, page, 1)
			require.Equal(k, now(), page[0].ClosedAt)
			mine, err := k.WorkspacesOf(k.ctx, ada)
			require.NoError(k, err)
			require.Len(k, mine, 2)
			require.Equal(k, flowforge.Workspace("a"), mine[0].ID)
			require.Equal(k, auth.RoleViewer, mine[0].Role)
			require.Equal(k, auth.RoleOwner, mine[1].Role)
		}},
	}
}
