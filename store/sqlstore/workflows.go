package sqlstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

const (
	lockWorkflow = `{with workspace:text id:text name:text}
		SELECT {now}, r.id, r.name, r.newest, r.published, r.document, r.saved_at FROM s JOIN workflows r
			ON r.workspace = s.workspace AND (r.id = s.id OR r.name = s.name) ORDER BY r.id {lock}`
	insertWorkflow = `{with workspace:text id:text name:text document:text saved:bigint}
		INSERT INTO workflows (workspace, id, name, newest, published, document, saved_at)
		SELECT workspace, id, name, 0, 0, document, saved FROM s WHERE true ON CONFLICT DO NOTHING RETURNING id`
	updateWorkflow = `{with workspace:text id:text name:text document:text saved:bigint newest:bigint published:bigint}
		UPDATE workflows AS w SET name = s.name, document = s.document, saved_at = s.saved, newest = s.newest,
			published = s.published
		FROM s WHERE w.workspace = s.workspace AND w.id = s.id`
	insertVersion = `{with workspace:text workflow:text version:bigint document:text saved:bigint by:text}
		INSERT INTO versions (workspace, workflow, version, document, saved_at, published_by)
		SELECT workspace, workflow, version, document, saved, by FROM s`
	documentsOf = `{with workspace:text id:text} SELECT DISTINCT v.document FROM s JOIN versions v
		ON v.workspace = s.workspace AND v.workflow = s.id`
	deleteVersions = `{with workspace:text id:text}
		DELETE FROM versions WHERE (workspace, workflow) IN (SELECT workspace, id FROM s)`
	deleteWorkflow = `{with workspace:text id:text}
		DELETE FROM workflows WHERE (workspace, id) IN (SELECT workspace, id FROM s)`
	selectDraft = `{with workspace:text name:text}
		SELECT w.id, w.name, w.published, w.document, w.saved_at, d.text FROM s JOIN workflows w
			ON w.workspace = s.workspace AND w.name = s.name
		LEFT JOIN documents d ON d.workspace = w.workspace AND d.hash = w.document`
	selectVersion = `{with workspace:text id:text name:text version:bigint}
		SELECT w.id, w.name, w.published, v.document, v.saved_at, d.text, v.version, coalesce(v.published_by, '') FROM s JOIN workflows w
			ON w.workspace = s.workspace AND (w.id = s.id OR w.name = s.name)
		JOIN versions v ON v.workspace = w.workspace AND v.workflow = w.id
			AND v.version = CASE WHEN s.version = 0 THEN w.published ELSE s.version END
		LEFT JOIN documents d ON d.workspace = v.workspace AND d.hash = v.document`
	listWorkflows = `{with workspace:text after:text most:bigint}
		SELECT w.id, w.name, w.published, '', w.saved_at, NULL FROM workflows w
		WHERE w.workspace = (SELECT workspace FROM s) AND w.name > (SELECT after FROM s)
		ORDER BY w.name LIMIT (SELECT most FROM s)`
	listVersions = `{with workspace:text id:text before:bigint most:bigint}
		SELECT w.id, w.name, w.published, v.document, v.saved_at, NULL, v.version, coalesce(v.published_by, '') FROM s JOIN workflows w
			ON w.workspace = s.workspace AND w.id = s.id
		JOIN versions v ON v.workspace = w.workspace AND v.workflow = w.id
		WHERE s.before = 0 OR v.version < s.before
		ORDER BY v.version DESC LIMIT (SELECT most FROM s)`
)

func (r *row) saved(version int) (store.SavedWorkflow, error) {
	saved := store.SavedWorkflow{
		ID: flowforge.WorkflowID(r.text()), Name: r.text(), Version: version, Published: int(r.int()),
		Document: store.Document{Hash: r.text()}, SavedAt: r.time(),
	}
	if text := r.next(); text != nil {
		var err error
		if saved.Document.Text, err = flowforge.StoredValue(text); err != nil {
			return saved, err
		}
	}
	if r.at < len(r.cells) {
		saved.Version, saved.PublishedBy = int(r.int()), r.text()
	}
	return saved, r.err
}

func noWorkflow(name string) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no workflow %q", name)
}

// SaveDraft saves the draft of a workflow.
func (s *Store) SaveDraft(
	ctx context.Context, workspace flowforge.Workspace, saved store.SavedWorkflow,
) (store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return store.SavedWorkflow{}, err
	}
	saved.Version = store.DraftVersion
	const passes = 3 // someone else may make the workflow at the same moment
	for range passes {
		var done bool
		err := retry(ctx, func() (err error) {
			x := s.tenant(string(workspace))
			defer x.close(ctx)
			done, err = s.saveDraft(ctx, x, workspace, &saved)
			return err
		})
		if err != nil {
			return store.SavedWorkflow{}, s.failure(ctx, "save a draft", err)
		}
		if done {
			return saved, nil
		}
	}
	return store.SavedWorkflow{}, s.failure(ctx, "save a draft", errNoRows)
}

