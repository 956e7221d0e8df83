package account

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/oauth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// providerView is a system that people sign in with.
type providerView struct {
	Name string `json:"name"`
}

// NamedProvider is what requests about one of them say.
type NamedProvider struct {
	Provider string `path:"provider" maxLength:"100" doc:"Its name, as the list has it."`
}

// begunView is where somebody signs in.
type begunView struct {
	Address string `json:"address" doc:"Where the browser goes next."`
}

// begunAnswer binds the sign-in to the browser that has begun it.
type begunAnswer struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   begunView
}

// finishBody is what the other system has sent the browser back with.
type finishBody struct {
	State     string              `json:"state" maxLength:"1000" writeOnly:"true"`
	Code      string              `json:"code" maxLength:"4000" writeOnly:"true"`
	Workspace flowforge.Workspace `json:"workspace,omitempty" maxLength:"100" doc:"As at login."`
}

func (s *service) addElsewhere() {
	const (
		tag    = "sign-in"
		finish = "The page that the other system sends the browser back to calls it with the parameters of its address, from the " +
			"browser that has begun. At the first time the account is linked to the user whose verified address it has."
	)
	rest.Add(s.api, about(http.MethodGet, "/auth/providers", "list-providers", tag, "With which other systems people sign in",
		"By OpenID Connect.", rest.Public()), s.listProviders)
	rest.Add(s.api, about(http.MethodPost, "/auth/providers/{provider}/begin", "begin-sign-in", tag, "Begin to sign in elsewhere",
		"It sets a cookie, by which only this browser can finish.", rest.Public(), flowforge.CodeNotFound, oauth.CodeProvider),
		s.beginElsewhere)
	rest.Add(s.api, taking(about(http.MethodPost, "/auth/providers/{provider}/finish", "finish-sign-in", tag, "Finish to sign in elsewhere",
		finish, rest.Public(), flowforge.CodeNotFound, auth.CodeUnauthenticated, auth.CodeForbidden, auth.CodeUnverified, oauth.CodeProvider),
		finishBody{State: exampleToken, Code: exampleToken}), s.finishElsewhere)
}

func (s *service) listProviders(context.Context, *rest.Call, *struct{}, *rest.None) (*rest.Answer[all[providerView]], error) {
	list := all[providerView]{Items: []providerView{}}
	for _, name := range slices.Sorted(maps.Keys(s.SignIn)) {
		list.Items = append(list.Items, providerView{name})
	}
	return rest.AnswerOf(list), nil
}

func (s *service) provider(name string) (*oauth.Provider, error) {
	provider := s.SignIn[name]
	if provider == nil {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no such provider")
	}
	return provider, nil
}

// cookieName gives what the browser keeps its secret under. Of the prefixed name browsers know that it is only for this
// host, and only for https.
func (s *service) cookieName() string {
	if s.Secure {
		return "__Host-flowforge-sign-in"
	}
	return "flowforge-sign-in"
}

func (s *service) cookie(secret string, seconds int) http.Cookie {
	return http.Cookie{ //nolint:gosec // Without https a cookie that is for https alone would be lost.
		Name: s.cookieName(), Value: secret, Path: "/", MaxAge: seconds, Secure: s.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func (s *service) beginElsewhere(ctx context.Context, _ *rest.Call, in *NamedProvider, _ *rest.None) (*begunAnswer, error) {
	provider, err := s.provider(in.Provider)
	if err != nil {
		return nil, err
	}
	address, secret, err := provider.Begin(ctx)
	const seconds = 600
	return &begunAnswer{Cookie: s.cookie(secret, seconds), Body: begunView{address}}, err
}

func (s *service) finishElsewhere(
	ctx context.Context, c *rest.Call, in *NamedProvider, body *finishBody,
) (*rest.Answer[tokensView], error) {
	provider, err := s.provider(in.Provider)
	if err != nil {
		return nil, err
	}
	who, err := provider.Finish(ctx, c.Cookie(s.cookieName()), body.State, body.Code)
	if err != nil {
		return nil, err
	}
	return viewOfTokens(s.Identity.SignInElsewhere(ctx, who, body.Workspace))
}
