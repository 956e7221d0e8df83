package main

import (
	"context"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// workflowDiffCommand is `flowforge workflow diff`.
type workflowDiffCommand struct {
	Name string `arg:"" help:"The workflow's name."`
	storeFlags
	From string `placeholder:"N" help:"A version (default: the published one)."`
	To   string `default:"draft" placeholder:"N" help:"A version, or draft (the default)."`
	JSON bool   `name:"json" help:"Print a list: {kind, what, name, field, before, after}."`
}

// Run tells what differs between two versions.
func (w *workflowDiffCommand) Run(con *console) error {
	from, err := parseVersion(w.From)
	if err != nil {
		return err
	}
	to, err := parseVersion(w.To)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	changes, err := s.engine.Diff(ctx, s.workspace, w.Name, from, to)
	if err != nil {
		return noVersion(err, w.Name)
	}
	if w.JSON {
		return con.printJSON(append([]engine.Change{}, changes...))
	}
	if len(changes) == 0 {
		return con.tell("no difference")
	}
	for i := range changes {
		if err := con.tell("%s", changeLine(&changes[i])); err != nil {
			return err
		}
	}
	return nil
}

func noVersion(err error, name string) error {
	return notThere(err, "flowforge workflow versions "+human.Line(name)+" tells which versions there are")
}

// changeLine writes a change for people, with the signs that diff uses.
func changeLine(c *engine.Change) string {
	sign := "~"
	switch c.Kind {
	case engine.Added:
		sign = "+"
	case engine.Removed:
		sign = "-"
	case engine.Changed:
	}
	line := strings.Join(strings.Fields(sign+" "+c.What+" "+human.Line(c.Name)+" "+human.Line(c.Field)), " ")
	brief := func(v flowforge.Value) string { return human.Shorten(human.Line(v.String()), human.MaxLine) }
	switch {
	case c.Kind == engine.Changed:
		return line + ": " + brief(c.Before) + " -> " + brief(c.After)
	case c.Kind == engine.Added && !c.After.IsNull():
		return line + ": " + brief(c.After)
	}
	return line
}
