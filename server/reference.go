package server

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

// Documents gives the OpenAPI documents of a server by file name: openapi.json, openapi.yaml, openapi-3.0.json and
// openapi-3.0.yaml.
func Documents(config Config) (map[string][]byte, error) {
	s, err := newService(config)
	if err != nil {
		return nil, err
	}
	return s.documents, nil
}

// describe finishes the documents, once all routes are there.
func (s *service) describe() error {
	for i := range s.routes {
		r := &s.routes[i]
		described := s.described(r)
		if described == nil {
			continue
		}
		if r.body != nil {
			described.RequestBody = r.body.requestBody()
		}
		for media := range strings.FieldsSeq(r.media) {
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
func (s *service) write() error {
	described := s.api.OpenAPI()
	delete(described.Components.Schemas.Map(), "ErrorModel")
	delete(described.Components.Schemas.Map(), "ErrorDetail")
	s.documents = make(map[string][]byte)
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
		s.documents[name] = text
	}
	page, err := template.New("reference.html").Funcs(template.FuncMap{"json": indented}).
		ParseFS(assets, "reference/reference.html")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, s.sections()); err != nil {
		return err
	}
	s.reference = out.Bytes()
	return nil
}

// A section of the page is the operations of a tag.
type section struct {
	Name, Doc  string
	Operations []*huma.Operation
}

func (s *service) sections() []section {
	all := make([]section, 0, len(s.api.OpenAPI().Tags))
	for _, tag := range s.api.OpenAPI().Tags {
		part := section{Name: tag.Name, Doc: tag.Description}
		for i := range s.routes {
			if described := s.described(&s.routes[i]); described != nil && s.routes[i].tag == tag.Name {
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
func (s *service) addDocuments() {
	const (
		strict = "default-src 'none'; frame-ancestors 'none'"
		styled = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	)
	serve := func(path, media, policy string, text func() ([]byte, error)) {
		add(s, route{method: http.MethodGet, path: path, id: "file" + strings.ReplaceAll(path, "/", "-"), root: true, policy: Public()},
			func(context.Context, *call, *struct{}, *none) (*file, error) {
				content, err := text()
				return &file{media, policy, content}, err
			})
	}
	for name, media := range map[string]string{
		"openapi.json": mediaJSON, "openapi.yaml": mediaYAML, "openapi-3.0.json": mediaJSON, "openapi-3.0.yaml": mediaYAML,
	} {
		serve("/"+name, media, strict, func() ([]byte, error) { return s.documents[name], nil })
	}
	serve("/docs", "text/html; charset=utf-8", styled, func() ([]byte, error) { return s.reference, nil })
	serve("/reference.css", "text/css; charset=utf-8", strict, func() ([]byte, error) {
		return assets.ReadFile("reference/reference.css")
	})
}
