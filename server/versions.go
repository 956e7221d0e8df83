package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/server/rest"
	"github.com/flowforge-go/flowforge/store"
)

func (s *service) addVersions() {
	const tag = "workflows"
	notFound := []flowforge.Code{flowforge.CodeNotFound}
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/workflows/{workflow}/versions", ID: "list-versions", Tag: tag, Summary: "List the versions",
		About: "Newest first, without documents.", Policy: rest.Requires(auth.WorkflowRead), Codes: notFound,
	}, s.listVersions)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/workflows/{workflow}/publish", ID: "publish-workflow", Tag: tag, Summary: "Publish the draft",
		About:  "It becomes the next version, which never changes and which starts use from now on.",
		Policy: rest.Requires(auth.WorkflowPublish), Codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeInvalidWorkflow},
	}, s.publish)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/workflows/{workflow}/rollback", ID: "rollback-workflow", Tag: tag,
		Summary: "Go back to a version", About: "Starts use it from now on. No version and no draft is changed.",
		Policy: rest.Requires(auth.WorkflowPublish), Codes: notFound, Body: &rest.Body{Example: map[string]any{"version": 1}},
	}, s.rollback)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/workflows/{workflow}/diff", ID: "diff-versions", Tag: tag, Summary: "Compare two versions",
		About: "Node by node.", Policy: rest.Requires(auth.WorkflowRead), Codes: notFound,
	}, s.diff)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/workflows/{workflow}/export", ID: "export-workflow", Tag: tag, Summary: "Export a document",
		About: "As JSON or YAML: what `import` and the command line take.", Policy: rest.Requires(auth.WorkflowRead), Codes: notFound,
		Media: rest.MediaJSON + " " + rest.MediaYAML,
	}, s.export)
}

func (s *service) listVersions(ctx context.Context, c *rest.Call, in *struct {
	Named
	rest.Paging
}, _ *rest.None,
) (*rest.Listed[WorkflowHead], error) {
	before, err := in.Position("versions")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.Versions(ctx, c.Workspace(), in.Workflow, before, in.Limit+1)
	return rest.Page(&in.Paging, "versions", found, headOf,
		func(last *store.SavedWorkflow, _ int) string { return strconv.Itoa(last.Version) }), err
}

func (s *service) publish(ctx context.Context, c *rest.Call, in *Named, _ *rest.None) (*rest.Tagged[workflowView], error) {
	_, document, err := s.engine.Document(ctx, c.Workspace(), in.Workflow, store.DraftVersion)
	if err == nil {
		err = mayName(c, document)
	}
	if err != nil {
		return nil, err
	}
	saved, err := s.engine.Publish(ctx, c.Workspace(), in.Workflow)
	return viewOf(&saved, nil), err
}

// versionBody says which version is meant.
type versionBody struct {
	Version int `json:"version" minimum:"1" maximum:"1000000000"`
}

func (s *service) rollback(ctx context.Context, c *rest.Call, in *Named, body *versionBody) (*rest.Tagged[workflowView], error) {
	saved, err := s.engine.Rollback(ctx, c.Workspace(), in.Workflow, body.Version)
	return viewOf(&saved, nil), err
}

// difference is what differs between two versions.
type difference struct {
	Changes []engine.Change `json:"changes" nullable:"false"`
}

func (s *service) diff(ctx context.Context, c *rest.Call, in *struct {
	Named

	From string `query:"from" default:"published" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"A number, draft, or published."`
	To   string `query:"to" default:"draft" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"A number, draft, or published."`
}, _ *rest.None,
) (*rest.Answer[difference], error) {
	changes, err := s.engine.Diff(ctx, c.Workspace(), in.Workflow, versionNumber(in.From), versionNumber(in.To))
	return rest.AnswerOf(difference{append([]engine.Change{}, changes...)}), err
}

// exported is a document as a file.
type exported struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               func(ctx huma.Context)
}

func (s *service) export(ctx context.Context, c *rest.Call, in *struct {
	Named
	VersionParam

	Format string `query:"format" enum:"json,yaml" default:"json" doc:"How it is written."`
}, _ *rest.None,
) (*exported, error) {
	_, document, err := s.engine.Document(ctx, c.Workspace(), in.Workflow, versionNumber(in.Version))
	if err != nil {
		return nil, err
	}
	text, err := doc.Write(document, doc.Format(in.Format))
	if err != nil {
		return nil, err
	}
	out := &exported{ContentType: rest.MediaJSON, ContentDisposition: `attachment; filename="workflow.` + in.Format + `"`}
	if in.Format == string(doc.YAML) {
		out.ContentType = rest.MediaYAML
	}
	out.Body = func(ctx huma.Context) {
		ctx.SetStatus(http.StatusOK)
		_, _ = ctx.BodyWriter().Write(text) // who asked has gone, if this fails
	}
	return out, nil
}
