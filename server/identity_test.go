package server_test

import (
	"encoding/base32"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth/totp"
	"github.com/flowforge-go/flowforge/server"
)

const good = "seven green bicycles"

// clock is a time that tests move; it stands still for nobody.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is a server with identity, over a store in memory.
type house struct {
	*api

	clock *clock
	first string // the token for the first admin
}

func newHouse(t *testing.T) *house {
	t.Helper()
	at := &clock{at: time.Now()}
	config := server.FullConfig(t, at.now)
	first, err := config.Identity.FirstAdmin(t.Context())
	require.NoError(t, err)
	a := newAPI(t, config)
	a.token = ""
	return &house{api: a, clock: at, first: first}
}

// settled is a house whose first admin has signed in.
func settled(t *testing.T) (h *house, admin *api) {
	t.Helper()
	h = newHouse(t)
	h.ask("POST", "/api/v1/setup", object{
		"token": h.first, "email": "Ada@Example.com", "name": "Ada", "password": good, "workspace": "Acme",
	}).is(201).has("email", "ada@example.com", "admin", true)
	admin = h.login("ada@example.com", good)
	return h, admin
}

// login gives the server as who signs in.
func (h *house) login(email, password string) *api {
	h.Helper()
	tokens := h.as("").ask("POST", "/api/v1/auth/login", object{"email": email, "password": password}).is(200)
	access, _ := tokens.get("access_token").(string)
	return h.as(access)
}

// word gives a part of the JSON that is text.
func (r *reply) word(path string) string {
	r.Helper()
	text, ok := r.get(path).(string)
	require.True(r, ok, "%s in %s", path, r.text)
	return text
}

func TestFromTheFirstTokenToAWorkflow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := object{"token": h.first, "email": "ada@example.com", "name": "Ada", "password": "ada", "workspace": "Acme"}
	h.ask("POST", "/api/v1/setup", body).problem(422, "weak_password")
	body["password"] = good
	body["token"] = "wrong"
	h.ask("POST", "/api/v1/setup", body).problem(404, "not_found")
	body["token"] = h.first
	h.ask("POST", "/api/v1/setup", body).is(201).has("admin", true, "password", nil)
	h.ask("POST", "/api/v1/setup", body).problem(409, "conflict")
	h.ask("POST", "/api/v1/auth/login", object{"email": "ada@example.com", "password": "not this one"}).problem(401, "unauthenticated")
	ada := h.login("ada@example.com", good)
	ada.ask("GET", "/api/v1/me", nil).is(200).has("role", "owner", "name", "Ada")
	ada.ask("POST", "/api/v1/workflows", hello("hello")).is(201)
	ada.ask("GET", "/api/v1/audit", nil).is(200).has("items.0.action", "workspace.create", "items.0.seq", 1)
	ada.ask("GET", "/api/v1/audit/verification", nil).is(200).has("intact", true)
	ada.ask("GET", "/api/v1/admin/audit", nil).is(200).has("items.0.action", "admin.token")
	h.as("").ask("GET", "/.well-known/jwks.json", nil).is(200).has("keys.0.kty", "OKP")
}

func TestARefreshTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	h, _ := settled(t)
	first := h.ask("POST", "/api/v1/auth/login", object{"email": "ada@example.com", "password": good}).is(200)
	next := h.ask("POST", "/api/v1/auth/refresh", object{"refresh_token": first.word("refresh_token")}).is(200)
	ada := h.as(next.word("access_token"))
	ada.ask("GET", "/api/v1/account", nil).is(200).has("email", "ada@example.com")
	h.ask("POST", "/api/v1/auth/refresh", object{"refresh_token": first.word("refresh_token")}).problem(401, "token_reused")
	h.clock.pass(6 * time.Second)
	ada.ask("GET", "/api/v1/account", nil).problem(401, "unauthenticated")
	h.ask("POST", "/api/v1/auth/refresh", object{"refresh_token": next.word("refresh_token")}).problem(401, "unauthenticated")
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	t.Parallel()
	h, here := settled(t)
	there := h.login("ada@example.com", good)
	list := here.ask("GET", "/api/v1/account/sessions", nil).is(200).has("items.len", 2, "items.1.present", true)
	here.ask("DELETE", "/api/v1/account/sessions/"+list.word("items.0.id"), nil).is(204)
	there.ask("GET", "/api/v1/me", nil).problem(401, "unauthenticated")
	here.ask("DELETE", "/api/v1/account/sessions/nothing", nil).problem(404, "not_found")
	third := h.login("ada@example.com", good)
	here.ask("DELETE", "/api/v1/account/sessions", nil).is(204)
	third.ask("GET", "/api/v1/me", nil).problem(401, "unauthenticated")
	here.ask("POST", "/api/v1/auth/logout", nil).is(204)
	here.ask("GET", "/api/v1/me", nil).problem(401, "unauthenticated")
}

func TestASecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	h, ada := settled(t)
	ada.ask("POST", "/api/v1/account/second-factor", object{"password": "wrong"}).problem(403, "forbidden")
	enrolled := ada.ask("POST", "/api/v1/account/second-factor", object{"password": good}).is(200)
	code := func() string {
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(enrolled.word("secret"))
		require.NoError(t, err)
		return totp.Code(secret, h.clock.now())
	}
	confirmed := ada.ask("POST", "/api/v1/account/second-factor/confirm", object{"code": code()}).is(200).has("recovery_codes.len", 10)
	login := object{"email": "ada@example.com", "password": good}
	h.ask("POST", "/api/v1/auth/login", login).problem(401, "second_factor_required")
	login["code"] = confirmed.word("recovery_codes.0")
	h.ask("POST", "/api/v1/auth/login", login).is(200)
	h.ask("POST", "/api/v1/auth/login", login).problem(401, "unauthenticated")
	h.clock.pass(time.Minute)
	login["code"] = code()
	h.ask("POST", "/api/v1/auth/login", login).is(200)
	h.clock.pass(time.Minute)
	ada.ask("POST", "/api/v1/account/second-factor/remove", object{"password": good, "code": code()}).is(204)
	delete(login, "code")
	h.ask("POST", "/api/v1/auth/login", login).is(200)
}

func TestMembersComeByInvitationAndGo(t *testing.T) {
	t.Parallel()
	h, ada := settled(t)
	made := ada.ask("POST", "/api/v1/invitations", object{"email": "grace@example.com", "role": "editor"}).is(201)
	ada.ask("GET", "/api/v1/invitations", nil).is(200).has("items.0.email", "grace@example.com", "items.0.token", nil)
	joined := h.ask("POST", "/api/v1/auth/join", object{"token": made.word("token"), "name": "Grace", "password": good}).is(201)
	joined.has("name", "Acme", "role", "editor")
	grace := h.login("grace@example.com", good)
	grace.ask("POST", "/api/v1/invitations", object{"email": "x@example.com", "role": "viewer"}).problem(403, "forbidden")
	id := grace.ask("GET", "/api/v1/me", nil).is(200).has("role", "editor").word("user")
	ada.ask("PATCH", "/api/v1/members/"+id, object{"role": "viewer"}).is(204)
	grace.ask("POST", "/api/v1/workflows", hello("hers")).problem(403, "forbidden")
	ada.ask("PATCH", "/api/v1/members/"+id, object{"role": "king"}).problem(422, "invalid_request")
	ada.ask("GET", "/api/v1/members", nil).is(200).has("items.len", 2)
	ada.ask("DELETE", "/api/v1/members/"+id, nil).is(204)
	grace.ask("GET", "/api/v1/workflows", nil).problem(401, "unauthenticated")
	own := ada.ask("GET", "/api/v1/me", nil).word("user")
	ada.ask("DELETE", "/api/v1/members/"+own, nil).problem(409, "conflict")

	other := h.login("grace@example.com", good)
	elsewhere := other.ask("POST", "/api/v1/workspaces", object{"name": "Elsewhere"}).is(201).word("id")
	entered := other.ask("POST", "/api/v1/workspaces/"+elsewhere+"/enter", nil).is(200).word("access_token")
	at := h.as(entered).ask("GET", "/api/v1/workspace", nil).is(200).has("name", "Elsewhere")
	h.as(entered).ask("PATCH", "/api/v1/workspace", object{"name": "There"}, "If-Match", `"7"`).problem(412, "changed")
	h.as(entered).ask("PATCH", "/api/v1/workspace", object{"name": "There"}, "If-Match", at.header.Get("ETag")).is(200).has("name", "There")
	other.ask("POST", "/api/v1/workspaces/"+ada.ask("GET", "/api/v1/workspace", nil).word("id")+"/enter", nil).problem(404, "not_found")
	h.as(entered).ask("DELETE", "/api/v1/workspace", nil).is(204)
	h.as(entered).ask("GET", "/api/v1/workflows", nil).problem(401, "unauthenticated")
}

