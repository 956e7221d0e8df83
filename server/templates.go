package server

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/store"
)

//go:embed templates
var templateFiles embed.FS

// readTemplates reads the documents that workflows can be begun with, in order of name.
func readTemplates() ([]*flowforge.Workflow, error) {
	files, err := fs.ReadDir(templateFiles, "templates")
	if err != nil {
		return nil, err
	}
	all := make([]*flowforge.Workflow, 0, len(files))
	for _, entry := range files {
		text, err := templateFiles.ReadFile(path.Join("templates", entry.Name()))
		if err != nil {
			return nil, err
		}
		read, err := doc.Read(entry.Name(), text)
		if err != nil {
			return nil, err
		}
		all = append(all, read.Workflow)
	}
	return all, nil
}

// templateHead is a template without its document.
type templateHead struct {
	ID          string `json:"id" doc:"The name of its document, too."`
	Description string `json:"description"`
}

// templateView is a template.
type templateView struct {
	ID          string             `json:"id"`
	Description string             `json:"description"`
	Document    flowforge.Workflow `json:"document"`
}

// NamedTemplate is what requests about one template say.
type NamedTemplate struct {
	Template string `path:"template" maxLength:"200"`
}

// instanceBody says what a workflow made of a template is called.
type instanceBody struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
}

func (s *service) addTemplates() {
	const tag = "templates"
	const missing = flowforge.CodeNotFound
	add(s, route{
		method: http.MethodGet, path: "/templates", id: "list-templates", tag: tag, summary: "List the templates",
		about: "In order of id. They come with the server.", policy: Requires(auth.TemplateRead),
	}, s.listTemplates)
	add(s, route{
		method: http.MethodGet, path: "/templates/{template}", id: "get-template", tag: tag, summary: "Get a template",
		policy: Requires(auth.TemplateRead), codes: []flowforge.Code{missing},
	}, s.getTemplate)
	add(s, route{
		method: http.MethodPost, path: "/templates/{template}/workflows", id: "use-template", tag: tag,
		summary: "Make a workflow of a template", about: "Its document becomes the draft of a new workflow.",
		policy: Requires(auth.WorkflowEdit), status: http.StatusCreated, body: &body{example: map[string]any{"name": "my approvals"}},
		codes: []flowforge.Code{missing, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
	}, s.useTemplate)
}

func (s *service) template(id string) (*flowforge.Workflow, error) {
	for _, template := range s.templates {
		if template.Name == id {
			return template, nil
		}
	}
	return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no such template")
}

func (s *service) listTemplates(_ context.Context, _ *call, in *Paging, _ *none) (*listAnswer[templateHead], error) {
	after, err := in.after("templates")
	if err != nil {
		return nil, err
	}
	var found []*flowforge.Workflow
	for _, template := range s.templates {
		if strings.Compare(template.Name, after) > 0 && len(found) <= in.Limit {
			found = append(found, template)
		}
	}
	return pageOf(in, "templates", found,
		func(t **flowforge.Workflow) templateHead {
			return templateHead{ID: (*t).Name, Description: (*t).Description}
		},
		func(last **flowforge.Workflow, _ int) string { return (*last).Name }), nil
}

func (s *service) getTemplate(_ context.Context, _ *call, in *NamedTemplate, _ *none) (*answer[templateView], error) {
	template, err := s.template(in.Template)
	if err != nil {
		return nil, err
	}
	return &answer[templateView]{templateView{ID: template.Name, Description: template.Description, Document: *template}}, nil
}

func (s *service) useTemplate(ctx context.Context, c *call, in *NamedTemplate, body *instanceBody) (*tagged[workflowView], error) {
	template, err := s.template(in.Template)
	if err != nil {
		return nil, err
	}
	document := *template
	document.Name = body.Name
	saved, problems, err := s.engine.SaveDraft(ctx, c.workspace(), engine.Draft{Document: &document, Replaces: store.NoDraft})
	return s.created(&saved, problems), err
}
