package authtest

import (
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func apiKey(id auth.KeyID, user auth.UserID) auth.APIKey {
	return auth.APIKey{
		ID: id, Workspace: acme, User: user, CreatedBy: ada, Name: "deploys", Hash: []byte{0, 1, 254, 255},
		Scopes: auth.NewPermissions(auth.RunRead, auth.WorkflowExecute), CreatedAt: now(), ExpiresAt: now().Add(time.Hour),
	}
}

func apiKeyCases() []testCase {
	return []testCase{
		{"a key is read as it was kept, and its ID is taken once", func(k *kit) {
			k.workspace(acme, ada)
			for _, want := range []auth.APIKey{apiKey("a", ada), {ID: "b", Workspace: acme, User: ada, CreatedBy: ada, Hash: []byte{1}, CreatedAt: now()}} {
				require.NoError(k, k.CreateAPIKey(k.ctx, want, entry(acme, "key.create")))
				got, err := k.APIKey(k.ctx, want.ID)
				require.NoError(k, err)
				require.Equal(k, want, got)
				k.code(flowforge.CodeConflict, k.CreateAPIKey(k.ctx, want, entry(acme, "key.create")))
			}
			_, err := k.APIKey(k.ctx, "c")
			k.code(flowforge.CodeNotFound, err)
			k.told(acme, "key.create", "key.create")
		}},
		{"keys are listed by pages, of a user or of all", func(k *kit) {
			k.workspace(acme, ada)
			k.user(grace)
			for id, user := range map[auth.KeyID]auth.UserID{"a": ada, "b": grace, "c": ada} {
				require.NoError(k, k.CreateAPIKey(k.ctx, apiKey(id, user)))
			}
			ids := func(user auth.UserID, after auth.KeyID, limit int) (all []auth.KeyID) {
				keys, err := k.ListAPIKeys(k.ctx, acme, user, after, limit)
				require.NoError(k, err)
				for _, key := range keys {
					all = append(all, key.ID)
				}
				return all
			}
			require.Equal(k, []auth.KeyID{"a", "b"}, ids("", "", 2))
			require.Equal(k, []auth.KeyID{"c"}, ids("", "b", 2))
			require.Equal(k, []auth.KeyID{"a", "c"}, ids(ada, "", 0))
		}},
		{"one is used and revoked", func(k *kit) {
			k.workspace(acme, ada)
			want := apiKey("a", ada)
			require.NoError(k, k.CreateAPIKey(k.ctx, want))
			require.NoError(k, k.TouchAPIKey(k.ctx, "a", now().Add(time.Second)))
			require.NoError(k, k.TouchAPIKey(k.ctx, "b", now()))
			require.NoError(k, k.RevokeAPIKey(k.ctx, acme, "a", now().Add(time.Minute), entry(acme, "key.revoke")))
			require.NoError(k, k.RevokeAPIKey(k.ctx, acme, "a", now().Add(time.Hour), entry(acme, "key.revoke")))
			k.code(flowforge.CodeNotFound, k.RevokeAPIKey(k.ctx, acme, "b", now(), entry(acme, "key.revoke")))
			want.UsedAt, want.RevokedAt = now().Add(time.Second), now().Add(time.Minute)
			got, err := k.APIKey(k.ctx, "a")
			require.NoError(k, err)
			require.Equal(k, want, got)
			k.told(acme, "key.revoke", "key.revoke")
		}},
	}
}

func signingCases() []testCase {
	return []testCase{
		{"the set changes as a whole, from the revision it had", func(k *kit) {
			set, err := k.SigningKeys(k.ctx)
			require.NoError(k, err)
			require.Zero(k, set)
			first := auth.KeySet{Keys: []auth.SigningKey{
				{ID: "a", State: auth.KeyActive, Public: []byte{1}, Private: []byte{2}, CreatedAt: now()},
				{ID: "b", State: auth.KeyRetired, Public: []byte{3}, CreatedAt: now(), RetiredAt: now()},
			}}
			outcomes := count(8, func(int) error { return k.SaveSigningKeys(k.ctx, first, entry("", "keys.rotate")) })
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeConflict: 7}, outcomes)
			first.Revision = 1
			set, err = k.SigningKeys(k.ctx)
			require.NoError(k, err)
			require.Equal(k, first, set)

			second := auth.KeySet{Revision: 1, Keys: first.Keys[:1]}
			outcomes = count(8, func(int) error { return k.SaveSigningKeys(k.ctx, second, entry("", "keys.rotate")) })
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeConflict: 7}, outcomes)
			set, err = k.SigningKeys(k.ctx)
			require.NoError(k, err)
			require.Equal(k, int64(2), set.Revision)
			require.Len(k, set.Keys, 1)
			k.told("", "keys.rotate", "keys.rotate")
		}},
	}
}