func (s *Store) saveDraft(
	ctx context.Context, x *session, workspace flowforge.Workspace, saved *store.SavedWorkflow,
) (bool, error) {
	found := query(lockWorkflow, [][]any{{string(workspace), string(saved.ID), saved.Name}})
	clock := query(`{with} SELECT {now}`, nil)
	if err := x.run(ctx, clock, found); err != nil {
		return false, err
	}
	var old *workflowRow
	taken := false
	for i := range found.out {
		w := found.out[i].workflow()
		if mine := saved.ID == "" || w.id == string(saved.ID); mine {
			old = &w
		} else {
			taken = true
		}
	}
	switch {
	case saved.ID != "" && old == nil:
		return false, noWorkflow(string(saved.ID))
	case taken:
		return false, flowforge.Errorf(flowforge.CodeConflict, "there is another workflow named %q", saved.Name)
	}
	document := exec(insertDocuments, [][]any{{string(workspace), saved.Document.Hash, saved.Document.Text.String()}})
	if saved.Document.Hash == "" {
		document.rows = nil
	}
	if err := mayReplace(old, saved.Name, saved.Replaces); err != nil {
		return false, err
	}
	if old != nil {
		saved.ID, saved.Published, saved.Replaces = flowforge.WorkflowID(old.id), old.published, ""
		litter := exec(insertLitter, addLitter(nil, string(workspace), kindDocument, old.document))
		return true, x.commitTold(ctx, toldOf(ctx, saved.ID, saved.Name, 0), document, litter, exec(updateWorkflow, [][]any{{
			string(workspace), old.id, saved.Name, saved.Document.Hash, micros(saved.SavedAt),
			int64(old.newest), int64(old.published),
		}}))
	}
	id := store.NewID(clock.out[0].time())
	insert := query(insertWorkflow, [][]any{{string(workspace), id, saved.Name, saved.Document.Hash, micros(saved.SavedAt)}})
	if err := x.run(ctx, document, insert); err != nil || len(insert.out) == 0 {
		return false, err
	}
	saved.ID, saved.Published, saved.Replaces = flowforge.WorkflowID(id), 0, ""
	return true, x.commitTold(ctx, toldOf(ctx, saved.ID, saved.Name, 0))
}

// toldOf gives the entries that tell of a change of a workflow; the version is 0 where none is meant.
func toldOf(ctx context.Context, id flowforge.WorkflowID, name string, version int) []auth.Entry {
	if version == 0 {
		return auth.Told(ctx, string(id), "name", name)
	}
	return auth.Told(ctx, string(id), "name", name, "version", strconv.Itoa(version))
}

// mayReplace refuses a draft that is to replace another one than there is; old is nil where there is none.
func mayReplace(old *workflowRow, name, replaces string) error {
	switch {
	case replaces == "", replaces == store.NoDraft && old == nil:
		return nil
	case replaces == store.NoDraft:
		return flowforge.Errorf(flowforge.CodeConflict, "there is a workflow named %q", name)
	case old == nil || old.document != replaces:
		return flowforge.Errorf(flowforge.CodeChanged, "the draft of %q has changed", name)
	}
	return nil
}

// DeleteWorkflow forgets a workflow with its versions.
func (s *Store) DeleteWorkflow(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, replaces string,
) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	err := retry(ctx, func() error {
		x := s.tenant(string(workspace))
		defer x.close(ctx)
		key := []any{string(workspace), string(id)}
		found := query(lockWorkflow, [][]any{{string(workspace), string(id), nil}})
		documents := query(documentsOf, [][]any{key})
		if err := x.run(ctx, found, documents); err != nil {
			return err
		}
		if len(found.out) == 0 {
			return noWorkflow(string(id))
		}
		w := found.out[0].workflow()
		if err := mayReplace(&w, w.name, replaces); err != nil {
			return err
		}
		litter := addLitter(nil, string(workspace), kindDocument, w.document)
		for i := range documents.out {
			litter = addLitter(litter, string(workspace), kindDocument, documents.out[i].text())
		}
		return x.commitTold(ctx, toldOf(ctx, id, w.name, 0),
			exec(insertLitter, sortedLitter(litter)), exec(deleteVersions, [][]any{key}), exec(deleteWorkflow, [][]any{key}))
	})
	return s.failure(ctx, "delete a workflow", err)
}

type workflowRow struct {
	id, name          string
	newest, published int
	document          string
	saved             int64
}

func (r *row) workflow() workflowRow {
	_ = r.int() // the clock
	return workflowRow{r.text(), r.text(), int(r.int()), int(r.int()), r.text(), r.int()}
}

