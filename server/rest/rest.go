// Package rest is how an API is made of routes: one function enrolls each with a policy, admits who may use it, reads
// what was sent strictly, answers errors as problems, and describes it all in OpenAPI. It knows nothing of what the
// routes do.
package rest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humahttprouter"
	"github.com/julienschmidt/httprouter"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// A Config says how an API behaves.
type Config struct {
	Authenticators []Authenticator // asked in order who sends a request; the first that knows decides
	Prefix         string          // the path that all others begin with; empty: none
	PublicURL      string          // what clients reach Prefix by; empty: Prefix
	MaxBody        int64           // bytes of a request's JSON; 0: 1 MiB
	Logger         *slog.Logger    // a line for each request, and what went wrong; nil: none
	Version        string          // of the API's document; empty: "dev"
	TrustedProxies []netip.Prefix  // whose word is taken for where a request comes from
	Errors         []Coded         // what codes mean; CodeInternal is among them
	Tags           []*huma.Tag     // what operations are about, in the order of the document

	NewRequestID func() string // nil: 128 random bits

	// Acting gives the context of a handler what it is to know about who asks; nil: nothing.
	Acting func(ctx context.Context, who *auth.Principal) context.Context
}

// An Authenticator knows some of those who send requests.
type Authenticator interface {
	// Authenticate tells who sends a request: nil and nil where it is for another Authenticator to say. An error refuses
	// the request, with CodeUnauthenticated where a proof is not good.
	Authenticate(r *http.Request) (*auth.Principal, error)
}

// Path is what the paths of the API begin with, after the prefix.
const Path = "/api/v1"

// A Server is an API, once its routes are enrolled.
type Server struct {
	Config

	router   *httprouter.Router
	api      huma.API
	enrolled []Route // as they were enrolled

	Documents map[string][]byte // of the API, by file name
	reference []byte            // the page that shows them
}

// New makes an API without routes, but those of its documents.
func New(config Config) (*Server, error) {
	config.Prefix = strings.TrimSuffix(config.Prefix, "/")
	if config.Prefix != "" && !strings.HasPrefix(config.Prefix, "/") {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the Prefix begins with a slash: /flows")
	}
	if public, err := url.Parse(config.PublicURL); err != nil || config.PublicURL != "" && public.Host == "" {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the PublicURL has a scheme and a host: https://flows.example.com")
	}
	const body = 1 << 20
	if config.MaxBody == 0 {
		config.MaxBody = body
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Version == "" {
		config.Version = "dev"
	}
	if config.NewRequestID == nil {
		config.NewRequestID = rand.Text
	}
	s := &Server{Config: config, router: newRouter()}
	s.router.NotFound = http.HandlerFunc(s.notFound)
	s.router.MethodNotAllowed = http.HandlerFunc(s.notAllowed)
	s.api = humahttprouter.New(s.router, s.apiConfig())
	s.addDocuments()
	return s, nil
}

// Routes gives the routes as they were enrolled.
func (s *Server) Routes() []Route { return s.enrolled }

// newRouter makes a router that guesses nothing: a path is there, or it is not.
func newRouter() *httprouter.Router {
	router := httprouter.New()
	router.RedirectTrailingSlash = false
	router.RedirectFixedPath = false
	router.HandleOPTIONS = false
	return router
}
