package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store/memory"
)

func newKey(t *testing.T) vault.Key {
	t.Helper()
	key, text, err := vault.NewKey(rand.Reader)
	require.NoError(t, err)
	read, err := vault.ParseKey(text + "\n")
	require.NoError(t, err)
	require.Equal(t, key, read)
	return key
}

func newVault(t *testing.T, keys auth.DataKeys, root vault.Key, older ...vault.Key) *vault.Vault {
	t.Helper()
	v, err := vault.New(keys, root, vault.Config{Older: older})
	require.NoError(t, err)
	return v
}

func sealed(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, vault.CodeSealed, flowforge.CodeOf(err), err.Error())
}

var ctx = context.Background()

func TestKeysThatOthersKnowAreRefused(t *testing.T) {
	t.Parallel()
	counting := make([]byte, 32)
	for i := range counting {
		counting[i] = byte(i)
	}
	for name, text := range map[string]string{
		"empty": "", "password": "correct horse battery staple", "32 characters": "0123456789abcdef0123456789abcdeX", "short": hex.EncodeToString(make([]byte, 16)),
		"zeros": base64.StdEncoding.EncodeToString(make([]byte, 32)), "counting": hex.EncodeToString(counting),
		"two octets": strings.Repeat("a7", 32), "text": base64.StdEncoding.EncodeToString([]byte("change-me-please-ABCDEFGHIJKLMNO")),
		"long": hex.EncodeToString(make([]byte, 64)),
	} {
		_, err := vault.ParseKey(text)
		require.Equal(t, vault.CodeWeakKey, flowforge.CodeOf(err), name)
		if text != "" {
			require.NotContains(t, err.Error(), text)
		}
	}
	_, err := vault.New(memory.New(memory.Config{}), vault.Key{}, vault.Config{})
	require.Equal(t, vault.CodeWeakKey, flowforge.CodeOf(err))
	_, _, err = vault.NewKey(iotest.ErrReader(errors.New("no chance")))
	require.ErrorContains(t, err, "no chance")
}

func TestKeysDoNotShow(t *testing.T) {
	t.Parallel()
	key, text, err := vault.NewKey(rand.Reader)
	require.NoError(t, err)
	v := newVault(t, memory.New(memory.Config{}), key)
	asJSON, err := json.Marshal(map[string]any{"key": key})
	require.NoError(t, err)
	for _, shown := range []string{
		fmt.Sprint(key), fmt.Sprintf("%x %v %+v %#v %s %d", key, key, key, key, key, key), fmt.Sprintf("%v %+v %#v", v, v, v),
		fmt.Sprintf("%v %+v", vault.Config{Older: []vault.Key{key}}, []vault.Key{key}), key.String(), string(asJSON),
	} {
		require.NotContains(t, shown, text)
		require.NotContains(t, shown, hex.EncodeToString(key[:4]))
		require.NotContains(t, shown, fmt.Sprintf("%d %d %d", key[0], key[1], key[2]))
	}
}

func TestWhatIsSealedIsBoundToItsLabel(t *testing.T) {
	t.Parallel()
	v := newVault(t, memory.New(memory.Config{}), newKey(t))
	hidden, err := v.Seal(ctx, "a", []byte("secret"))
	require.NoError(t, err)
	require.NotContains(t, string(hidden), "secret")
	again, err := v.Seal(ctx, "a", []byte("secret"))
	require.NoError(t, err)
	require.NotEqual(t, hidden, again)
	opened, err := v.Open(ctx, "a", hidden)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	_, err = v.Open(ctx, "b", hidden)
	sealed(t, err)
	for i := range hidden {
		changed := bytes.Clone(hidden)
		changed[i] ^= 1
		_, err = v.Open(ctx, "a", changed)
		sealed(t, err)
		_, err = v.Open(ctx, "a", hidden[:i])
		sealed(t, err)
	}
}

