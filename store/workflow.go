package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Workflows keeps saved workflows: a draft that changes and numbered versions that do not. What changes configuration,
// here and in Variables, Schedules, Retention and Quotas, is written with the audit entry that auth.Telling noted.
//
//nolint:interfacebloat // Drafts and versions are one thing; who keeps the one keeps the other.
type Workflows interface {
	// SaveDraft saves the draft of the workflow with the document's name, which is unique in the workspace. An
	// empty id makes a workflow if there is none of that name, and else means the one there is. With an id the
	// name may change; to another workflow's it is CodeConflict. Where Replaces is not empty and the draft that is
	// there has another hash, it is CodeChanged and nothing is saved, so that two editors cannot overwrite each other;
	// with NoDraft a name that is taken is CodeConflict.
	SaveDraft(ctx context.Context, workspace flowforge.Workspace, saved SavedWorkflow) (SavedWorkflow, error)
	// Publish makes the draft an immutable version, the next number, and the one that starts use. It remembers by whom.
	Publish(ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, by string) (SavedWorkflow, error)
	// Rollback makes an older version the one that starts use.
	Rollback(ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, version int) (SavedWorkflow, error)
	// DeleteWorkflow forgets a workflow with its draft and versions; its runs keep their documents. Where replaces is
	// not empty and the draft has another hash, it is CodeChanged.
	DeleteWorkflow(ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, replaces string) error
	// Workflow finds one by name: version -1 is the draft, 0 the published version.
	Workflow(ctx context.Context, workspace flowforge.Workspace, name string, version int) (SavedWorkflow, error)
	// ListWorkflows gives the workflows in order of name, without documents, after the name `after`.
	ListWorkflows(ctx context.Context, workspace flowforge.Workspace, after string, limit int) ([]SavedWorkflow, error)
	// Versions gives the published versions of a workflow, newest first, without documents, before the number
	// `before`, where it is not 0.
	Versions(ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, before, limit int) ([]SavedWorkflow, error)
}

// Which version of a workflow is meant, where it is not a number.
const (
	DraftVersion     = -1
	PublishedVersion = 0
)

// NoDraft as what a draft replaces says that there must be none of its name.
const NoDraft = "none"

// SavedWorkflow is a version of a workflow, or its draft.
type SavedWorkflow struct {
	ID        flowforge.WorkflowID
	Name      string
	Version   int // of Document; DraftVersion for the draft
	Published int // the version that starts use; 0: none yet
	Document  Document
	SavedAt   time.Time

	PublishedBy string // of a version; "": nobody said

	// Replaces is the hash of the draft that SaveDraft is to replace; empty: whatever there is. Stores give none.
	Replaces string
}

// Variables keeps the values that a workspace gives to all its runs.
type Variables interface {
	// Variables gives all of them by name.
	Variables(ctx context.Context, workspace flowforge.Workspace) (map[string]flowforge.Value, error)
	SetVariable(ctx context.Context, workspace flowforge.Workspace, name string, value flowforge.Value) error
	// DeleteVariable forgets one; CodeNotFound where there is none.
	DeleteVariable(ctx context.Context, workspace flowforge.Workspace, name string) error
}
