package rest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// apiDoc opens the documents; a tick is written as an apostrophe here.
const apiDoc = `Workflows are graphs of nodes; runs execute them durably. Everything that this API answers is of the
workspace that the token or key is of.

**Errors** are 'application/problem+json' (RFC 9457); programs look at 'code'. **Lists** have 'items' and, where there is
more, 'next_cursor', which is sent back as 'cursor'. **Drafts** have an 'ETag'; what changes one sends it as 'If-Match'.
**Starting** something twice is safe with an 'Idempotency-Key'.`

// apiConfig is how huma is set up: it decodes parameters, describes and encodes, and routes nothing of its own.
func (s *Server) apiConfig() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	aliases(registry)
	encode := huma.Format{
		Marshal: func(w io.Writer, v any) error {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(v)
		},
		Unmarshal: json.Unmarshal,
	}
	server := s.PublicURL
	if server == "" {
		server = s.Prefix
	}
	if server == "" {
		server = "/"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "FlowForge", Version: s.Version, Description: strings.ReplaceAll(apiDoc, "'", "`"),
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{{URL: server}},
			Tags:    s.Tags,
			Components: &huma.Components{Schemas: registry, SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", Description: "A token or an API key: `Authorization: Bearer TOKEN`."},
			}},
			Security: []map[string][]string{{"bearer": {}}},
		},
		Formats:                      map[string]huma.Format{MediaJSON: encode, "json": encode},
		DefaultFormat:                MediaJSON,
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{s.transform},
	}
}

// described finds the operation of a route in the document; nil: it is not in it.
func (s *Server) described(r *Route) *huma.Operation {
	item := s.api.OpenAPI().Paths[Path+r.Path]
	if item == nil || r.Root {
		return nil
	}
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[r.Method]
}
