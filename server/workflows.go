package server

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/store"
)

// WorkflowHead tells of a workflow all but its document.
type WorkflowHead struct {
	ID        flowforge.WorkflowID `json:"id"`
	Name      string               `json:"name" doc:"Unique in the workspace; it is what paths and runs call it."`
	Version   int                  `json:"version,omitempty" doc:"Of the document; absent: it is the draft."`
	Published int                  `json:"published_version,omitempty" doc:"The version that starts use; absent: none yet."`
	Hash      string               `json:"hash,omitempty" doc:"SHA-256 of the document's canonical JSON."`
	SavedAt   time.Time            `json:"saved_at,omitzero"`
}

// workflowView is a workflow with its document.
type workflowView struct {
	WorkflowHead

	Document json.RawMessage `json:"document"`
	Problems []Fault         `json:"problems,omitempty" doc:"Of a draft: what keeps it from being published, and warnings."`
}

func headOf(saved *store.SavedWorkflow) WorkflowHead {
	return WorkflowHead{
		ID: saved.ID, Name: saved.Name, Version: max(saved.Version, 0), Published: saved.Published,
		Hash: saved.Document.Hash, SavedAt: saved.SavedAt,
	}
}

// viewOf makes an answer of a saved workflow.
func viewOf(saved *store.SavedWorkflow, problems flowforge.Problems) *tagged[workflowView] {
	return &tagged[workflowView]{
		Tag: quoted(saved.Document.Hash), Status: http.StatusOK,
		Body: workflowView{WorkflowHead: headOf(saved), Document: saved.Document.Text.JSON(), Problems: faultsFrom(problems)},
	}
}

// created is viewOf for what was made just now.
func (s *service) created(saved *store.SavedWorkflow, problems flowforge.Problems) *tagged[workflowView] {
	view := viewOf(saved, problems)
	view.Status, view.Location = http.StatusCreated, s.Prefix+apiPath+"/workflows/"+url.PathEscape(saved.Name)
	return view
}

// documentBody is a workflow document as a request's body, in JSON or YAML.
type documentBody struct{ document *flowforge.Workflow }

// Schema describes it as the document that it is.
func (*documentBody) Schema(registry huma.Registry) *huma.Schema {
	return schemaOf[flowforge.Workflow](registry)
}

// read decodes it with all problems at once.
func (d *documentBody) read(text []byte, media string) error {
	name := "body.json"
	if media == mediaYAML {
		name = "body.yaml"
	} else if _, err := strictJSON(text); err != nil {
		return err
	}
	file, err := doc.Read(name, text)
	if err != nil {
		if flowforge.ProblemsOf(err) == nil {
			return flowforge.Errorf(codeBadRequest, "the body is no document that can be read")
		}
		return &flowforge.Error{Code: flowforge.CodeInvalidWorkflow, Err: flowforge.ProblemsOf(err)}
	}
	d.document = file.Workflow
	return nil
}

// exampleDocument is a document that can be published.
func exampleDocument() map[string]any {
	return map[string]any{
		"name": "hello",
		"nodes": []any{
			map[string]any{"id": "greet", "type": "core.set", "params": map[string]any{
				"values": map[string]any{"greeting": "Hello, {{ input.name }}!"},
			}},
		},
		"output": "{{ nodes.greet.output.greeting }}",
	}
}

// Named is what requests about one workflow say.
type Named struct {
	Workflow string `path:"workflow" maxLength:"200" doc:"The workflow's name, percent-encoded."`
}

const aboutDrafts = "A draft may have problems, which `problems` lists: they keep it from being published, not from being saved."

