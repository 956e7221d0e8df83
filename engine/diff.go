package engine

import (
	"bytes"
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
)

// Change is a difference between two versions of a workflow.
type Change struct {
	Kind   ChangeKind      `json:"kind"`
	What   string          `json:"what"`            // "node", "connection", or a field of the document
	Name   string          `json:"name,omitempty"`  // the node's id, or "a.port -> b"
	Field  string          `json:"field,omitempty"` // of a changed node
	Before flowforge.Value `json:"before,omitzero"`
	After  flowforge.Value `json:"after,omitzero"`
}

// ChangeKind says how something changed.
type ChangeKind string

// How something changes between versions.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Diff compares two versions of a saved workflow, node by node; store.DraftVersion is the draft and
// store.PublishedVersion the published one.
func (e *Engine) Diff(ctx context.Context, workspace flowforge.Workspace, name string, from, to int) ([]Change, error) {
	before, err := e.config.Store.Workflow(ctx, workspace, name, from)
	if err != nil {
		return nil, err
	}
	after, err := e.config.Store.Workflow(ctx, workspace, name, to)
	if err != nil {
		return nil, err
	}
	return diffValues(before.Document.Text, after.Document.Text), nil
}

// diffValues compares two documents.
func diffValues(before, after flowforge.Value) []Change {
	was, _ := before.Any().(map[string]any)
	is, _ := after.Any().(map[string]any)
	var changes []Change
	for _, field := range keysOf(was, is) {
		switch field {
		case "nodes":
			changes = append(changes, diffNodes(was[field], is[field])...)
		case "connections":
			changes = append(changes, diffConnections(was[field], is[field])...)
		default:
			changes = appendChange(changes, Change{What: field}, was, is, field)
		}
	}
	return changes
}

// keysOf gives the keys of both, in order.
func keysOf(a, b map[string]any) []string {
	keys := make([]string, 0, len(a)+len(b))
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// appendChange appends a change if a field differs.
func appendChange(changes []Change, change Change, was, is map[string]any, field string) []Change {
	old, had := was[field]
	now, has := is[field]
	change.Before, change.After = flowforge.MustValue(old), flowforge.MustValue(now)
	switch {
	case !had:
		change.Kind = Added
	case !has:
		change.Kind = Removed
	case bytes.Equal(change.Before.JSON(), change.After.JSON()):
		return changes
	default:
		change.Kind = Changed
	}
	return append(changes, change)
}

func diffNodes(before, after any) []Change {
	was, is := nodesByID(before), nodesByID(after)
	var changes []Change
	for _, id := range keysOf(was, is) {
		old, had := was[id].(map[string]any)
		now, has := is[id].(map[string]any)
		if !had || !has {
			changes = appendChange(changes, Change{What: "node", Name: id}, was, is, id)
			continue
		}
		for _, field := range keysOf(old, now) {
			changes = appendChange(changes, Change{What: "node", Name: id, Field: field}, old, now, field)
		}
	}
	return changes
}

func nodesByID(list any) map[string]any {
	nodes := make(map[string]any)
	items, _ := list.([]any)
	for _, item := range items {
		if fields, is := item.(map[string]any); is {
			if id, is := fields["id"].(string); is {
				nodes[id] = fields
			}
		}
	}
	return nodes
}

func diffConnections(before, after any) []Change {
	was, is := connectionsByName(before), connectionsByName(after)
	var changes []Change
	for _, name := range keysOf(was, is) {
		change := Change{What: "connection", Name: name, Kind: Added}
		if was[name] != nil {
			change.Kind = Removed
		}
		if was[name] == nil || is[name] == nil {
			changes = append(changes, change)
		}
	}
	return changes
}

func connectionsByName(list any) map[string]any {
	connections := make(map[string]any)
	items, _ := list.([]any)
	for _, item := range items {
		if fields, is := item.(map[string]any); is {
			from, _ := fields["from"].(string)
			to, _ := fields["to"].(string)
			connections[from+" -> "+to] = true
		}
	}
	return connections
}
