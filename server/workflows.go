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
	"github.com/flowforge-go/flowforge/server/rest"
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

	PublishedBy string `json:"published_by,omitempty" doc:"Of a version: the id of whom its runs act for, whose credentials they may use."`
}

// workflowView is a workflow with its document.
type workflowView struct {
	WorkflowHead

	Document json.RawMessage `json:"document"`
	Problems []rest.Fault    `json:"problems,omitempty" doc:"Of a draft: what keeps it from being published, and warnings."`
}

func headOf(saved *store.SavedWorkflow) WorkflowHead {
	return WorkflowHead{
		ID: saved.ID, Name: saved.Name, Version: max(saved.Version, 0), Published: saved.Published,
		Hash: saved.Document.Hash, SavedAt: saved.SavedAt, PublishedBy: saved.PublishedBy,
	}
}

// viewOf makes an answer of a saved workflow.
func viewOf(saved *store.SavedWorkflow, problems flowforge.Problems) *rest.Tagged[workflowView] {
	return &rest.Tagged[workflowView]{
		Tag: rest.Quoted(saved.Document.Hash), Status: http.StatusOK,
		Body: workflowView{WorkflowHead: headOf(saved), Document: saved.Document.Text.JSON(), Problems: rest.FaultsOf(problems)},
	}
}

// created is viewOf for what was made just now.
func (s *service) created(saved *store.SavedWorkflow, problems flowforge.Problems) *rest.Tagged[workflowView] {
	view := viewOf(saved, problems)
	view.Status, view.Location = http.StatusCreated, s.Prefix+rest.Path+"/workflows/"+url.PathEscape(saved.Name)
	return view
}

// documentBody is a workflow document as a request's body, in JSON or YAML.
type documentBody struct{ document *flowforge.Workflow }

// Schema describes it as the document that it is.
func (*documentBody) Schema(registry huma.Registry) *huma.Schema {
	return rest.SchemaOf[flowforge.Workflow](registry)
}

// ReadBody decodes it with all problems at once.
func (d *documentBody) ReadBody(text []byte, media string) error {
	name := "body.json"
	if media == rest.MediaYAML {
		name = "body.yaml"
	} else if _, err := rest.StrictJSON(text); err != nil {
		return err
	}
	file, err := doc.Read(name, text)
	if err != nil {
		if flowforge.ProblemsOf(err) == nil {
			return flowforge.Errorf(rest.CodeBadRequest, "the body is no document that can be read")
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
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/workflows", ID: "list-workflows", Tag: tag, Summary: "List workflows",
		About: "In order of name, without documents.", Policy: rest.Requires(auth.WorkflowRead),
	}, s.listWorkflows)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/workflows", ID: "create-workflow", Tag: tag, Summary: "Create a workflow",
		About: "The document becomes the draft of a new workflow. " + aboutDrafts, Policy: rest.Requires(auth.WorkflowEdit),
		Status: http.StatusCreated, Body: &rest.Body{Example: exampleDocument()},
		Codes: []flowforge.Code{flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.createWorkflow)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/workflows/{workflow}", ID: "get-workflow", Tag: tag, Summary: "Get a workflow",
		About: "The draft, or a version.", Policy: rest.Requires(auth.WorkflowRead), Conditional: true,
		Codes: []flowforge.Code{flowforge.CodeNotFound},
	}, s.getWorkflow)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPut, Path: "/workflows/{workflow}", ID: "replace-draft", Tag: tag, Summary: "Replace the draft",
		About:  aboutDrafts + " Another `name` in the document renames a workflow that was never published.",
		Policy: rest.Requires(auth.WorkflowEdit), Conditional: true, Body: &rest.Body{Example: exampleDocument()},
		Codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.replaceDraft)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPatch, Path: "/workflows/{workflow}", ID: "patch-draft", Tag: tag, Summary: "Change parts of the draft",
		About:  "A JSON merge patch (RFC 7396): what is `null` is taken away, lists are replaced as a whole. " + aboutDrafts,
		Policy: rest.Requires(auth.WorkflowEdit), Conditional: true,
		Body:  &rest.Body{Media: []string{rest.MediaPatch, rest.MediaJSON}, Example: map[string]any{"description": "Greets people."}},
		Codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.patchDraft)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodDelete, Path: "/workflows/{workflow}", ID: "delete-workflow", Tag: tag, Summary: "Delete a workflow",
		About: "With its draft, its versions and the schedules that its nodes made. Runs of it go on, and are kept; " +
			"schedules that were saved by hand fail from then on.",
		Policy: rest.Requires(auth.WorkflowDelete), Conditional: true, Codes: []flowforge.Code{flowforge.CodeNotFound},
	}, s.deleteWorkflow)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/workflows/{workflow}/duplicate", ID: "duplicate-workflow", Tag: tag,
		Summary: "Duplicate a workflow", About: "Its draft, or a version, becomes the draft of a new workflow.",
		Policy: rest.Requires(auth.WorkflowEdit), Status: http.StatusCreated, Body: &rest.Body{Example: map[string]any{"name": "hello again"}},
		Codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.duplicateWorkflow)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/validate", ID: "validate-workflow", Tag: tag, Summary: "Check a document",
		About: "All problems at once. Nothing is kept.", Policy: rest.Requires(auth.WorkflowRead),
		Body: &rest.Body{Example: exampleDocument()}, Codes: []flowforge.Code{flowforge.CodeInvalidWorkflow},
	}, s.validateWorkflow)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/import", ID: "import-workflow", Tag: tag, Summary: "Import a document",
		About:  "As JSON or YAML, as the draft of a new workflow. " + aboutDrafts,
		Policy: rest.Requires(auth.WorkflowEdit), Status: http.StatusCreated,
		Body:  &rest.Body{Media: []string{rest.MediaJSON, rest.MediaYAML}, Limit: s.limits.Import, Example: exampleDocument()},
		Codes: []flowforge.Code{flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.createWorkflow)
}

