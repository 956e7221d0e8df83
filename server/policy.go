package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humahttprouter"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// A Policy says who may use a route. The zero Policy says nothing and is refused when the server is made.
type Policy struct {
	kind       policyKind
	permission auth.Permission
}

type policyKind uint8

const (
	unsaid policyKind = iota
	public
	signedIn
	permitted
)

// Public lets everybody in.
func Public() Policy { return Policy{kind: public} }

// SignedIn lets in everybody who is known, whatever they may do.
func SignedIn() Policy { return Policy{kind: signedIn} }

// Requires lets in who has a permission in their workspace.
func Requires(permission auth.Permission) Policy {
	return Policy{kind: permitted, permission: permission}
}

// String says what the policy wants: "public", "signed-in", or the permission.
func (p Policy) String() string {
	switch p.kind {
	case public:
		return "public"
	case signedIn:
		return "signed-in"
	case permitted:
		return string(p.permission)
	case unsaid:
	}
	return ""
}

func (p Policy) valid() bool { return p.kind != unsaid && (p.kind != permitted || p.permission != "") }

// admit refuses who may not use the route; who is nil where nobody is known.
func (p Policy) admit(who *auth.Principal) error {
	switch {
	case p.kind == public:
		return nil
	case p.kind == permitted:
		return who.Require(p.permission)
	case who == nil || who.Kind == "":
		return flowforge.Errorf(auth.CodeUnauthenticated, "sign in, or send an API key")
	}
	return nil
}

// identify asks the Authenticators who sends a request.
func (s *service) identify(r *http.Request) (*auth.Principal, error) {
	for _, authenticator := range s.Authenticators {
		who, err := authenticator.Authenticate(r)
		if err != nil || who != nil {
			return who, err
		}
	}
	return nil, nil //nolint:nilnil // Nobody is known, which only some routes refuse.
}

// call is what the guard of a route has learned before its handler is called.
type call struct {
	who   *auth.Principal // nil: nobody is known
	body  []byte
	media string // the body's media type
	etag  string // what If-None-Match or If-Match said, see conditions
}

// workspace gives the workspace of who asks. No route has another way to one.
func (c *call) workspace() flowforge.Workspace {
	if c.who == nil {
		return ""
	}
	return c.who.Workspace
}

type callKey struct{}

// callOf gives what the guard has learned.
func callOf(ctx context.Context) *call {
	known, _ := ctx.Value(callKey{}).(*call)
	if known == nil {
		return &call{}
	}
	return known
}

// guard admits who may use a route, and reads the body before anybody looks at it.
func (s *service) guard(r route) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		request, w, _ := humahttprouter.Unwrap(ctx)
		known := &call{}
		var err error
		if r.policy.kind != public {
			if known.who, err = s.identify(request); err == nil {
				err = r.policy.admit(known.who)
			}
		}
		if err == nil && r.body != nil {
			known.body, known.media, err = s.readBody(w, request, r)
		}
		if err == nil && r.conditional {
			known.etag, err = condition(request, r.method)
		}
		if err != nil {
			s.refuse(w, request, err)
			return
		}
		next(huma.WithValue(unescaped{ctx}, callKey{}, known))
	}
}
