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
	"github.com/flowforge-go/flowforge/store"
)

func (s *service) addVersions() {
	const tag = "workflows"
	notFound := []flowforge.Code{flowforge.CodeNotFound}
	add(s, route{
		method: http.MethodGet, path: "/workflows/{workflow}/versions", id: "list-versions", tag: tag, summary: "List the versions",
		about: "Newest first, without documents.", policy: Requires(auth.WorkflowRead), codes: notFound,
	}, s.listVersions)
	add(s, route{
		method: http.MethodPost, path: "/workflows/{workflow}/publish", id: "publish-workflow", tag: tag, summary: "Publish the draft",
		about:  "It becomes the next version, which never changes and which starts use from now on.",
		policy: Requires(auth.WorkflowPublish), codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeInvalidWorkflow},
	}, s.publish)
	add(s, route{
		method: http.MethodPost, path: "/workflows/{workflow}/rollback", id: "rollback-workflow", tag: tag,
		summary: "Go back to a version", about: "Starts use it from now on. No version and no draft is changed.",
		policy: Requires(auth.WorkflowPublish), codes: notFound, body: &body{example: map[string]any{"version": 1}},
	}, s.rollback)
	add(s, route{
		method: http.MethodGet, path: "/workflows/{workflow}/diff", id: "diff-versions", tag: tag, summary: "Compare two versions",
		about: "Node by node.", policy: Requires(auth.WorkflowRead), codes: notFound,
	}, s.diff)
	add(s, route{
		method: http.MethodGet, path: "/workflows/{workflow}/export", id: "export-workflow", tag: tag, summary: "Export a document",
		about: "As JSON or YAML: what `import` and the command line take.", policy: Requires(auth.WorkflowRead), codes: notFound,
		media: mediaJSON + " " + mediaYAML,
	}, s.export)
}

func (s *service) listVersions(ctx context.Context, c *call, in *struct {
	Named
	Paging
}, _ *none,
) (*listAnswer[WorkflowHead], error) {
	before, err := in.position("versions")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.Versions(ctx, c.workspace(), in.Workflow, before, in.Limit+1)
	return pageOf(&in.Paging, "versions", found, headOf,
		func(last *store.SavedWorkflow, _ int) string { return strconv.Itoa(last.Version) }), err
}

func (s *service) publish(ctx context.Context, c *call, in *Named, _ *none) (*tagged[workflowView], error) {
	saved, err := s.engine.Publish(ctx, c.workspace(), in.Workflow)
	return viewOf(&saved, nil), err
}

// versionBody says which version is meant.
type versionBody struct {
	Version int `json:"version" minimum:"1" maximum:"1000000000"`
}

func (s *service) rollback(ctx context.Context, c *call, in *Named, body *versionBody) (*tagged[workflowView], error) {
	saved, err := s.engine.Rollback(ctx, c.workspace(), in.Workflow, body.Version)
	return viewOf(&saved, nil), err
}

// difference is what differs between two versions.
type difference struct {
	Changes []engine.Change `json:"changes" nullable:"false"`
}

func (s *service) diff(ctx context.Context, c *call, in *struct {
	Named

	From string `query:"from" default:"published" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"A number, draft, or published."`
	To   string `query:"to" default:"draft" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"A number, draft, or published."`
}, _ *none,
) (*answer[difference], error) {
	changes, err := s.engine.Diff(ctx, c.workspace(), in.Workflow, versionNumber(in.From), versionNumber(in.To))
	return &answer[difference]{difference{append([]engine.Change{}, changes...)}}, err
}

// exported is a document as a file.
type exported struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               func(ctx huma.Context)
}

func (s *service) export(ctx context.Context, c *call, in *struct {
	Named
	VersionParam

	Format string `query:"format" enum:"json,yaml" default:"json" doc:"How it is written."`
}, _ *none,
) (*exported, error) {
	_, document, err := s.engine.Document(ctx, c.workspace(), in.Workflow, versionNumber(in.Version))
	if err != nil {
		return nil, err
	}
	text, err := doc.Write(document, doc.Format(in.Format))
	if err != nil {
		return nil, err
	}
	out := &exported{ContentType: mediaJSON, ContentDisposition: `attachment; filename="workflow.` + in.Format + `"`}
	if in.Format == string(doc.YAML) {
		out.ContentType = mediaYAML
	}
	out.Body = func(ctx huma.Context) {
		ctx.SetStatus(http.StatusOK)
		_, _ = ctx.BodyWriter().Write(text) // who asked has gone, if this fails
	}
	return out, nil
}
