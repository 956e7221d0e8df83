package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// apikeyCommand is `flowforge apikey`.
type apikeyCommand struct {
	Create apikeyCreateCommand `cmd:"" help:"Make an API key, and print it, once."`
	List   apikeyListCommand   `cmd:"" help:"List the API keys of a workspace."`
	Revoke apikeyRevokeCommand `cmd:"" help:"Revoke an API key."`
}

// workspaceFlags name a workspace of an installation.
type workspaceFlags struct {
	homeFlags
	Workspace string `required:"" placeholder:"NAME" help:"The workspace: its name or its id."`
}

// apikeyCreateCommand is `flowforge apikey create`.
type apikeyCreateCommand struct {
	Name string `arg:"" help:"What the key is called."`
	workspaceFlags
	User    string   `placeholder:"USER" xor:"whose" required:"" help:"For whom it acts, a member: an e-mail or id."`
	Service string   `placeholder:"NAME" xor:"whose" required:"" help:"Make a service account of this name, for which it acts."`
	Role    string   `placeholder:"ROLE" enum:"owner,admin,editor,operator,viewer," default:"" help:"It may do what this role may: admin, editor, operator, viewer (default: the user's own; editor of a service account)."`
	Scopes  []string `placeholder:"PERMISSION" help:"It may do these only, such as run:read. ${many}"`
	Expires string   `placeholder:"DURATION" help:"How long it can be used, such as 90d (default: until it is revoked)."`
	JSON    bool     `name:"json" help:"Print JSON: the key and what it may do."`
}

// keyView is an API key as it is printed.
type keyView struct {
	ID        auth.KeyID       `json:"id"`
	Key       string           `json:"key,omitempty"` // all of it, when it was made
	Name      string           `json:"name"`
	User      auth.UserID      `json:"user"`
	Scopes    auth.Permissions `json:"scopes"`
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt *time.Time       `json:"expires_at,omitempty"`
	UsedAt    *time.Time       `json:"used_at,omitempty"`
	RevokedAt *time.Time       `json:"revoked_at,omitempty"`
}

func viewOfKey(key *auth.APIKey, whole string) keyView {
	view := keyView{ID: key.ID, Key: whole, Name: key.Name, User: key.User, Scopes: key.Scopes, CreatedAt: key.CreatedAt}
	for _, at := range []struct {
		from *time.Time
		into **time.Time
	}{{&key.ExpiresAt, &view.ExpiresAt}, {&key.UsedAt, &view.UsedAt}, {&key.RevokedAt, &view.RevokedAt}} {
		if !at.from.IsZero() {
			*at.into = at.from
		}
	}
	return view
}

// Run makes a key.
func (c *apikeyCreateCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	who, err := m.in(ctx, c.Workspace)
	if err != nil {
		return err
	}
	wanted := identity.NewKey{Name: c.Name}
	var length flowforge.Duration
	if err := readDuration("--expires", c.Expires, &length); err != nil {
		return err
	}
	if length > 0 {
		wanted.ExpiresAt = time.Now().Add(length.Std())
	}
	role, err := c.owner(ctx, m, who, &wanted)
	if err != nil {
		return err
	}
	if wanted.Scopes, err = c.scopes(role); err != nil {
		return err
	}
	key, whole, err := m.people.CreateKey(ctx, who, wanted)
	if err != nil {
		return done(err)
	}
	if c.JSON {
		return con.printJSON(viewOfKey(&key, whole))
	}
	con.printf("flowforge: this is shown once:\n")
	return con.tell("%s", whole)
}

// owner finds or makes who the key acts for, and gives their role.
func (c *apikeyCreateCommand) owner(
	ctx context.Context, m *managed, who *auth.Principal, wanted *identity.NewKey,
) (auth.Role, error) {
	if c.Service != "" {
		role := auth.RoleEditor
		if c.Role != "" {
			role = auth.Role(c.Role)
		}
		made, err := m.people.CreateService(ctx, who, c.Service, role)
		wanted.User = made.ID
		return role, done(err)
	}
	user, err := m.people.FindUser(ctx, operator(""), c.User)
	if err != nil {
		return "", done(err)
	}
	member, err := m.stores.Member(ctx, who.Workspace, user.ID)
	if err != nil {
		return "", done(err)
	}
	wanted.User = user.ID
	if c.Role != "" {
		return auth.Role(c.Role), nil
	}
	return member.Role, nil
}

// scopes gives what the key may do: what was listed, or all that a role may.
func (c *apikeyCreateCommand) scopes(role auth.Role) (auth.Permissions, error) {
	if len(c.Scopes) == 0 {
		return role.Permissions(), nil
	}
	var known []string
	for _, permission := range auth.RoleOwner.Permissions() {
		known = append(known, string(permission))
	}
	scopes := make(auth.Permissions, len(c.Scopes))
	for i, scope := range c.Scopes {
		if !slices.Contains(known, scope) {
			return nil, usage("--scopes: there is no permission %q%s", scope, flowforge.DidYouMean(scope, known))
		}
		scopes[i] = auth.Permission(scope)
	}
	return scopes, nil
}

// apikeyListCommand is `flowforge apikey list`.
type apikeyListCommand struct {
	workspaceFlags
	JSON bool `name:"json" help:"Print JSON: a list of keys."`
}

// Run lists the keys.
func (c *apikeyListCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	who, err := m.in(ctx, c.Workspace)
	if err != nil {
		return err
	}
	views, rows := []keyView{}, [][]string{{"ID", nameColumn, "USER", "IS", "USED", "MAY"}}
	var after auth.KeyID
	for {
		some, err := m.people.Keys(ctx, who, after, listPage)
		if err != nil {
			return done(err)
		}
		for i := range some {
			views = append(views, viewOfKey(&some[i], ""))
			rows = append(rows, rowOfKey(&some[i]))
		}
		if len(some) < listPage {
			break
		}
		after = some[len(some)-1].ID
	}
	if c.JSON {
		return con.printJSON(views)
	}
	return human.Table(con.out, rows)
}

func rowOfKey(key *auth.APIKey) []string {
	now := time.Now()
	is, used := "good", "never"
	switch {
	case !key.RevokedAt.IsZero():
		is = "revoked"
	case !key.Live(now):
		is = "over"
	}
	if !key.UsedAt.IsZero() {
		used = human.Age(key.UsedAt, now)
	}
	scopes := make([]string, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = string(scope)
	}
	const widest = 60
	return []string{string(key.ID), human.Line(key.Name), string(key.User), is, used, human.Shorten(strings.Join(scopes, " "), widest)}
}

// apikeyRevokeCommand is `flowforge apikey revoke`.
type apikeyRevokeCommand struct {
	Key string `arg:"" help:"The key's id: what stands between ff_live_ and the next _ of it."`
	workspaceFlags
}

// Run revokes a key.
func (c *apikeyRevokeCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	who, err := m.in(ctx, c.Workspace)
	if err != nil {
		return err
	}
	return done(m.people.RevokeKey(ctx, who, auth.KeyID(c.Key)))
}
