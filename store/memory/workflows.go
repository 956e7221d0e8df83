package memory

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// A shelf is the workflows of a workspace.
type shelf struct {
	byID   map[flowforge.WorkflowID]*workflow
	byName map[string]*workflow
	names  []string // sorted
}

// A workflow has a draft, and versions from 1 upwards.
type workflow struct {
	id        flowforge.WorkflowID
	name      string
	published int
	draft     text
	versions  []text
}

type text struct {
	document store.Document
	savedAt  time.Time
	by       string // of a version: who published it
}

func (w *workflow) saved(version int, of text) store.SavedWorkflow {
	return store.SavedWorkflow{
		ID: w.id, Name: w.name, Version: version, Published: w.published,
		Document: of.document, SavedAt: of.savedAt, PublishedBy: of.by,
	}
}

// SaveDraft saves the draft of a workflow.
func (s *Store) SaveDraft(
	ctx context.Context, workspace flowforge.Workspace, saved store.SavedWorkflow,
) (store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return store.SavedWorkflow{}, err
	}
	defer s.mu.Unlock()
	h := s.workflows[workspace]
	if h == nil {
		h = &shelf{byID: map[flowforge.WorkflowID]*workflow{}, byName: map[string]*workflow{}}
		s.workflows[workspace] = h
	}
	w := h.byName[saved.Name]
	if saved.ID != "" {
		named := w
		if w = h.byID[saved.ID]; w == nil {
			return store.SavedWorkflow{}, noWorkflow(string(saved.ID))
		}
		if named != nil && named != w {
			return store.SavedWorkflow{}, flowforge.Errorf(flowforge.CodeConflict,
				"there is another workflow named %q", saved.Name)
		}
	}
	if err := mayReplace(w, saved.Name, saved.Replaces); err != nil {
		return store.SavedWorkflow{}, err
	}
	if w == nil {
		w = &workflow{id: flowforge.WorkflowID(store.NewID(s.now()))}
		h.byID[w.id] = w
	}
	h.rename(w, saved.Name)
	s.keepDocument(workspace, saved.Document)
	s.dropDocument(workspace, w.draft.document.Hash)
	w.draft = text{document: saved.Document, savedAt: saved.SavedAt}
	s.tell(auth.Told(ctx, string(w.id), "name", w.name))
	return w.saved(store.DraftVersion, w.draft), nil
}

// mayReplace refuses a draft that is to replace another one than there is; w is nil where there is none.
func mayReplace(w *workflow, name, replaces string) error {
	switch {
	case replaces == "", replaces == store.NoDraft && w == nil:
		return nil
	case replaces == store.NoDraft:
		return flowforge.Errorf(flowforge.CodeConflict, "there is a workflow named %q", name)
	case w == nil || w.draft.document.Hash != replaces:
		return flowforge.Errorf(flowforge.CodeChanged, "the draft of %q has changed", name)
	}
	return nil
}

// DeleteWorkflow forgets a workflow.
func (s *Store) DeleteWorkflow(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, replaces string,
) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	h := s.shelf(workspace)
	w := h.byID[id]
	if w == nil {
		return noWorkflow(string(id))
	}
	if err := mayReplace(w, w.name, replaces); err != nil {
		return err
	}
	delete(h.byID, id)
	delete(h.byName, w.name)
	at, _ := slices.BinarySearch(h.names, w.name)
	h.names = slices.Delete(h.names, at, at+1)
	for _, kept := range append(w.versions, w.draft) {
		s.dropDocument(workspace, kept.document.Hash)
	}
	s.tell(auth.Told(ctx, string(id), "name", w.name))
	return nil
}

// shelf gives the workflows of a workspace, to be read only.
func (s *Store) shelf(workspace flowforge.Workspace) *shelf {
	if h := s.workflows[workspace]; h != nil {
		return h
	}
	return &shelf{}
}

func (h *shelf) rename(w *workflow, name string) {
	if h.byName[name] == w {
		return
	}
	if h.byName[w.name] == w {
		delete(h.byName, w.name)
		at, _ := slices.BinarySearch(h.names, w.name)
		h.names = slices.Delete(h.names, at, at+1)
	}
	w.name = name
	h.byName[name] = w
	at, _ := slices.BinarySearch(h.names, name)
	h.names = slices.Insert(h.names, at, name)
}

// Publish makes the draft an immutable version.
func (s *Store) Publish(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, by string,
) (store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return store.SavedWorkflow{}, err
	}
	defer s.mu.Unlock()
	w := s.shelf(workspace).byID[id]
	if w == nil {
		return store.SavedWorkflow{}, noWorkflow(string(id))
	}
	s.keepDocument(workspace, w.draft.document)
	version := w.draft
	version.by = by
	w.versions = append(w.versions, version)
	w.published = len(w.versions)
	s.tell(auth.Told(ctx, string(id), "name", w.name, "version", strconv.Itoa(w.published)))
	return w.saved(w.published, version), nil
}

// Rollback makes another version the one that starts use.
func (s *Store) Rollback(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, version int,
) (store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return store.SavedWorkflow{}, err
	}
	defer s.mu.Unlock()
	w := s.shelf(workspace).byID[id]
	if w == nil {
		return store.SavedWorkflow{}, noWorkflow(string(id))
	}
	if version < 1 || version > len(w.versions) {
		return store.SavedWorkflow{}, noVersion(w.name)
	}
	w.published = version
	s.tell(auth.Told(ctx, string(id), "name", w.name, "version", strconv.Itoa(version)))
	return w.saved(version, w.versions[version-1]), nil
}

// Versions gives the published versions of a workflow, newest first.
func (s *Store) Versions(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, before, limit int,
) ([]store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	w := s.shelf(workspace).byID[id]
	if w == nil {
		return nil, noWorkflow(string(id))
	}
	newest := len(w.versions)
	if before != 0 {
		newest = min(newest, before-1)
	}
	from, to := page(newest, 0, limit)
	listed := make([]store.SavedWorkflow, 0, to-from)
	for version := newest; version > newest-to; version-- {
		listed = append(listed, w.saved(version, text{savedAt: w.versions[version-1].savedAt}))
	}
	return listed, nil
}

// Workflow finds a workflow by name.
func (s *Store) Workflow(
	ctx context.Context, workspace flowforge.Workspace, name string, version int,
) (store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return store.SavedWorkflow{}, err
	}
	defer s.mu.Unlock()
	w := s.shelf(workspace).byName[name]
	if w == nil {
		return store.SavedWorkflow{}, noWorkflow(name)
	}
	if version == store.DraftVersion {
		return w.saved(version, w.draft), nil
	}
	if version == store.PublishedVersion {
		version = w.published
	}
	if version < 1 || version > len(w.versions) {
		return store.SavedWorkflow{}, noVersion(name)
	}
	return w.saved(version, w.versions[version-1]), nil
}

// ListWorkflows gives the workflows in order of name.
func (s *Store) ListWorkflows(
	ctx context.Context, workspace flowforge.Workspace, after string, limit int,
) ([]store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	h := s.shelf(workspace)
	skip, found := slices.BinarySearch(h.names, after)
	if found {
		skip++
	}
	from, to := page(len(h.names), skip, limit)
	var listed []store.SavedWorkflow
	for _, name := range h.names[from:to] {
		w := h.byName[name]
		listed = append(listed, w.saved(store.DraftVersion, text{savedAt: w.draft.savedAt}))
	}
	return listed, nil
}

func noWorkflow(name string) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no workflow %q", name)
}

func noVersion(name string) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "workflow %q has no such published version", name)
}