func TestKeysActForPeopleAndServiceAccounts(t *testing.T) {
	t.Parallel()
	h, ada := settled(t)
	made := ada.ask("POST", "/api/v1/api-keys", object{"name": "ci", "scopes": []any{"workflow:read"}}).is(201)
	key := h.as(made.word("key"))
	key.ask("GET", "/api/v1/workflows", nil).is(200)
	key.ask("POST", "/api/v1/workflows", hello("hello")).problem(403, "forbidden")
	key.ask("GET", "/api/v1/account", nil).problem(403, "forbidden")
	ada.ask("GET", "/api/v1/api-keys", nil).is(200).has("items.len", 1, "items.0.key", nil, "items.0.scopes.0", "workflow:read")
	robot := ada.ask("POST", "/api/v1/service-accounts", object{"name": "robot", "role": "editor"}).is(201).word("user")
	second := ada.ask("POST", "/api/v1/api-keys", object{
		"name": "robot", "scopes": []any{"workflow:edit", "workflow:read"}, "service_account": robot,
	}).is(201)
	h.as(second.word("key")).ask("POST", "/api/v1/workflows", hello("hello")).is(201)
	ada.ask("DELETE", "/api/v1/api-keys/"+made.word("id"), nil).is(204)
	key.ask("GET", "/api/v1/workflows", nil).problem(401, "unauthenticated")
	ada.ask("POST", "/api/v1/api-keys", object{"name": "x", "scopes": []any{"root"}}).problem(403, "forbidden")
}

func TestAdminsLookAfterUsers(t *testing.T) {
	t.Parallel()
	h, ada := settled(t)
	made := ada.ask("POST", "/api/v1/admin/users", object{"email": "grace@example.com", "name": "Grace", "password": good}).is(201)
	grace := h.login("grace@example.com", good)
	grace.ask("GET", "/api/v1/admin/users", nil).problem(403, "forbidden")
	grace.ask("GET", "/api/v1/workflows", nil).problem(403, "forbidden")
	at := "/api/v1/admin/users/" + made.word("id")
	ada.ask("POST", at+"/disable", nil).is(204)
	grace.ask("GET", "/api/v1/me", nil).problem(401, "unauthenticated")
	h.ask("POST", "/api/v1/auth/login", object{"email": "grace@example.com", "password": good}).problem(401, "unauthenticated")
	ada.ask("POST", at+"/enable", nil).is(204)
	ada.ask("POST", at+"/password", object{"password": "eight blue bicycles"}).is(204)
	h.login("grace@example.com", "eight blue bicycles")
	ada.ask("GET", "/api/v1/admin/users?limit=1", nil).is(200).has("items.len", 1, "items.0.email", "ada@example.com")
}

