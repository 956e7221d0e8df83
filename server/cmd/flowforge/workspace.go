package main

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// workspaceCommand is `flowforge workspace`.
type workspaceCommand struct {
	Create workspaceCreateCommand `cmd:"" help:"Make a workspace."`
	List   workspaceListCommand   `cmd:"" help:"List the workspaces."`
}

// workspaceCreateCommand is `flowforge workspace create`.
type workspaceCreateCommand struct {
	Name  string `arg:"" help:"What it is called."`
	Owner string `required:"" placeholder:"USER" help:"Whose it is: an e-mail or id."`
	homeFlags
	JSON bool `name:"json" help:"Print the workspace."`
}

// workspaceView is a workspace as it is printed.
type workspaceView struct {
	ID        flowforge.Workspace `json:"id"`
	Name      string              `json:"name"`
	CreatedAt time.Time           `json:"created_at"`
	ClosedAt  *time.Time          `json:"closed_at,omitempty"`
}

func viewOfWorkspace(w *auth.Workspace) workspaceView {
	view := workspaceView{ID: w.ID, Name: w.Name, CreatedAt: w.CreatedAt}
	if !w.ClosedAt.IsZero() {
		view.ClosedAt = &w.ClosedAt
	}
	return view
}

// Run makes a workspace.
func (c *workspaceCreateCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	owner, err := m.people.FindUser(ctx, operator(""), c.Owner)
	if err != nil {
		return done(err)
	}
	made, err := m.people.CreateWorkspaceFor(ctx, operator(""), owner.ID, c.Name)
	if err != nil {
		return done(err)
	}
	if c.JSON {
		return con.printJSON(viewOfWorkspace(&made))
	}
	return con.tell("%s", made.ID)
}

// workspaceListCommand is `flowforge workspace list`.
type workspaceListCommand struct {
	homeFlags
	JSON bool `name:"json" help:"Print JSON: a list of workspaces."`
}

// Run lists the workspaces.
func (c *workspaceListCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	found, err := m.workspaces(ctx)
	if err != nil {
		return done(err)
	}
	if c.JSON {
		views := make([]workspaceView, len(found))
		for i := range found {
			views[i] = viewOfWorkspace(&found[i])
		}
		return con.printJSON(views)
	}
	rows := [][]string{{"ID", nameColumn, "IS", "MADE"}}
	for i := range found {
		is := "open"
		if !found[i].ClosedAt.IsZero() {
			is = "closed"
		}
		rows = append(rows, []string{
			string(found[i].ID), human.Line(found[i].Name), is, human.Age(found[i].CreatedAt, time.Now()),
		})
	}
	return human.Table(con.out, rows)
}

// workspaces gives all workspaces.
func (m *managed) workspaces(ctx context.Context) ([]auth.Workspace, error) {
	var all []auth.Workspace
	var after flowforge.Workspace
	for {
		some, err := m.people.AllWorkspaces(ctx, operator(""), after, listPage)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < listPage {
			return all, nil
		}
		after = some[len(some)-1].ID
	}
}
