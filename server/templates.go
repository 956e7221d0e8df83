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
	"github.com/flowforge-go/flowforge/server/rest"
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
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/templates", ID: "list-templates", Tag: tag, Summary: "List the templates",
		About: "In order of id. They come with the server.", Policy: rest.Requires(auth.TemplateRead),
	}, s.listTemplates)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/templates/{template}", ID: "get-template", Tag: tag, Summary: "Get a template",
		Policy: rest.Requires(auth.TemplateRead), Codes: []flowforge.Code{missing},
	}, s.getTemplate)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/templates/{template}/workflows", ID: "use-template", Tag: tag,
		Summary: "Make a workflow of a template", About: "Its document becomes the draft of a new workflow.",
		Policy: rest.Requires(auth.WorkflowEdit), Status: http.StatusCreated, Body: &rest.Body{Example: map[string]any{"name": "my approvals"}},
		Codes: []flowforge.Code{missing, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
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

func (s *service) listTemplates(_ context.Context, _ *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[templateHead], error) {
	after, err := in.After("templates")
	if err != nil {
		return nil, err
	}
	var found []*flowforge.Workflow
	for _, template := range s.templates {
		if strings.Compare(template.Name, after) > 0 && len(found) <= in.Limit {
			found = append(found, template)
		}
	}
	return rest.Page(in, "templates", found,
		func(t **flowforge.Workflow) templateHead {
			return templateHead{ID: (*t).Name, Description: (*t).Description}
		},
		func(last **flowforge.Workflow, _ int) string { return (*last).Name }), nil
}

func (s *service) getTemplate(_ context.Context, _ *rest.Call, in *NamedTemplate, _ *rest.None) (*rest.Answer[templateView], error) {
	template, err := s.template(in.Template)
	if err != nil {
		return nil, err
	}
	return rest.AnswerOf(templateView{ID: template.Name, Description: template.Description, Document: *template}), nil
}

func (s *service) useTemplate(
	ctx context.Context, c *rest.Call, in *NamedTemplate, body *instanceBody,
) (*rest.Tagged[workflowView], error) {
	template, err := s.template(in.Template)
	if err != nil {
		return nil, err
	}
	document := *template
	document.Name = body.Name
	saved, problems, err := s.saveDraft(ctx, c, engine.Draft{Document: &document, Replaces: store.NoDraft})
	return s.created(&saved, problems), err
}
