package main

import (
	"context"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// userCommand is `flowforge user`.
type userCommand struct {
	Create     userCreateCommand     `cmd:"" help:"Make a user. The password is asked for, or read from standard input."`
	List       userListCommand       `cmd:"" help:"List the users."`
	Disable    userDisableCommand    `cmd:"" help:"Keep a user out; their sessions end, and their keys do nothing."`
	Enable     userEnableCommand     `cmd:"" help:"Let a user in again."`
	Password   userPasswordCommand   `cmd:"" help:"Set a user's password, which is asked for or read from standard input; their sessions end."`
	AdminToken userAdminTokenCommand `cmd:"" name:"admin-token" help:"Print a one-time token for the first admin, where there are no users."`
}

// userCreateCommand is `flowforge user create`.
type userCreateCommand struct {
	Email string `arg:"" help:"By which they sign in."`
	homeFlags
	Name      string `placeholder:"NAME" help:"For people to read (default: what stands before the @)."`
	Admin     bool   `help:"They may see and change the users of all workspaces, and make workspaces."`
	Workspace string `placeholder:"NAME" help:"Make a workspace of this name, whose owner they are."`
	JSON      bool   `name:"json" help:"Print the user."`
}

// Run makes a user.
func (c *userCreateCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.managing(ctx, con, true)
	if err != nil {
		return err
	}
	defer m.close()
	password, err := con.readPassword()
	if err != nil {
		return err
	}
	name := c.Name
	if name == "" {
		name, _, _ = strings.Cut(c.Email, "@")
	}
	user, err := m.people.CreateUser(ctx, operator(""), identity.NewUser{Email: c.Email, Name: name, Password: password}, c.Admin)
	if err != nil {
		return done(err)
	}
	if c.Workspace != "" {
		made, err := m.people.CreateWorkspaceFor(ctx, operator(""), user.ID, c.Workspace)
		if err != nil {
			return done(err)
		}
		con.printf("flowforge: workspace %s (%s) was made\n", human.Line(made.Name), made.ID)
	}
	return con.printUser(&user, c.JSON)
}

// userView is a user as it is printed.
type userView struct {
	ID           auth.UserID `json:"id"`
	Email        string      `json:"email"`
	Name         string      `json:"name"`
	Admin        bool        `json:"admin"`
	Disabled     bool        `json:"disabled"`
	SecondFactor bool        `json:"second_factor"`
	CreatedAt    time.Time   `json:"created_at"`
	SignedInAt   *time.Time  `json:"signed_in_at,omitempty"`
}

func viewOfUser(user *auth.User) userView {
	view := userView{
		ID: user.ID, Email: user.Email, Name: user.Name, Admin: user.Admin, Disabled: user.Disabled, SecondFactor: user.TOTPConfirmed,
		CreatedAt: user.CreatedAt,
	}
	if !user.SignedInAt.IsZero() {
		view.SignedInAt = &user.SignedInAt
	}
	return view
}

func (c *console) printUser(user *auth.User, asJSON bool) error {
	if asJSON {
		return c.printJSON(viewOfUser(user))
	}
	return c.tell("%s", user.ID)
}

// userListCommand is `flowforge user list`.
type userListCommand struct {
	homeFlags
	JSON bool `name:"json" help:"Print JSON: a list of users."`
}

// Run lists the users.
func (c *userListCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	views, rows := []userView{}, [][]string{{"ID", "EMAIL", nameColumn, "IS", "SIGNED IN"}}
	var after auth.UserID
	for {
		some, err := m.people.ListUsers(ctx, operator(""), after, listPage)
		if err != nil {
			return done(err)
		}
		for i := range some {
			views = append(views, viewOfUser(&some[i]))
			rows = append(rows, rowOfUser(&some[i]))
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

// listPage is how many of something are read at a time.
const listPage = 200

func rowOfUser(user *auth.User) []string {
	var is []string
	if user.Admin {
		is = append(is, "admin")
	}
	if user.Disabled {
		is = append(is, "disabled")
	}
	signedIn := "never"
	if !user.SignedInAt.IsZero() {
		signedIn = human.Age(user.SignedInAt, time.Now())
	}
	return []string{string(user.ID), human.Line(user.Email), human.Line(user.Name), strings.Join(is, ", "), signedIn}
}

// userFlags name a user.
type userFlags struct {
	User string `arg:"" help:"The user's e-mail or id."`
	homeFlags
}

// change does something to the user.
func (f *userFlags) change(con *console, change func(ctx context.Context, m *managed, user auth.UserID) error) error {
	ctx := context.Background()
	m, err := f.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	user, err := m.people.FindUser(ctx, operator(""), f.User)
	if err != nil {
		return done(err)
	}
	return done(change(ctx, m, user.ID))
}

// userDisableCommand is `flowforge user disable`.
type userDisableCommand struct{ userFlags }

// Run keeps a user out.
func (c *userDisableCommand) Run(con *console) error {
	return c.change(con, func(ctx context.Context, m *managed, user auth.UserID) error {
		return m.people.SetDisabled(ctx, operator(""), user, true)
	})
}

// userEnableCommand is `flowforge user enable`.
type userEnableCommand struct{ userFlags }

// Run lets a user in again.
func (c *userEnableCommand) Run(con *console) error {
	return c.change(con, func(ctx context.Context, m *managed, user auth.UserID) error {
		return m.people.SetDisabled(ctx, operator(""), user, false)
	})
}

// userPasswordCommand is `flowforge user password`.
type userPasswordCommand struct{ userFlags }

// Run sets a user's password.
func (c *userPasswordCommand) Run(con *console) error {
	return c.change(con, func(ctx context.Context, m *managed, user auth.UserID) error {
		password, err := con.readPassword()
		if err != nil {
			return err
		}
		return m.people.SetPassword(ctx, operator(""), user, password)
	})
}

// userAdminTokenCommand is `flowforge user admin-token`.
type userAdminTokenCommand struct{ homeFlags }

// Run prints a token for POST /api/v1/setup.
func (c *userAdminTokenCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.managing(ctx, con, true)
	if err != nil {
		return err
	}
	defer m.close()
	token, err := m.people.FirstAdmin(ctx)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeConflict:
		return usage("there are users already: make an admin with flowforge user create --admin")
	case err != nil:
		return done(err)
	}
	return con.tell("%s", token)
}