// dataKey makes a data key of a workspace.
func (k *kit) dataKey(workspace flowforge.Workspace, number int64) auth.DataKey {
	k.Helper()
	key := auth.DataKey{Workspace: workspace, Number: number, Root: "root", Sealed: []byte{byte(number), 0}, CreatedAt: now()}
	require.NoError(k, k.CreateDataKey(k.ctx, key))
	return key
}

func credential(id auth.CredentialID, name string) auth.Credential {
	return auth.Credential{
		ID: id, Workspace: acme, Name: name, Type: "bearer", Hosts: []string{"api.example.com"}, DataKey: 1, Sealed: []byte{0, 255},
		CreatedBy: ada, CreatedAt: now(), ChangedAt: now(), Revision: 1,
	}
}

func credentialCases() []testCase {
	return []testCase{
		{"a credential is read as it was kept, and listed without what is sealed", func(k *kit) {
			k.dataKey(acme, 1)
			want := credential("1", "crm")
			require.NoError(k, k.CreateCredential(k.ctx, want, entry(acme, "credential.create")))
			require.NoError(k, k.CreateCredential(k.ctx, credential("2", "bank")))
			got, err := k.Credential(k.ctx, acme, "1")
			require.NoError(k, err)
			require.Equal(k, want, got)
			got, err = k.CredentialByName(k.ctx, acme, "crm")
			require.NoError(k, err)
			require.Equal(k, want, got)
			listed, err := k.ListCredentials(k.ctx, acme, "bank", 5)
			require.NoError(k, err)
			want.Sealed = nil
			require.Equal(k, []auth.Credential{want}, listed)
			listed, err = k.ListCredentials(k.ctx, acme, "", 1)
			require.NoError(k, err)
			require.Len(k, listed, 1)
			require.Equal(k, "bank", listed[0].Name)
			k.told(acme, "credential.create")
		}},
		{"an ID or a name is taken once", func(k *kit) {
			k.dataKey(acme, 1)
			require.NoError(k, k.CreateCredential(k.ctx, credential("1", "crm")))
			k.code(flowforge.CodeConflict, k.CreateCredential(k.ctx, credential("1", "bank"), entry(acme, "credential.create")))
			k.code(flowforge.CodeConflict, k.CreateCredential(k.ctx, credential("2", "crm"), entry(acme, "credential.create")))
			k.told(acme)
		}},
		{"it is changed from the revision before, and to no name that is taken", func(k *kit) {
			k.dataKey(acme, 1)
			require.NoError(k, k.CreateCredential(k.ctx, credential("1", "crm")))
			require.NoError(k, k.CreateCredential(k.ctx, credential("2", "bank")))
			want := credential("1", "sales")
			want.Type, want.Hosts, want.Sealed, want.ChangedAt, want.Revision = "basic", nil, []byte{7}, now().Add(time.Hour), 2
			outcomes := count(4, func(int) error { return k.UpdateCredential(k.ctx, want, entry(acme, "credential.update")) })
			require.Equal(k, map[flowforge.Code]int{"": 1, flowforge.CodeConflict: 3}, outcomes)
			got, err := k.Credential(k.ctx, acme, "1")
			require.NoError(k, err)
			require.Equal(k, want, got)
			want.Name, want.Revision = "bank", 3
			k.code(flowforge.CodeConflict, k.UpdateCredential(k.ctx, want, entry(acme, "credential.update")))
			want.ID = "3"
			k.code(flowforge.CodeNotFound, k.UpdateCredential(k.ctx, want, entry(acme, "credential.update")))
			k.told(acme, "credential.update")
		}},
		{"it is deleted at its revision, or at any", func(k *kit) {
			k.dataKey(acme, 1)
			for i := range 2 {
				require.NoError(k, k.CreateCredential(k.ctx, credential(auth.CredentialID(strconv.Itoa(i)), strconv.Itoa(i))))
			}
			k.code(flowforge.CodeConflict, k.DeleteCredential(k.ctx, acme, "0", 2, entry(acme, "credential.delete")))
			require.NoError(k, k.DeleteCredential(k.ctx, acme, "0", 1, entry(acme, "credential.delete")))
			require.NoError(k, k.DeleteCredential(k.ctx, acme, "1", 0, entry(acme, "credential.delete")))
			k.code(flowforge.CodeNotFound, k.DeleteCredential(k.ctx, acme, "1", 0, entry(acme, "credential.delete")))
			_, err := k.Credential(k.ctx, acme, "1")
			k.code(flowforge.CodeNotFound, err)
			_, err = k.CredentialByName(k.ctx, acme, "1")
			k.code(flowforge.CodeNotFound, err)
			k.told(acme, "credential.delete", "credential.delete")
		}},
	}
}