// TestRootKeysAreRotated rotates with an interruption, and then needs the old key no more.
func TestRootKeysAreRotated(t *testing.T) {
	t.Parallel()
	kept := memory.New(memory.Config{})
	oldKey, newer := newKey(t), newKey(t)
	v := newVault(t, kept, oldKey)
	hidden, err := v.Seal(ctx, "a", []byte("secret"))
	require.NoError(t, err)
	for i := range 120 {
		_, err := v.RotateData(ctx, kept, flowforge.Workspace(fmt.Sprint("w", i)))
		require.NoError(t, err)
	}
	require.NoError(t, v.Check(ctx))
	sealed(t, newVault(t, kept, newer).Check(ctx))

	both := newVault(t, breaking{Store: kept, after: new(int)}, newer, oldKey)
	require.NoError(t, both.Check(ctx))
	done, err := both.RotateRoot(ctx)
	require.ErrorContains(t, err, "broken")
	require.Equal(t, 50, done)
	opened, err := both.Open(ctx, "a", hidden)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	done, err = newVault(t, kept, newer, oldKey).RotateRoot(ctx)
	require.NoError(t, err)
	require.Equal(t, 71, done)

	v = newVault(t, kept, newer)
	require.NoError(t, v.Check(ctx))
	opened, err = v.Open(ctx, "a", hidden)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	_, err = newVault(t, kept, oldKey).Open(ctx, "a", hidden)
	sealed(t, err)
}

func TestARunningVaultFollowsItsRootKeys(t *testing.T) {
	t.Parallel()
	kept := memory.New(memory.Config{})
	oldKey, newer := newKey(t), newKey(t)
	now := []vault.Key{oldKey}
	running, err := vault.New(kept, oldKey, vault.Config{Reread: func() ([]vault.Key, error) { return now, nil }})
	require.NoError(t, err)
	hidden, err := newVault(t, kept, oldKey).Seal(ctx, "a", []byte("secret"))
	require.NoError(t, err)

	now = []vault.Key{newer, oldKey}
	_, err = newVault(t, kept, newer, oldKey).RotateRoot(ctx)
	require.NoError(t, err)
	opened, err := running.Open(ctx, "a", hidden)
	require.NoError(t, err, "it was sealed with the older key when it began")
	require.Equal(t, "secret", string(opened))

	of := vault.NewCredentials(running, kept)
	owner := &auth.Principal{Kind: auth.KindHost, Workspace: "acme", Permissions: auth.RoleOwner.Permissions()}
	_, err = of.Create(ctx, owner, vault.Content{Name: "crm", Type: "bearer", Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret("t")}})
	require.NoError(t, err)
	require.NoError(t, newVault(t, kept, newer).Check(ctx), "what it seals is sealed with the newer one")

	now = nil
	require.NoError(t, running.Check(ctx), "no keys at all: the last that were there")
}

// breaking fails once fifty keys were sealed anew.
type breaking struct {
	*memory.Store

	after *int
}

func (b breaking) RewrapDataKey(ctx context.Context, key auth.DataKey, from string) (bool, error) {
	if *b.after++; *b.after > 50 {
		return false, errors.New("broken")
	}
	return b.Store.RewrapDataKey(ctx, key, from)
}

// A desk is credentials with people.
type desk struct {
	*vault.Credentials

	vault  *vault.Vault
	kept   *memory.Store
	editor *auth.Principal
}

func newDesk(t *testing.T) desk {
	t.Helper()
	kept := memory.New(memory.Config{})
	v := newVault(t, kept, newKey(t))
	return desk{vault.NewCredentials(v, kept), v, kept, of("acme", auth.RoleEditor)}
}

func of(workspace flowforge.Workspace, role auth.Role) *auth.Principal {
	return &auth.Principal{Kind: auth.KindUser, User: "ada", Workspace: workspace, Role: role, Permissions: role.Permissions()}
}

func bearer(name, secret string) vault.Content {
	return vault.Content{
		Name: name, Type: "bearer", Hosts: []string{"API.example.com"}, Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret(secret)},
	}
}

