package engine

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// scheduleType is the type of the nodes that schedules are made of.
const scheduleType = "trigger.schedule"

// Schedules that are made of nodes have IDs that nobody can save: the workflow's name, a slash, and the node.
const scheduleSeparator = "/"

// schedulesIn gives the schedules that a document asks for.
func schedulesIn(document *flowforge.Workflow) ([]Schedule, error) {
	schema, err := nodes.CompileSchema(document.InputSchema)
	if err != nil {
		return nil, err
	}
	var all []Schedule
	for i := range document.Nodes {
		node := &document.Nodes[i]
		if node.Type != scheduleType || node.Disabled {
			continue
		}
		var s Schedule
		if err := json.Unmarshal(node.Params.JSON(), &s); err != nil {
			return nil, flowforge.Errorf(flowforge.CodeInvalidParams, "node %s: %w", node.ID, err)
		}
		s.ID = flowforge.ScheduleID(document.Name + scheduleSeparator + string(node.ID))
		s.Workflow, s.Node = document.Name, node.ID
		problems := append(s.checkTimes(), schema.Check(s.inputAt(exampleTime), "/input", nil)...)
		if err := problemsWith("node "+string(node.ID), problems); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// syncSchedules makes the schedules that a published document asks for, and forgets those of versions before that it
// does not. One that is paused stays so.
func (e *Engine) syncSchedules(ctx context.Context, workspace flowforge.Workspace, name string, wanted []Schedule) error {
	left, err := e.schedulesOf(ctx, workspace, name)
	if err != nil {
		return err
	}
	for _, schedule := range wanted {
		delete(left, schedule.ID)
		_, err := e.saveSchedule(ctx, workspace, schedule.ID, func(now *Schedule) error {
			schedule.Paused = now.Paused
			*now = schedule
			return nil
		})
		if err != nil {
			return err
		}
	}
	for id := range left {
		if err := e.DeleteSchedule(ctx, workspace, id); err != nil && flowforge.CodeOf(err) != flowforge.CodeNotFound {
			return err
		}
	}
	return nil
}

// schedulesOf gives the IDs of the schedules that were made of nodes of a workflow.
func (e *Engine) schedulesOf(ctx context.Context, workspace flowforge.Workspace, name string) (map[flowforge.ScheduleID]bool, error) {
	prefix := name + scheduleSeparator
	found := make(map[flowforge.ScheduleID]bool)
	for after := flowforge.ScheduleID(prefix); ; {
		page, err := e.config.Store.ListSchedules(ctx, workspace, after, 0)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if after = page[i].ID; !strings.HasPrefix(string(after), prefix) {
				return found, nil
			}
			found[after] = true
		}
		if len(page) == 0 {
			return found, nil
		}
	}
}

// publishing makes a version of a workflow the one that starts use, with the schedules that its document asks for.
func (e *Engine) publishing(
	ctx context.Context, workspace flowforge.Workspace, from store.SavedWorkflow, publish func() (store.SavedWorkflow, error),
) (store.SavedWorkflow, error) {
	document, err := flowforge.DecodeWorkflow(from.Document.Text.JSON())
	if err != nil {
		return store.SavedWorkflow{}, err
	}
	wanted, err := schedulesIn(document)
	if err != nil {
		return store.SavedWorkflow{}, err
	}
	saved, err := publish()
	if err != nil {
		return saved, err
	}
	if err := e.syncSchedules(ctx, workspace, saved.Name, wanted); err != nil {
		return saved, flowforge.Errorf(flowforge.CodeOf(err),
			"version %d of %s is published, but its schedules could not be made: publish it again: %w", saved.Version, saved.Name, err)
	}
	return saved, nil
}