func dataKeyCases() []testCase {
	return []testCase{
		{"keys of a workspace are numbered, each number once", func(k *kit) {
			second, first := k.dataKey(acme, 2), k.dataKey(acme, 1)
			k.dataKey("", 1)
			k.code(flowforge.CodeConflict, k.CreateDataKey(k.ctx, first, entry(acme, "key.create")))
			keys, err := k.DataKeys(k.ctx, acme)
			require.NoError(k, err)
			require.Equal(k, []auth.DataKey{first, second}, keys)
			keys, err = k.DataKeys(k.ctx, "")
			require.NoError(k, err)
			require.Len(k, keys, 1)
			k.told(acme)
		}},
		{"a key is sealed anew once", func(k *kit) {
			key := k.dataKey(acme, 1)
			k.dataKey("", 1)
			old, err := k.DataKeysNotUnder(k.ctx, "new", 10)
			require.NoError(k, err)
			require.Len(k, old, 2)
			old, err = k.DataKeysNotUnder(k.ctx, "root", 10)
			require.NoError(k, err)
			require.Empty(k, old)
			key.Root, key.Sealed = "new", []byte{9}
			for _, want := range []bool{true, false} {
				done, err := k.RewrapDataKey(k.ctx, key, "root")
				require.NoError(k, err)
				require.Equal(k, want, done)
			}
			keys, err := k.DataKeys(k.ctx, acme)
			require.NoError(k, err)
			require.Equal(k, []auth.DataKey{key}, keys)
			old, err = k.DataKeysNotUnder(k.ctx, "new", 10)
			require.NoError(k, err)
			require.Len(k, old, 1)
		}},
		{"credentials under older keys are found and sealed anew, at their revision", func(k *kit) {
			k.dataKey(acme, 1)
			k.dataKey(acme, 2)
			for i := range 3 {
				require.NoError(k, k.CreateCredential(k.ctx, credential(auth.CredentialID(strconv.Itoa(i)), strconv.Itoa(i))))
			}
			old, err := k.CredentialsBefore(k.ctx, acme, 2, 2)
			require.NoError(k, err)
			require.Len(k, old, 2)
			require.NotEmpty(k, old[0].Sealed)
			fresh := old[0]
			fresh.DataKey, fresh.Sealed = 2, []byte{8}
			for _, want := range []bool{true, false} {
				done, err := k.ResealCredential(k.ctx, fresh, 1)
				require.NoError(k, err)
				require.Equal(k, want, done)
			}
			got, err := k.Credential(k.ctx, acme, fresh.ID)
			require.NoError(k, err)
			require.Equal(k, fresh, got)
			stale := old[1]
			stale.DataKey, stale.Revision = 2, 7
			done, err := k.ResealCredential(k.ctx, stale, 1)
			require.NoError(k, err)
			require.False(k, done)
			old, err = k.CredentialsBefore(k.ctx, acme, 2, 10)
			require.NoError(k, err)
			require.Len(k, old, 2)
		}},
	}
}