func fields(pairs ...string) map[string]flowforge.Secret {
	made := make(map[string]flowforge.Secret)
	for i := 0; i+1 < len(pairs); i += 2 {
		made[pairs[i]] = flowforge.NewSecret(pairs[i+1])
	}
	return made
}

func (d desk) token(workspace flowforge.Workspace, name string) (string, error) {
	source := d.Source(func(context.Context, flowforge.Workspace, auth.UserID, auth.Credential) error { return nil })
	found, err := source.Credential(ctx, nodes.CredentialRequest{Workspace: workspace, Name: name, ActsFor: "ada"})
	return found.Fields["token"].Reveal(), err
}

func TestACredentialLeavesOnlyToNodes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.Create(ctx, d.editor, bearer("crm", "canary"))
	require.NoError(t, err)
	require.Equal(t, []string{"api.example.com"}, made.Hosts)
	got, err := d.Get(ctx, of("acme", auth.RoleViewer), made.ID)
	require.NoError(t, err)
	require.Equal(t, made, got)
	listed, err := d.List(ctx, d.editor, "", 0)
	require.NoError(t, err)
	require.Equal(t, []auth.Credential{made}, listed)
	audit, err := d.kept.ListAudit(ctx, "acme", 0, 0)
	require.NoError(t, err)
	require.Len(t, audit, 1)
	raw, err := d.kept.Credential(ctx, "acme", made.ID)
	require.NoError(t, err)
	require.NotEmpty(t, raw.Sealed)
	require.NotContains(t, fmt.Sprintf("%+v %s", []any{made, got, listed, audit}, raw.Sealed), "canary")

	var asked auth.Credential
	source := d.Source(func(_ context.Context, workspace flowforge.Workspace, user auth.UserID, credential auth.Credential) error {
		asked = credential
		require.Equal(t, auth.UserID("ada"), user)
		require.Equal(t, flowforge.Workspace("acme"), workspace)
		return nil
	})
	found, err := source.Credential(ctx, nodes.CredentialRequest{Workspace: "acme", Name: "crm", ActsFor: "ada"})
	require.NoError(t, err)
	require.Equal(t, "canary", found.Fields["token"].Reveal())
	require.Equal(t, nodes.Credential{Name: "crm", Type: "bearer", Hosts: []string{"api.example.com"}, Fields: found.Fields}, found)
	require.NotContains(t, fmt.Sprintf("%+v", found), "canary")
	require.Nil(t, asked.Sealed)
	_, err = source.Credential(ctx, nodes.CredentialRequest{Workspace: "acme", Name: "other", ActsFor: "ada"})
	require.Equal(t, flowforge.CodeCredential, flowforge.CodeOf(err))
	_, err = d.token("other", "crm")
	require.Equal(t, flowforge.CodeCredential, flowforge.CodeOf(err))
	refusing := d.Source(func(context.Context, flowforge.Workspace, auth.UserID, auth.Credential) error {
		return errors.New("not for you")
	})
	found, err = refusing.Credential(ctx, nodes.CredentialRequest{Workspace: "acme", Name: "crm", ActsFor: "ada"})
	require.Equal(t, flowforge.CodeCredential, flowforge.CodeOf(err))
	require.ErrorContains(t, err, "not for you")
	require.Empty(t, found)
}

