package main

import (
	"context"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// auditCommand is `flowforge audit`.
type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Check that the audit log is what was written. Exit status 1: it is not."`
	List   auditListCommand   `cmd:"" help:"List who did what."`
}

// auditVerifyCommand is `flowforge audit verify`.
type auditVerifyCommand struct {
	homeFlags
	Workspace string `placeholder:"NAME" help:"The log of one workspace: its name or its id (default: all, and that of the installation)."`
	JSON      bool   `name:"json" help:"Print JSON: a list of {workspace, name, entries, problem}."`
}

// verifiedView is what was found out about a log.
type verifiedView struct {
	Workspace flowforge.Workspace `json:"workspace"`
	Name      string              `json:"name"`
	Entries   int64               `json:"entries"`
	Problem   string              `json:"problem,omitempty"`
}

// Run checks logs.
func (c *auditVerifyCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	logs, err := c.logs(ctx, m)
	if err != nil {
		return err
	}
	views, rows, bad := []verifiedView{}, [][]string{{"WORKSPACE", nameColumn, "ENTRIES", "IS"}}, false
	for i := range logs {
		view := verifiedView{Workspace: logs[i].ID, Name: logs[i].Name}
		view.Entries, err = m.people.VerifyAudit(ctx, logs[i].ID)
		is := "as it was written"
		switch {
		case flowforge.CodeOf(err) == auth.CodeTampered:
			bad, view.Problem = true, err.Error()
			is = "TAMPERED WITH: " + view.Problem
		case err != nil:
			return done(err)
		}
		views = append(views, view)
		rows = append(rows, []string{string(view.Workspace), human.Line(view.Name), strconv.FormatInt(view.Entries, 10), is})
	}
	if c.JSON {
		err = con.printJSON(views)
	} else {
		err = human.Table(con.out, rows)
	}
	if err == nil && bad {
		return &exit{status: exitFailed}
	}
	return err
}

// logs gives whose logs are to be checked.
func (c *auditVerifyCommand) logs(ctx context.Context, m *managed) ([]auth.Workspace, error) {
	if c.Workspace != "" {
		who, err := m.in(ctx, c.Workspace)
		if err != nil {
			return nil, err
		}
		return []auth.Workspace{{ID: who.Workspace, Name: c.Workspace}}, nil
	}
	all, err := m.workspaces(ctx)
	return append([]auth.Workspace{{Name: "(the installation)"}}, all...), done(err)
}

// auditListCommand is `flowforge audit list`.
type auditListCommand struct {
	homeFlags
	Workspace string `placeholder:"NAME" help:"The log of a workspace: its name or its id (default: that of the installation)."`
	After     int64  `placeholder:"N" help:"Entries after this number."`
	Limit     int    `default:"50" placeholder:"N" help:"How many, the oldest first (default: 50)."`
	JSON      bool   `name:"json" help:"Print JSON: a list of entries."`
}

// entryView is an entry as it is printed.
type entryView struct {
	Seq     int64             `json:"seq"`
	At      time.Time         `json:"at"`
	Kind    auth.Kind         `json:"kind,omitempty"`
	User    auth.UserID       `json:"user,omitempty"`
	Key     auth.KeyID        `json:"key,omitempty"`
	Action  string            `json:"action"`
	Target  string            `json:"target,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
	Address string            `json:"address,omitempty"`
	Request string            `json:"request,omitempty"`
}

// Run lists entries.
func (c *auditListCommand) Run(con *console) error {
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	var entries []auth.Entry
	if c.Workspace == "" {
		entries, err = m.people.InstallationAudit(ctx, operator(""), c.After, c.Limit)
	} else {
		var who *auth.Principal
		if who, err = m.in(ctx, c.Workspace); err != nil {
			return err
		}
		entries, err = m.people.Audit(ctx, who, c.After, c.Limit)
	}
	if err != nil {
		return done(err)
	}
	views, rows := make([]entryView, len(entries)), [][]string{{"SEQ", "AT", "WHO", "ACTION", "TARGET"}}
	for i := range entries {
		e := &entries[i]
		views[i] = entryView{
			Seq: e.Seq, At: e.At, Kind: e.Kind, User: e.User, Key: e.Key, Action: e.Action, Target: e.Target, Detail: e.Detail,
			Address: e.Address, Request: e.Request,
		}
		rows = append(rows, []string{
			strconv.FormatInt(e.Seq, 10), e.At.Format(time.RFC3339), human.Line(whoOf(e)), human.Line(e.Action), human.Line(e.Target),
		})
	}
	if c.JSON {
		return con.printJSON(views)
	}
	return human.Table(con.out, rows)
}

// whoOf tells who did something.
func whoOf(e *auth.Entry) string {
	switch {
	case e.User != "":
		return string(e.User)
	case e.Kind != "":
		return string(e.Kind)
	}
	return "nobody"
}
