package engine

import (
	"context"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Draft is a draft that is to be saved. It may have problems that keep it from being published: who draws a workflow
// saves it long before it is whole.
type Draft struct {
	Document *flowforge.Workflow

	// Workflow names the workflow that the draft is of; empty: that of the document's name. Where they differ it gets
	// the document's name, which one that was published cannot.
	Workflow string

	// Replaces is the hash of the draft that this one replaces; another one there is an Error with CodeChanged. Empty:
	// whatever there is; store.NoDraft: none, and a name that is taken is an Error with CodeConflict.
	Replaces string
}

// SaveDraft makes a draft the one of its workflow, and gives the problems that it has.
func (e *Engine) SaveDraft(
	ctx context.Context, workspace flowforge.Workspace, draft Draft,
) (store.SavedWorkflow, flowforge.Problems, error) {
	problems := e.Validate(draft.Document)
	for _, problem := range problems {
		if problem.Pointer == "/name" && !problem.Warning {
			return store.SavedWorkflow{}, problems, flowforge.Problems{problem}.Err()
		}
	}
	text, err := textOf(draft.Document)
	if err != nil {
		return store.SavedWorkflow{}, problems, err
	}
	saved := store.SavedWorkflow{
		Name: draft.Document.Name, Document: text, Replaces: draft.Replaces,
		SavedAt: e.clock.Now().Truncate(time.Microsecond), // as it is kept
	}
	if draft.Workflow != "" {
		now, err := e.config.Store.Workflow(ctx, workspace, draft.Workflow, store.DraftVersion)
		if err != nil {
			return store.SavedWorkflow{}, problems, err
		}
		if now.Published > 0 && now.Name != saved.Name {
			return store.SavedWorkflow{}, problems, flowforge.Errorf(flowforge.CodeConflict,
				"%q was published, and runs and schedules know it by this name: duplicate it to have it under another one", now.Name)
		}
		saved.ID = now.ID
	}
	saved, err = e.config.Store.SaveDraft(ctx, workspace, saved)
	return saved, problems, err
}

// editTries is how often a draft is edited anew, when it was changed at the same moment.
const editTries = 10

// EditDraft changes the draft of a workflow. Where replaces is not empty it changes only the draft of that hash. The
// problems are those of the draft as it is then.
func (e *Engine) EditDraft(
	ctx context.Context, workspace flowforge.Workspace, name, replaces string, edit func(document *flowforge.Workflow) error,
) (store.SavedWorkflow, flowforge.Problems, error) {
	for tries := 1; ; tries++ {
		now, document, err := e.Document(ctx, workspace, name, store.DraftVersion)
		if err != nil {
			return store.SavedWorkflow{}, nil, err
		}
		if replaces != "" && now.Document.Hash != replaces {
			return store.SavedWorkflow{}, nil, flowforge.Errorf(flowforge.CodeChanged, "the draft of %q has changed", name)
		}
		if err := edit(document); err != nil {
			return store.SavedWorkflow{}, nil, err
		}
		saved, problems, err := e.SaveDraft(ctx, workspace, Draft{Document: document, Workflow: name, Replaces: now.Document.Hash})
		if replaces != "" || flowforge.CodeOf(err) != flowforge.CodeChanged || tries == editTries {
			return saved, problems, err
		}
	}
}

// Document gives a version of a saved workflow, and its document, which the caller may change.
func (e *Engine) Document(
	ctx context.Context, workspace flowforge.Workspace, name string, version int,
) (store.SavedWorkflow, *flowforge.Workflow, error) {
	saved, err := e.config.Store.Workflow(ctx, workspace, name, version)
	if err != nil {
		return saved, nil, err
	}
	document, err := flowforge.DecodeWorkflow(saved.Document.Text.JSON())
	return saved, document, err
}

// Workflows gives a workspace's workflows in order of name, after the name `after`, without documents: those whose name
// contains what is searched for, whatever its case. A limit of 0 is 50.
func (e *Engine) Workflows(
	ctx context.Context, workspace flowforge.Workspace, search, after string, limit int,
) ([]store.SavedWorkflow, error) {
	if search == "" {
		return e.config.Store.ListWorkflows(ctx, workspace, after, limit)
	}
	const usual, page = 50, 500
	if limit == 0 {
		limit = usual
	}
	search = strings.ToLower(search)
	var found []store.SavedWorkflow
	for {
		listed, err := e.config.Store.ListWorkflows(ctx, workspace, after, page)
		if err != nil {
			return nil, err
		}
		for i := range listed {
			if after = listed[i].Name; !strings.Contains(strings.ToLower(after), search) {
				continue
			}
			if found = append(found, listed[i]); len(found) == limit {
				return found, nil
			}
		}
		if len(listed) < page {
			return found, nil
		}
	}
}

// DeleteWorkflow forgets a workflow, its versions and the schedules that were made of its nodes; runs of it go on, and
// are kept. Where replaces is not empty and its draft has another hash, it is an Error with CodeChanged.
func (e *Engine) DeleteWorkflow(ctx context.Context, workspace flowforge.Workspace, name, replaces string) error {
	now, err := e.config.Store.Workflow(ctx, workspace, name, store.DraftVersion)
	if err != nil {
		return err
	}
	if err := e.config.Store.DeleteWorkflow(ctx, workspace, now.ID, replaces); err != nil {
		return err
	}
	return e.syncSchedules(ctx, workspace, name, nil)
}
