// Package server puts an engine behind HTTP: a REST API under /api/v1 with its OpenAPI documents and a page that shows
// them. Each handler decodes, authorises and calls one method of the engine; what runs mean is decided there. Who asks
// is told by the Authenticators that it is given, and every route says what it takes to be allowed.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/account"
	"github.com/flowforge-go/flowforge/server/rest"
)

// Config says what a server serves, and to whom.
type Config struct {
	Engine *engine.Engine // required

	// Authenticators are asked in order who sends a request; the first that knows decides. None: nobody is known, so
	// that only what is public is answered.
	Authenticators []rest.Authenticator

	Identity    *identity.Service          // people, workspaces and keys, over HTTP; nil: Authenticators alone say who asks
	Tokens      *token.Issuer              // of Identity: its public keys are served; nil: they are not
	SignIn      map[string]*oauth.Provider // other systems that people sign in with, by name
	Credentials *vault.Credentials         // nil: there are no routes of credentials

	TrustedProxies []netip.Prefix  // whose word is taken for where a request comes from; empty: nobody's
	Ending         <-chan struct{} // closed when the server is to end: who waits for a run is answered at once; nil: never

	Prefix    string       // the path that all others begin with, as in a host's own mux; empty: none
	PublicURL string       // what clients reach Prefix by, for the OpenAPI document; empty: Prefix
	Limits    Limits       // on requests
	Logger    *slog.Logger // a line for each request, and what went wrong; nil: none
	Version   string       // of the API's document; empty: "dev"

	NewRequestID func() string // nil: 128 random bits
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

// service is a server as its handlers see it.
type service struct {
	*rest.Server

	engine      *engine.Engine
	credentials *vault.Credentials
	limits      Limits
	ending      <-chan struct{}
	templates   []*flowforge.Workflow
}

// New makes the handler of a server. It starts nothing, and may be mounted below Config.Prefix in a mux of the host's.
func New(config Config) (http.Handler, error) {
	s, err := newService(config)
	if err != nil {
		return nil, err
	}
	return s.Handler(), nil
}

// Documents gives the OpenAPI documents of a server by file name: openapi.json, openapi.yaml, openapi-3.0.json and
// openapi-3.0.yaml. They describe all routes that there can be, whether config has what answers them or not.
func Documents(config Config) (map[string][]byte, error) {
	if config.Identity == nil {
		config.Identity = new(identity.Service)
	}
	if config.Credentials == nil {
		config.Credentials = new(vault.Credentials)
	}
	s, err := newService(config)
	if err != nil {
		return nil, err
	}
	return s.Documents, nil
}

// newService makes a service with all its routes.
func newService(config Config) (*service, error) {
	if config.Engine == nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "a server needs an Engine")
	}
	limits := config.Limits.orDefault()
	about, authenticators := tags(), config.Authenticators
	if config.Identity != nil {
		about = append(about, account.Tags()...)
		authenticators = append(slices.Clone(authenticators), account.Bearer{Identity: config.Identity})
	}
	made, err := rest.New(rest.Config{
		Authenticators: authenticators, Prefix: config.Prefix, PublicURL: config.PublicURL, MaxBody: limits.Body,
		TrustedProxies: config.TrustedProxies, Logger: config.Logger, Version: config.Version, Errors: errorTable(), Tags: about,
		NewRequestID: config.NewRequestID, Acting: func(ctx context.Context, who *auth.Principal) context.Context {
			return engine.ActingFor(ctx, string(who.User))
		},
	})
	if err != nil {
		return nil, err
	}
	templates, err := readTemplates()
	if err != nil {
		return nil, err
	}
	s := &service{
		Server: made, engine: config.Engine, credentials: config.Credentials, limits: limits, ending: config.Ending, templates: templates,
	}
	s.addRoutes()
	if config.Identity != nil {
		account.Add(made, account.Config{
			Identity: config.Identity, Tokens: config.Tokens, SignIn: config.SignIn, Secure: strings.HasPrefix(config.PublicURL, "https:"),
		})
	}
	if err := s.Describe(); err != nil {
		return nil, err
	}
	return s, nil
}

// addRoutes enrolls everything that there is.
func (s *service) addRoutes() {
	s.addHealth()
	s.addWorkflows()
	s.addDrafts()
	s.addVersions()
	s.addRuns()
	s.addRunRecords()
	s.addRunControl()
	s.addBulk()
	s.addSchedules()
	s.addSettings()
	s.addCredentials()
	s.addCatalogue()
	s.addTemplates()
}

// tags are what operations are about, in the order of the document.
func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "workflows", Description: "Documents: their drafts, and the versions that runs use."},
		{Name: "drafts", Description: "Single nodes and connections of a draft, for designers."},
		{Name: "runs", Description: "Executions of workflows."},
		{Name: "schedules", Description: "What starts runs at times."},
		{Name: "settings", Description: "What a workspace has for all its runs: variables, limits, how long runs are kept."},
		{Name: "credentials", Description: "Secrets for other systems, which nodes use by name."},
		{Name: "catalogue", Description: "What documents are made of: node types, and the functions of expressions."},
		{Name: "templates", Description: "Documents to begin with."},
		{Name: "server", Description: "The server itself."},
	}
}

// HTTPServer makes a server with time limits for a handler of New. A request may wait for runs as long as limits say.
func HTTPServer(address string, handler http.Handler, limits Limits) *http.Server {
	const header, body, idle = 10 * time.Second, time.Minute, 2 * time.Minute
	return &http.Server{
		Addr: address, Handler: handler, ReadHeaderTimeout: header, ReadTimeout: body,
		WriteTimeout: body + limits.orDefault().Wait, IdleTimeout: idle, MaxHeaderBytes: 64 << 10,
	}
}
