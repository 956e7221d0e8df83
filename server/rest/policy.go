package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

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
	admins
	persons
)

// Public lets everybody in.
func Public() Policy { return Policy{kind: public} }

// SignedIn lets in everybody who is known, whatever they may do.
func SignedIn() Policy { return Policy{kind: signedIn} }

// Requires lets in who has a permission in their workspace.
func Requires(permission auth.Permission) Policy {
	return Policy{kind: permitted, permission: permission}
}

// Admin lets in admins of the installation, for what concerns no workspace.
func Admin() Policy { return Policy{kind: admins} }

// Person lets in people who have signed in, but no keys: it is about their own account.
func Person() Policy { return Policy{kind: persons} }

// String says what the policy wants: "public", "signed-in", "person", "admin", or the permission.
func (p Policy) String() string {
	switch p.kind {
	case public:
		return "public"
	case signedIn:
		return "signed-in"
	case persons:
		return "person"
	case admins:
		return "admin"
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
	case p.kind == persons && (who.Kind != auth.KindUser || who.Session == ""):
		return flowforge.Errorf(auth.CodeForbidden, "this is done by a person who has signed in, not with a key")
	case p.kind == admins && !who.Admin:
		return flowforge.Errorf(auth.CodeForbidden, "this is done by an admin of the installation")
	}
	return nil
}

// identify asks the Authenticators who sends a request.
func (s *Server) identify(r *http.Request) (*auth.Principal, error) {
	for _, authenticator := range s.Authenticators {
		who, err := authenticator.Authenticate(r)
		if err != nil || who != nil {
			return who, err
		}
	}
	return nil, nil //nolint:nilnil // Nobody is known, which only some routes refuse.
}

// Call is what the guard of a route has learned before its handler is called.
type Call struct {
	Who   *auth.Principal // nil: nobody is known
	Body  []byte
	media string // the body's media type
	Etag  string // what If-None-Match or If-Match said, see conditions

	request *http.Request
}

// Cookie gives the value of a cookie; "": there is none.
func (c *Call) Cookie(name string) string {
	cookie, err := c.request.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// Revision reads an ETag that is a count of changes; 0: whatever there is.
func (c *Call) Revision() (int64, error) {
	if c.Etag == "" {
		return 0, nil
	}
	revision, err := strconv.ParseInt(c.Etag, 10, 64)
	if err != nil || revision < 1 {
		return 0, flowforge.Errorf(flowforge.CodeChanged, "the header If-Match is not an ETag of this")
	}
	return revision, nil
}

// Workspace gives the workspace of who asks. No route has another way to one.
func (c *Call) Workspace() flowforge.Workspace {
	if c.Who == nil {
		return ""
	}
	return c.Who.Workspace
}

// Fingerprint tells requests of the same key apart.
func (c *Call) Fingerprint(operation string, about ...string) string {
	sum := sha256.New()
	for _, part := range append(about, operation, string(c.Body)) {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(part), part) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// entry is what the audit log says of who asks, if what is asked for changes configuration.
func (c *Call) entry(ctx context.Context, action string) auth.Entry {
	client := auth.ClientOf(ctx)
	return auth.Entry{
		Workspace: c.Who.Workspace, At: time.Now().UTC(), Kind: c.Who.Kind, User: c.Who.User, Session: c.Who.Session,
		Key: c.Who.Key, Action: action, Address: client.Address, Request: client.Request,
	}
}

type callKey struct{}

// callOf gives what the guard has learned.
func callOf(ctx context.Context) *Call {
	known, _ := ctx.Value(callKey{}).(*Call)
	if known == nil {
		return &Call{}
	}
	return known
}

// guard admits who may use a route, and reads the body before anybody looks at it.
func (s *Server) guard(r Route) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		request, w, _ := humahttprouter.Unwrap(ctx)
		known := &Call{request: request}
		var err error
		if r.Policy.kind != public {
			if known.Who, err = s.identify(request); err == nil {
				err = r.Policy.admit(known.Who)
			}
		}
		if err == nil && r.Body != nil {
			known.Body, known.media, err = s.readBody(w, request, r)
		}
		if err == nil && r.Conditional {
			known.Etag, err = condition(request, r.Method)
		}
		if err != nil {
			s.refuse(w, request, err)
			return
		}
		next(huma.WithValue(unescaped{ctx}, callKey{}, known))
	}
}