func TestWhoMayWhatWithCredentials(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.Create(ctx, d.editor, bearer("crm", "canary"))
	require.NoError(t, err)
	viewer, stranger := of("acme", auth.RoleViewer), of("other", auth.RoleOwner)
	for name, test := range map[string]struct {
		err  error
		want flowforge.Code
	}{
		"a viewer makes none":       {second(d.Create(ctx, viewer, bearer("x", "y"))), auth.CodeForbidden},
		"changes none":              {second(d.Update(ctx, viewer, made.ID, 1, bearer("x", "y"))), auth.CodeForbidden},
		"deletes none":              {d.Delete(ctx, viewer, made.ID, 0), auth.CodeForbidden},
		"uses none":                 {d.MayUse(ctx, viewer, "crm"), auth.CodeForbidden},
		"nobody lists":              {second(d.List(ctx, nil, "", 0)), auth.CodeUnauthenticated},
		"a stranger finds none":     {second(d.Get(ctx, stranger, made.ID)), flowforge.CodeNotFound},
		"nor changes it":            {second(d.Update(ctx, stranger, made.ID, 1, bearer("x", "y"))), flowforge.CodeNotFound},
		"nor deletes it":            {d.Delete(ctx, stranger, made.ID, 0), flowforge.CodeNotFound},
		"nor uses it":               {d.MayUse(ctx, stranger, "crm"), flowforge.CodeNotFound},
		"an editor uses it":         {d.MayUse(ctx, d.editor, "crm"), ""},
		"but none that is not":      {d.MayUse(ctx, d.editor, "crm", "bank"), flowforge.CodeNotFound},
		"a name is taken once":      {second(d.Create(ctx, d.editor, bearer("crm", "y"))), flowforge.CodeConflict},
		"a type is known":           {second(d.Create(ctx, d.editor, vault.Content{Name: "x", Type: "magic"})), flowforge.CodeInvalidInput},
		"it has a name":             {second(d.Create(ctx, d.editor, vault.Content{Type: "custom"})), flowforge.CodeInvalidInput},
		"a field must be there":     {second(d.Create(ctx, d.editor, vault.Content{Name: "x", Type: "bearer"})), flowforge.CodeInvalidInput},
		"and no other":              {second(d.Create(ctx, d.editor, vault.Content{Name: "x", Type: "hmac", Fields: fields("secret", "a", "key", "b")})), flowforge.CodeInvalidInput},
		"it is not large":           {second(d.Create(ctx, d.editor, bearer("x", strings.Repeat("x", 1<<16)))), flowforge.CodeInvalidInput},
		"the revision is the right": {second(d.Update(ctx, d.editor, made.ID, 2, bearer("x", "y"))), flowforge.CodeChanged},
	} {
		require.Equal(t, test.want, flowforge.CodeOf(test.err), name)
	}
	for host, good := range map[string]bool{
		"example.com": true, "localhost": true, "10.0.0.7:8443": true, "[::1]:443": true, "::1": true, "a.b-c.d:1": true,
		"": false, "https://example.com": false, "example.com/": false, "*.example.com": true, "*": false, "*.*.com": false, "*.": false, "a..b": false, "user@example.com": false,
		"example.com:0": false, "example.com:99999": false, "exa mple.com": false, "-a.com": false, "a.com\n": false, "[::1": false,
	} {
		content := bearer("h "+strings.TrimSpace(host), "y")
		content.Hosts = []string{host}
		_, err := d.Create(ctx, d.editor, content)
		if good {
			require.NoError(t, err, host)
		} else {
			require.Equal(t, vault.CodeHosts, flowforge.CodeOf(err), "%q", host)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestACredentialIsChanged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.Create(ctx, d.editor, bearer("crm", "one"))
	require.NoError(t, err)
	made, err = d.Update(ctx, d.editor, made.ID, 1, bearer("crm", "two"))
	require.NoError(t, err)
	require.Equal(t, int64(2), made.Revision)
	secret, err := d.token("acme", "crm")
	require.NoError(t, err)
	require.Equal(t, "two", secret)

	renamed := vault.Content{Name: "sales", Type: "bearer", Hosts: made.Hosts}
	_, err = d.Update(ctx, d.editor, made.ID, 2, renamed)
	require.NoError(t, err)
	secret, err = d.token("acme", "sales")
	require.NoError(t, err)
	require.Equal(t, "two", secret, "the fields stay where none are given")
	for name, content := range map[string]vault.Content{
		"elsewhere": {Name: "sales", Type: "bearer", Hosts: []string{"evil.example"}}, "anywhere": {Name: "sales", Type: "bearer"},
		"as another type": {Name: "sales", Type: "basic", Hosts: made.Hosts},
	} {
		_, err = d.Update(ctx, d.editor, made.ID, 3, content)
		require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err), name)
	}
	require.NoError(t, d.Delete(ctx, d.editor, made.ID, 3))
	_, err = d.token("acme", "sales")
	require.Equal(t, flowforge.CodeCredential, flowforge.CodeOf(err))
}

