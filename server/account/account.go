// Package account puts identity behind HTTP: signing in, one's own account, workspaces with their members, API keys, the
// audit log, and what admins do. Each handler calls one method of auth/identity, which decides.
package account

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/server/rest"
)

// Config says what there is of identity.
type Config struct {
	Identity *identity.Service          // required
	Tokens   *token.Issuer              // whose public keys are served; nil: they are not
	SignIn   map[string]*oauth.Provider // other systems that people sign in with, by name
	Secure   bool                       // clients come by https: cookies are for nothing else
}

// service is the routes of identity.
type service struct {
	Config

	api *rest.Server
}

// Add enrolls the routes.
func Add(api *rest.Server, config Config) {
	s := &service{Config: config, api: api}
	s.addSignIn()
	s.addElsewhere()
	s.addPerson()
	s.addFactor()
	s.addWorkspaces()
	s.addMembers()
	s.addInvitations()
	s.addKeys()
	s.addAudit()
	s.addUsers()
	s.addPublicKeys()
}

// Tags are what the operations are about.
func Tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "sign-in", Description: "How a person gets tokens: an access token for minutes, and a refresh token for the next one."},
		{Name: "account", Description: "A person's own account: name, password, second factor, sessions."},
		{Name: "workspaces", Description: "Workspaces, and who may do what in them."},
		{Name: "keys", Description: "API keys, by which programs act for people or for service accounts."},
		{Name: "audit", Description: "Who changed what: a chain of entries that nobody can change without a trace."},
		{Name: "users", Description: "The people of the installation, for its admins."},
	}
}

// Bearer knows who sends an access token or an API key in the header Authorization.
type Bearer struct{ Identity *identity.Service }

// Authenticate implements rest.Authenticator.
func (b Bearer) Authenticate(r *http.Request) (*auth.Principal, error) {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, nil //nolint:nilnil // Nobody says who they are.
	}
	return b.Identity.Authenticate(r.Context(), strings.TrimSpace(credential))
}

// about begins a route.
func about(method, path, id, tag, summary, text string, policy rest.Policy, codes ...flowforge.Code) rest.Route {
	return rest.Route{Method: method, Path: path, ID: id, Tag: tag, Summary: summary, About: text, Policy: policy, Codes: codes}
}

// taking gives a route an example of its body.
func taking(r rest.Route, example any) rest.Route {
	r.Body = &rest.Body{Example: example}
	return r
}

// making is taking for a route that makes something.
func making(r rest.Route, example any) rest.Route {
	r.Status = http.StatusCreated
	return taking(r, example)
}

// keySet is the public keys as they are.
type keySet struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// addPublicKeys enrolls the keys that access tokens are checked with.
func (s *service) addPublicKeys() {
	if s.Tokens == nil {
		return
	}
	rest.Add(s.api, rest.Route{
		Method: http.MethodGet, Path: "/.well-known/jwks.json", ID: "get-jwks", Root: true, Policy: rest.Public(),
	}, func(ctx context.Context, _ *rest.Call, _ *struct{}, _ *rest.None) (*keySet, error) {
		keys, err := s.Tokens.JWKS(ctx)
		return &keySet{"application/jwk-set+json", "public, max-age=300", keys}, err
	})
}