func TestCredentialsLeaveInOneDirectionOnly(t *testing.T) {
	t.Parallel()
	_, ada := settled(t)
	const canary = "c4nary-t0ken"
	body := object{"name": "crm", "type": "bearer", "hosts": []any{"api.example.com"}, "fields": object{"token": canary}}
	made := ada.ask("POST", "/api/v1/credentials", body).is(201).has("name", "crm", "fields", nil)
	at := made.header.Get("Location")
	require.NotContains(t, string(made.text), canary)
	ada.ask("POST", "/api/v1/credentials", body).problem(409, "conflict")
	read := ada.ask("GET", at, nil).is(200)
	require.NotContains(t, string(read.text), canary)
	ada.ask("GET", at, nil, "If-None-Match", read.header.Get("ETag")).is(304)
	ada.ask("PUT", at, object{"name": "crm", "type": "bearer", "hosts": []any{"evil.example"}}, "If-Match", read.header.Get("ETag")).
		problem(422, "invalid_input")
	ada.ask("PUT", at, object{"name": "crm 2", "type": "bearer", "hosts": []any{"api.example.com"}}, "If-Match", `"9"`).problem(412, "changed")
	ada.ask("PUT", at, object{"name": "crm 2", "type": "bearer", "hosts": []any{"api.example.com"}}, "If-Match", read.header.Get("ETag")).
		is(200).has("name", "crm 2")
	ada.ask("POST", "/api/v1/credentials", object{"name": "x", "type": "bearer", "fields": object{"tokn": canary}}).problem(422, "invalid_input")
	ada.ask("POST", "/api/v1/credentials", object{"name": "x", "type": "bearer", "hosts": []any{"https://x"}, "fields": object{"token": canary}}).
		problem(422, "bad_hosts")
	ada.ask("GET", "/api/v1/credentials", nil).is(200).has("items.len", 1, "items.0.type", "bearer")
	ada.ask("GET", "/api/v1/credential-types", nil).is(200).has("items.0.fields.0.secret", true)
	ada.ask("DELETE", at, nil).problem(428, "precondition_required")
	ada.ask("DELETE", at, nil, "If-Match", "*").is(204)
	ada.ask("GET", at, nil).problem(404, "not_found")
	require.NotContains(t, string(ada.ask("GET", "/api/v1/audit", nil).is(200).text), canary)
}

func TestADocumentNamesCredentialsOfWhoMayUseThem(t *testing.T) {
	t.Parallel()
	_, ada := settled(t)
	id := text(ada.ask("GET", "/api/v1/account", nil).is(200).get("id"))
	at := ada.ask("POST", "/api/v1/credentials", object{"name": "crm", "type": "hmac", "fields": object{"secret": "t0ken-t0ken"}}).
		is(201).header.Get("Location")
	document := object{"name": "flow", "nodes": []any{object{
		"id": "sign", "type": "data.crypto", "params": object{"action": "hmac", "text": "x"}, "credentials": object{"key": "crm"},
	}}}
	ada.ask("POST", "/api/v1/workflows", document).is(201)
	ada.ask("POST", "/api/v1/workflows/flow/publish", nil).is(200).has("published_by", id)
	ada.ask("POST", "/api/v1/workflows/flow/runs", nil).is(201).has("acts_for", id)
	ada.ask("POST", "/api/v1/workflows", hello("other")).is(201)
	uses := ada.ask("GET", at+"/usage?limit=1", nil).is(200).
		has("items.len", 2, "items.0.workflow", "flow", "items.0.nodes.0", "sign", "items.1.version", 1)
	ada.ask("GET", at+"/usage?cursor="+text(uses.get("next_cursor")), nil).is(200).has("items.len", 0, "next_cursor", nil)

	scopes := []any{"workflow:read", "workflow:edit", "workflow:publish", "workflow:execute", "run:read", "credential:read"}
	key := ada.as(text(ada.ask("POST", "/api/v1/api-keys", object{"name": "ci", "scopes": scopes}).is(201).get("key")))
	key.ask("POST", "/api/v1/workflows/flow/runs", nil).is(201).has("acts_for", id)
	document["name"] = "mine"
	key.ask("POST", "/api/v1/workflows", document).problem(403, "forbidden")
	key.ask("POST", "/api/v1/workflows", hello("mine")).is(201)
	key.ask("PUT", "/api/v1/workflows/mine", document, "If-Match", "*").problem(403, "forbidden")
	key.ask("PATCH", "/api/v1/workflows/mine", document, "If-Match", "*").problem(403, "forbidden")
	key.ask("POST", "/api/v1/workflows/mine/nodes", document["nodes"].([]any)[0], "If-Match", "*").problem(403, "forbidden")
	key.ask("POST", "/api/v1/workflows/flow/publish", nil).problem(403, "forbidden")
	key.ask("POST", "/api/v1/workflows/flow/duplicate", object{"name": "copy"}).problem(403, "forbidden")
	key.ask("POST", "/api/v1/workflows/flow/runs", object{"version": "draft"}).problem(403, "forbidden")
	key.ask("POST", "/api/v1/workflows/flow/nodes/sign/test", nil).problem(403, "forbidden")
	key.ask("POST", "/api/v1/runs", object{"document": document}).problem(403, "forbidden")
}