func (s *service) addWorkflows() {
	const tag = "workflows"
	add(s, route{
		method: http.MethodGet, path: "/workflows", id: "list-workflows", tag: tag, summary: "List workflows",
		about: "In order of name, without documents.", policy: Requires(auth.WorkflowRead),
	}, s.listWorkflows)
	add(s, route{
		method: http.MethodPost, path: "/workflows", id: "create-workflow", tag: tag, summary: "Create a workflow",
		about: "The document becomes the draft of a new workflow. " + aboutDrafts, policy: Requires(auth.WorkflowEdit),
		status: http.StatusCreated, body: &body{example: exampleDocument()},
		codes: []flowforge.Code{flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.createWorkflow)
	add(s, route{
		method: http.MethodGet, path: "/workflows/{workflow}", id: "get-workflow", tag: tag, summary: "Get a workflow",
		about: "The draft, or a version.", policy: Requires(auth.WorkflowRead), conditional: true,
		codes: []flowforge.Code{flowforge.CodeNotFound},
	}, s.getWorkflow)
	add(s, route{
		method: http.MethodPut, path: "/workflows/{workflow}", id: "replace-draft", tag: tag, summary: "Replace the draft",
		about:  aboutDrafts + " Another `name` in the document renames a workflow that was never published.",
		policy: Requires(auth.WorkflowEdit), conditional: true, body: &body{example: exampleDocument()},
		codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.replaceDraft)
	add(s, route{
		method: http.MethodPatch, path: "/workflows/{workflow}", id: "patch-draft", tag: tag, summary: "Change parts of the draft",
		about:  "A JSON merge patch (RFC 7396): what is `null` is taken away, lists are replaced as a whole. " + aboutDrafts,
		policy: Requires(auth.WorkflowEdit), conditional: true,
		body:  &body{media: []string{mediaPatch, mediaJSON}, example: map[string]any{"description": "Greets people."}},
		codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.patchDraft)
	add(s, route{
		method: http.MethodDelete, path: "/workflows/{workflow}", id: "delete-workflow", tag: tag, summary: "Delete a workflow",
		about: "With its draft, its versions and the schedules that its nodes made. Runs of it go on, and are kept; " +
			"schedules that were saved by hand fail from then on.",
		policy: Requires(auth.WorkflowDelete), conditional: true, codes: []flowforge.Code{flowforge.CodeNotFound},
	}, s.deleteWorkflow)
	add(s, route{
		method: http.MethodPost, path: "/workflows/{workflow}/duplicate", id: "duplicate-workflow", tag: tag,
		summary: "Duplicate a workflow", about: "Its draft, or a version, becomes the draft of a new workflow.",
		policy: Requires(auth.WorkflowEdit), status: http.StatusCreated, body: &body{example: map[string]any{"name": "hello again"}},
		codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.duplicateWorkflow)
	add(s, route{
		method: http.MethodPost, path: "/validate", id: "validate-workflow", tag: tag, summary: "Check a document",
		about: "All problems at once. Nothing is kept.", policy: Requires(auth.WorkflowRead),
		body: &body{example: exampleDocument()}, codes: []flowforge.Code{flowforge.CodeInvalidWorkflow},
	}, s.validateWorkflow)
	add(s, route{
		method: http.MethodPost, path: "/import", id: "import-workflow", tag: tag, summary: "Import a document",
		about:  "As JSON or YAML, as the draft of a new workflow. " + aboutDrafts,
		policy: Requires(auth.WorkflowEdit), status: http.StatusCreated,
		body:  &body{media: []string{mediaJSON, mediaYAML}, limit: s.Limits.Import, example: exampleDocument()},
		codes: []flowforge.Code{flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.createWorkflow)
}

func (s *service) listWorkflows(ctx context.Context, c *call, in *struct {
	Paging

	Search string `query:"search" maxLength:"200" doc:"A part of the name, in any case."`
}, _ *none,
) (*listAnswer[WorkflowHead], error) {
	after, err := in.after("workflows")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.Workflows(ctx, c.workspace(), in.Search, after, in.Limit+1)
	return pageOf(&in.Paging, "workflows", found, headOf,
		func(last *store.SavedWorkflow, _ int) string { return last.Name }), err
}

func (s *service) createWorkflow(ctx context.Context, c *call, _ *struct{}, body *documentBody) (*tagged[workflowView], error) {
	saved, problems, err := s.engine.SaveDraft(ctx, c.workspace(), engine.Draft{Document: body.document, Replaces: store.NoDraft})
	return s.created(&saved, problems), err
}

// VersionParam is which version is meant.
type VersionParam struct {
	Version string `query:"version" default:"draft" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"A number, draft, or published." example:"published"`
}

// versionNumber reads what the pattern of a version lets through.
func versionNumber(text string) int {
	switch text {
	case "draft":
		return store.DraftVersion
	case "published", "":
		return store.PublishedVersion
	}
	number, _ := strconv.Atoi(text)
	return number
}

func (s *service) getWorkflow(ctx context.Context, c *call, in *struct {
	Named
	VersionParam
}, _ *none,
) (*tagged[workflowView], error) {
	saved, document, err := s.engine.Document(ctx, c.workspace(), in.Workflow, versionNumber(in.Version))
	if err != nil {
		return nil, err
	}
	if saved.Document.Hash == c.etag {
		return &tagged[workflowView]{Tag: quoted(c.etag), Status: http.StatusNotModified}, nil
	}
	return viewOf(&saved, s.engine.Validate(document)), nil
}

func (s *service) replaceDraft(ctx context.Context, c *call, in *Named, body *documentBody) (*tagged[workflowView], error) {
	saved, problems, err := s.engine.SaveDraft(ctx, c.workspace(), engine.Draft{
		Document: body.document, Workflow: in.Workflow, Replaces: c.etag,
	})
	return viewOf(&saved, problems), err
}

func (s *service) patchDraft(ctx context.Context, c *call, in *Named, patch *flowforge.Value) (*tagged[workflowView], error) {
	return s.edit(ctx, c, in.Workflow, func(document *flowforge.Workflow) error {
		text, err := flowforge.ValueOf(document)
		if err != nil {
			return err
		}
		merged, err := json.Marshal(mergePatch(text.Any(), patch.Any()))
		if err != nil {
			return err
		}
		changed, err := flowforge.DecodeWorkflow(merged)
		if err == nil {
			*document = *changed
		}
		return err
	})
}

// mergePatch applies a merge patch (RFC 7396) to a value, which stays as it is.
func mergePatch(to, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := make(map[string]any)
	if object, ok := to.(map[string]any); ok {
		maps.Copy(merged, object)
	}
	for name, value := range fields {
		if value == nil {
			delete(merged, name)
			continue
		}
		merged[name] = mergePatch(merged[name], value)
	}
	return merged
}

func (s *service) deleteWorkflow(ctx context.Context, c *call, in *Named, _ *none) (*empty, error) {
	return &empty{}, s.engine.DeleteWorkflow(ctx, c.workspace(), in.Workflow, c.etag)
}

// duplicateBody says what a copy is called.
type duplicateBody struct {
	Name    string `json:"name" minLength:"1" maxLength:"200" doc:"Of the new workflow."`
	Version string `json:"version,omitempty" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"Of the one that is copied; absent: its draft."`
}

func (s *service) duplicateWorkflow(ctx context.Context, c *call, in *Named, body *duplicateBody) (*tagged[workflowView], error) {
	version := store.DraftVersion
	if body.Version != "" {
		version = versionNumber(body.Version)
	}
	_, document, err := s.engine.Document(ctx, c.workspace(), in.Workflow, version)
	if err != nil {
		return nil, err
	}
	document.Name = body.Name
	saved, problems, err := s.engine.SaveDraft(ctx, c.workspace(), engine.Draft{Document: document, Replaces: store.NoDraft})
	return s.created(&saved, problems), err
}

// verdict is what a check came to.
type verdict struct {
	Valid    bool    `json:"valid" doc:"Whether it could be published: it has no problems, or only warnings."`
	Problems []Fault `json:"problems" nullable:"false"`
}

func (s *service) validateWorkflow(_ context.Context, _ *call, _ *struct{}, body *documentBody) (*answer[verdict], error) {
	problems := s.engine.Validate(body.document)
	return &answer[verdict]{verdict{Valid: problems.Err() == nil, Problems: faultsFrom(problems)}}, nil
}