func TestWhatIsSealedCannotBeMoved(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.Create(ctx, d.editor, bearer("crm", "one"))
	require.NoError(t, err)
	raw, err := d.kept.Credential(ctx, "acme", made.ID)
	require.NoError(t, err)
	_, err = d.Create(ctx, of("other", auth.RoleOwner), bearer("mine", "mine"))
	require.NoError(t, err)
	for name, change := range map[string]func(c *auth.Credential){
		"to another workspace":  func(c *auth.Credential) { c.Workspace = "other" },
		"to another credential": func(c *auth.Credential) { c.ID = "another" },
		"to another type":       func(c *auth.Credential) { c.Type = "basic" },
		"to another host":       func(c *auth.Credential) { c.Hosts = []string{"evil.example"} },
		"to any host":           func(c *auth.Credential) { c.Hosts = nil },
		"to a later revision":   func(c *auth.Credential) { c.Revision++ },
		"to another data key":   func(c *auth.Credential) { c.DataKey = 2 },
	} {
		moved := raw
		change(&moved)
		kept := oneCredential{moved}
		source := vault.NewCredentials(d.vault, kept).Source(func(context.Context, flowforge.Workspace, auth.UserID, auth.Credential) error { return nil })
		_, err := source.Credential(ctx, nodes.CredentialRequest{Workspace: moved.Workspace, Name: "crm", ActsFor: "ada"})
		require.Equal(t, vault.CodeSealed, flowforge.CodeOf(err), name)
	}
	source := vault.NewCredentials(d.vault, oneCredential{raw}).Source(func(context.Context, flowforge.Workspace, auth.UserID, auth.Credential) error { return nil })
	_, err = source.Credential(ctx, nodes.CredentialRequest{Workspace: "acme", Name: "crm", ActsFor: "ada"})
	require.NoError(t, err)
}

// oneCredential is a store that somebody has written to.
type oneCredential struct{ kept auth.Credential }

func (o oneCredential) CredentialByName(context.Context, flowforge.Workspace, string) (auth.Credential, error) {
	return o.kept, nil
}

func (oneCredential) CreateCredential(context.Context, auth.Credential, ...auth.Entry) error {
	return nil
}

func (o oneCredential) Credential(context.Context, flowforge.Workspace, auth.CredentialID) (auth.Credential, error) {
	return o.kept, nil
}

func (oneCredential) ListCredentials(context.Context, flowforge.Workspace, string, int) ([]auth.Credential, error) {
	return nil, nil
}

func (oneCredential) UpdateCredential(context.Context, auth.Credential, ...auth.Entry) error {
	return nil
}

func (oneCredential) DeleteCredential(
	context.Context, flowforge.Workspace, auth.CredentialID, int64, ...auth.Entry,
) error {
	return nil
}

func TestDataKeysAreRotated(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 130 {
		_, err := d.Create(ctx, d.editor, bearer(strconv.Itoa(i), fmt.Sprint("secret ", i)))
		require.NoError(t, err)
	}
	done, err := d.vault.RotateData(ctx, d.kept, "acme", auth.Entry{Workspace: "acme", At: time.Now(), Action: "keys.rotate"})
	require.NoError(t, err)
	require.Equal(t, 130, done)
	done, err = d.vault.Reseal(ctx, d.kept, "acme")
	require.NoError(t, err)
	require.Zero(t, done)
	for i := range 130 {
		secret, err := d.token("acme", strconv.Itoa(i))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("secret ", i), secret)
		raw, err := d.kept.CredentialByName(ctx, "acme", strconv.Itoa(i))
		require.NoError(t, err)
		require.Equal(t, int64(2), raw.DataKey)
		require.Equal(t, int64(1), raw.Revision)
	}
	done, err = d.vault.Reseal(ctx, d.kept, "empty")
	require.NoError(t, err)
	require.Zero(t, done)
}
