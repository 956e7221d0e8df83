// Package server puts an engine behind HTTP: a REST API under /api/v1 with its OpenAPI documents and a page that shows
// them. Each handler decodes, authorises and calls one method of the engine; what runs mean is decided there. Who asks
// is told by the Authenticators that it is given, and every route says what it takes to be allowed.
package server

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humahttprouter"
	"github.com/julienschmidt/httprouter"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
)

// Config says what a server serves, and to whom.
type Config struct {
	Engine *engine.Engine // required

	// Authenticators are asked in order who sends a request; the first that knows decides. None: nobody is known, so
	// that only what is public is answered.
	Authenticators []Authenticator

	Prefix    string       // the path that all others begin with, as in a host's own mux; empty: none
	PublicURL string       // what clients reach Prefix by, for the OpenAPI document; empty: Prefix
	Limits    Limits       // on requests
	Logger    *slog.Logger // a line for each request, and what went wrong; nil: none
	Version   string       // of the API's document; empty: "dev"

	NewRequestID func() string // nil: 128 random bits
}

// An Authenticator knows some of those who send requests.
type Authenticator interface {
	// Authenticate tells who sends a request: nil and nil where it is for another Authenticator to say. An error refuses
	// the request, with CodeUnauthenticated where a proof is not good.
	Authenticate(r *http.Request) (*auth.Principal, error)
}

// Limits bound requests and answers. Zero fields are their defaults.
type Limits struct {
	Body   int64         // bytes of a request's JSON; 0: 1 MiB
	Import int64         // bytes of an imported document; 0: 4 MiB
	Wait   time.Duration // how long a request may wait for a run to end; 0: 30s
	Bulk   int           // runs that one request may do something to; 0: 200
}

func (l Limits) orDefault() Limits {
	const body, imported, wait, bulk = 1 << 20, 4 << 20, 30 * time.Second, 200
	if l.Body == 0 {
		l.Body = body
	}
	if l.Import == 0 {
		l.Import = imported
	}
	if l.Wait == 0 {
		l.Wait = wait
	}
	if l.Bulk == 0 {
		l.Bulk = bulk
	}
	return l
}

// apiPath is what the paths of the API begin with, after the prefix.
const apiPath = "/api/v1"

// service is a server as its handlers see it.
type service struct {
	Config

	engine *engine.Engine
	router *httprouter.Router
	api    huma.API
	routes []route // as they were enrolled

	templates []*flowforge.Workflow
	documents map[string][]byte // of the API, by file name
	reference []byte            // the page that shows them
}

// New makes the handler of a server. It starts nothing, and may be mounted below Config.Prefix in a mux of the host's.
func New(config Config) (http.Handler, error) {
	s, err := newService(config)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

// newService makes a service with all its routes.
func newService(config Config) (*service, error) {
	if config.Engine == nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "a server needs an Engine")
	}
	config.Prefix = strings.TrimSuffix(config.Prefix, "/")
	if config.Prefix != "" && !strings.HasPrefix(config.Prefix, "/") {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the Prefix begins with a slash: /flows")
	}
	if public, err := url.Parse(config.PublicURL); err != nil || config.PublicURL != "" && public.Host == "" {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the PublicURL has a scheme and a host: https://flows.example.com")
	}
	config.Limits = config.Limits.orDefault()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Version == "" {
		config.Version = "dev"
	}
	if config.NewRequestID == nil {
		config.NewRequestID = rand.Text
	}
	templates, err := readTemplates()
	if err != nil {
		return nil, err
	}
	s := &service{Config: config, engine: config.Engine, router: newRouter(), templates: templates}
	s.router.NotFound = http.HandlerFunc(s.notFound)
	s.router.MethodNotAllowed = http.HandlerFunc(s.notAllowed)
	s.api = humahttprouter.New(s.router, s.apiConfig())
	s.addRoutes()
	if err := s.describe(); err != nil {
		return nil, err
	}
	return s, nil
}

// newRouter makes a router that guesses nothing: a path is there, or it is not.
func newRouter() *httprouter.Router {
	router := httprouter.New()
	router.RedirectTrailingSlash = false
	router.RedirectFixedPath = false
	router.HandleOPTIONS = false
	return router
}

// addRoutes enrolls everything that there is.
func (s *service) addRoutes() {
	s.addHealth()
	s.addDocuments()
	s.addWorkflows()
	s.addDrafts()
	s.addVersions()
	s.addRuns()
	s.addRunRecords()
	s.addRunControl()
	s.addBulk()
	s.addSchedules()
	s.addSettings()
	s.addCatalogue()
	s.addTemplates()
}

// HTTPServer makes a server with time limits for a handler of New. A request may wait for runs as long as limits say.
func HTTPServer(address string, handler http.Handler, limits Limits) *http.Server {
	const header, body, idle = 10 * time.Second, time.Minute, 2 * time.Minute
	return &http.Server{
		Addr: address, Handler: handler, ReadHeaderTimeout: header, ReadTimeout: body,
		WriteTimeout: body + limits.orDefault().Wait, IdleTimeout: idle, MaxHeaderBytes: 64 << 10,
	}
}
