package rest

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed reference
var assets embed.FS

// Describe finishes the documents, once all routes are there.
func (s *Server) Describe() error {
	for i := range s.enrolled {
		r := &s.enrolled[i]
		described := s.described(r)
		if described == nil {
			continue
		}
		if r.Body != nil {
			described.RequestBody = r.Body.requestBody()
		}
		for media := range strings.FieldsSeq(r.Media) {
			answer := described.Responses["200"]
			if answer.Content == nil {
				answer.Content = make(map[string]*huma.MediaType)
			}
			answer.Content[media] = &huma.MediaType{Schema: documentView{}.Schema(s.api.OpenAPI().Components.Schemas)}
		}
	}
	return s.write()
}

// write writes the documents and the page. Schemas that only huma's own errors have are left out.
func (s *Server) write() error {
	described := s.api.OpenAPI()
	delete(described.Components.Schemas.Map(), "ErrorModel")
	delete(described.Components.Schemas.Map(), "ErrorDetail")
	s.Documents = make(map[string][]byte)
	for name, encode := range map[string]func() ([]byte, error){
		"openapi.json":     func() ([]byte, error) { return json.MarshalIndent(described, "", "  ") },
		"openapi.yaml":     described.YAML,
		"openapi-3.0.json": described.Downgrade,
		"openapi-3.0.yaml": described.DowngradeYAML,
	} {
		text, err := encode()
		if err != nil {
			return err
		}
		s.Documents[name] = text
	}
	page, err := template.New("reference.html").Funcs(template.FuncMap{"json": indented}).
		ParseFS(assets, "reference/reference.html")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, s.Sections()); err != nil {
		return err
	}
	s.reference = out.Bytes()
	return nil
}

// A Section of the page is the operations of a tag.
type Section struct {
	Name, Doc  string
	Operations []*huma.Operation
}

// Sections gives the operations of the document by what they are about.
func (s *Server) Sections() []Section {
	all := make([]Section, 0, len(s.api.OpenAPI().Tags))
	for _, tag := range s.api.OpenAPI().Tags {
		part := Section{Name: tag.Name, Doc: tag.Description}
		for i := range s.enrolled {
			if described := s.described(&s.enrolled[i]); described != nil && s.enrolled[i].Tag == tag.Name {
				part.Operations = append(part.Operations, described)
			}
		}
		all = append(all, part)
	}
	return all
}

func indented(x any) (string, error) {
	text, err := json.MarshalIndent(x, "", "  ")
	return string(text), err
}

// file is an answer that is no JSON of the API.
type file struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Body        []byte
}

// addDocuments enrolls the documents, and the page that shows them.
func (s *Server) addDocuments() {
	const (
		strict = "default-src 'none'; frame-ancestors 'none'"
		styled = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	)
	serve := func(path, media, policy string, text func() ([]byte, error)) {
		Add(s, Route{Method: http.MethodGet, Path: path, ID: "file" + strings.ReplaceAll(path, "/", "-"), Root: true, Policy: Public()},
			func(context.Context, *Call, *struct{}, *None) (*file, error) {
				content, err := text()
				return &file{media, policy, content}, err
			})
	}
	for name, media := range map[string]string{
		"openapi.json": MediaJSON, "openapi.yaml": MediaYAML, "openapi-3.0.json": MediaJSON, "openapi-3.0.yaml": MediaYAML,
	} {
		serve("/"+name, media, strict, func() ([]byte, error) { return s.Documents[name], nil })
	}
	serve("/docs", "text/html; charset=utf-8", styled, func() ([]byte, error) { return s.reference, nil })
	serve("/reference.css", "text/css; charset=utf-8", strict, func() ([]byte, error) {
		return assets.ReadFile("reference/reference.css")
	})
}