func (s *service) listWorkflows(ctx context.Context, c *rest.Call, in *struct {
	rest.Paging

	Search string `query:"search" maxLength:"200" doc:"A part of the name, in any case."`
}, _ *rest.None,
) (*rest.Listed[WorkflowHead], error) {
	after, err := in.After("workflows")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.Workflows(ctx, c.Workspace(), in.Search, after, in.Limit+1)
	return rest.Page(&in.Paging, "workflows", found, headOf,
		func(last *store.SavedWorkflow, _ int) string { return last.Name }), err
}

func (s *service) createWorkflow(ctx context.Context, c *rest.Call, _ *struct{}, body *documentBody) (*rest.Tagged[workflowView], error) {
	saved, problems, err := s.saveDraft(ctx, c, engine.Draft{Document: body.document, Replaces: store.NoDraft})
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

func (s *service) getWorkflow(ctx context.Context, c *rest.Call, in *struct {
	Named
	VersionParam
}, _ *rest.None,
) (*rest.Tagged[workflowView], error) {
	saved, document, err := s.engine.Document(ctx, c.Workspace(), in.Workflow, versionNumber(in.Version))
	if err != nil {
		return nil, err
	}
	if saved.Document.Hash == c.Etag {
		return &rest.Tagged[workflowView]{Tag: rest.Quoted(c.Etag), Status: http.StatusNotModified}, nil
	}
	return viewOf(&saved, s.engine.Validate(document)), nil
}

func (s *service) replaceDraft(ctx context.Context, c *rest.Call, in *Named, body *documentBody) (*rest.Tagged[workflowView], error) {
	saved, problems, err := s.saveDraft(ctx, c, engine.Draft{
		Document: body.document, Workflow: in.Workflow, Replaces: c.Etag,
	})
	return viewOf(&saved, problems), err
}

func (s *service) patchDraft(ctx context.Context, c *rest.Call, in *Named, patch *flowforge.Value) (*rest.Tagged[workflowView], error) {
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

func (s *service) deleteWorkflow(ctx context.Context, c *rest.Call, in *Named, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.engine.DeleteWorkflow(ctx, c.Workspace(), in.Workflow, c.Etag)
}

// duplicateBody says what a copy is called.
type duplicateBody struct {
	Name    string `json:"name" minLength:"1" maxLength:"200" doc:"Of the new workflow."`
	Version string `json:"version,omitempty" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"Of the one that is copied; absent: its draft."`
}

func (s *service) duplicateWorkflow(ctx context.Context, c *rest.Call, in *Named, body *duplicateBody) (*rest.Tagged[workflowView], error) {
	version := store.DraftVersion
	if body.Version != "" {
		version = versionNumber(body.Version)
	}
	_, document, err := s.engine.Document(ctx, c.Workspace(), in.Workflow, version)
	if err != nil {
		return nil, err
	}
	document.Name = body.Name
	saved, problems, err := s.saveDraft(ctx, c, engine.Draft{Document: document, Replaces: store.NoDraft})
	return s.created(&saved, problems), err
}

// verdict is what a check came to.
type verdict struct {
	Valid    bool         `json:"valid" doc:"Whether it could be published: it has no problems, or only warnings."`
	Problems []rest.Fault `json:"problems" nullable:"false"`
}

func (s *service) validateWorkflow(_ context.Context, _ *rest.Call, _ *struct{}, body *documentBody) (*rest.Answer[verdict], error) {
	problems := s.engine.Validate(body.document)
	return rest.AnswerOf(verdict{Valid: problems.Err() == nil, Problems: rest.FaultsOf(problems)}), nil
}