// Publish makes the draft an immutable version.
func (s *Store) Publish(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, by string,
) (store.SavedWorkflow, error) {
	return s.republish(ctx, workspace, id, by, func(w *workflowRow) int {
		w.newest++
		return w.newest
	})
}

// Rollback makes an older version the one that starts use.
func (s *Store) Rollback(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, version int,
) (store.SavedWorkflow, error) {
	return s.republish(ctx, workspace, id, "", func(*workflowRow) int { return version })
}

// republish changes the version that starts use to the one that pick gives.
func (s *Store) republish(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, by string, pick func(*workflowRow) int,
) (store.SavedWorkflow, error) {
	if err := s.enter(ctx); err != nil {
		return store.SavedWorkflow{}, err
	}
	err := retry(ctx, func() error {
		x := s.tenant(string(workspace))
		defer x.close(ctx)
		found := query(lockWorkflow, [][]any{{string(workspace), string(id), nil}})
		if err := x.run(ctx, found); err != nil {
			return err
		}
		if len(found.out) == 0 {
			return noWorkflow(string(id))
		}
		w := found.out[0].workflow()
		newest := w.newest
		w.published = pick(&w)
		if w.published < 1 || w.published > w.newest {
			return noVersion(w.name)
		}
		var added [][]any
		if w.newest > newest {
			added = [][]any{{string(workspace), w.id, int64(w.newest), w.document, orNull(w.saved), by}}
		}
		return x.commitTold(ctx, toldOf(ctx, id, w.name, w.published), exec(insertVersion, added), exec(updateWorkflow, [][]any{{
			string(workspace), w.id, w.name, w.document, orNull(w.saved), int64(w.newest), int64(w.published),
		}}))
	})
	if err != nil {
		return store.SavedWorkflow{}, s.failure(ctx, "publish", err)
	}
	return s.version(ctx, workspace, string(id), nil, 0)
}

func noVersion(name string) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "workflow %q has no such published version", name)
}

// Workflow finds a workflow by name.
func (s *Store) Workflow(
	ctx context.Context, workspace flowforge.Workspace, name string, version int,
) (store.SavedWorkflow, error) {
	if version != store.DraftVersion {
		return s.version(ctx, workspace, nil, name, version)
	}
	found := query(selectDraft, [][]any{{string(workspace), name}})
	if err := s.read(ctx, "read a workflow", string(workspace), found); err != nil {
		return store.SavedWorkflow{}, err
	}
	if len(found.out) == 0 {
		return store.SavedWorkflow{}, noWorkflow(name)
	}
	return found.out[0].saved(store.DraftVersion)
}

// version reads a version of the workflow with an ID or a name.
func (s *Store) version(
	ctx context.Context, workspace flowforge.Workspace, id, name any, version int,
) (store.SavedWorkflow, error) {
	found := query(selectVersion, [][]any{{string(workspace), id, name, int64(version)}})
	known := query(lockWorkflow[:len(lockWorkflow)-len("{lock}")], [][]any{{string(workspace), id, name}})
	if err := s.read(ctx, "read a workflow", string(workspace), found, known); err != nil {
		return store.SavedWorkflow{}, err
	}
	if len(found.out) > 0 {
		return found.out[0].saved(version)
	}
	if len(known.out) > 0 {
		return store.SavedWorkflow{}, noVersion(fmt.Sprint(name))
	}
	return store.SavedWorkflow{}, noWorkflow(fmt.Sprint(name))
}

// ListWorkflows gives the workflows in order of name.
func (s *Store) ListWorkflows(
	ctx context.Context, workspace flowforge.Workspace, after string, limit int,
) ([]store.SavedWorkflow, error) {
	return s.listSaved(ctx, workspace, query(listWorkflows, [][]any{{string(workspace), after, most(limit)}}))
}

// Versions gives the published versions of a workflow, newest first.
func (s *Store) Versions(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID, before, limit int,
) ([]store.SavedWorkflow, error) {
	found := query(lockWorkflow[:len(lockWorkflow)-len("{lock}")], [][]any{{string(workspace), string(id), nil}})
	if err := s.read(ctx, "list versions", string(workspace), found); err != nil {
		return nil, err
	}
	if len(found.out) == 0 {
		return nil, noWorkflow(string(id))
	}
	return s.listSaved(ctx, workspace, query(listVersions, [][]any{{string(workspace), string(id), int64(before), most(limit)}}))
}

func (s *Store) listSaved(
	ctx context.Context, workspace flowforge.Workspace, list *call,
) ([]store.SavedWorkflow, error) {
	if err := s.read(ctx, "list workflows", string(workspace), list); err != nil {
		return nil, err
	}
	var all []store.SavedWorkflow
	for i := range list.out {
		saved, err := list.out[i].saved(store.DraftVersion)
		if err != nil {
			return nil, s.failure(ctx, "list workflows", err)
		}
		all = append(all, saved)
	}
	return all, nil
}
