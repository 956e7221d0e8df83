package account

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/server/rest"
)

// PersonBody is who is to be made.
type PersonBody struct {
	Email    string `json:"email" maxLength:"254" doc:"By which they sign in."`
	Name     string `json:"name" minLength:"1" maxLength:"200" doc:"For people to read."`
	Password string `json:"password" maxLength:"1024" format:"password" writeOnly:"true" doc:"From 12 to 128 characters."`
}

func (b *PersonBody) user() identity.NewUser {
	return identity.NewUser{Email: b.Email, Name: b.Name, Password: b.Password}
}

// setupBody makes the first admin.
type setupBody struct {
	PersonBody

	Token     string `json:"token" maxLength:"200" writeOnly:"true" doc:"The one-time token that the server printed when it was started."`
	Workspace string `json:"workspace" minLength:"1" maxLength:"200" doc:"What the first workspace is called."`
}

// loginBody is what somebody proves with who they are.
type loginBody struct {
	Email     string              `json:"email" maxLength:"254"`
	Password  string              `json:"password" maxLength:"1024" format:"password" writeOnly:"true"`
	Code      string              `json:"code,omitempty" maxLength:"40" writeOnly:"true" doc:"Of the authenticator app, or a recovery code; asked for with the code second_factor_required."`
	Workspace flowforge.Workspace `json:"workspace,omitempty" maxLength:"100" doc:"The id of the one that the tokens are for; absent: the only one they are in."`
}

// tokensView is what a session is used with.
type tokensView struct {
	Access    string              `json:"access_token" doc:"Sent as Authorization: Bearer."`
	Type      string              `json:"token_type" enum:"Bearer"`
	ExpiresAt time.Time           `json:"expires_at" doc:"Of the access token."`
	Refresh   string              `json:"refresh_token,omitempty" doc:"For the next tokens, once."`
	Session   auth.SessionID      `json:"session"`
	User      auth.UserID         `json:"user"`
	Workspace flowforge.Workspace `json:"workspace,omitempty" doc:"That the access token is for; absent: none, choose one by entering it."`
}

func viewOfTokens(t identity.Tokens, err error) (*rest.Answer[tokensView], error) {
	return rest.AnswerOf(tokensView{
		Access: t.Access, Type: "Bearer", ExpiresAt: t.ExpiresAt, Refresh: t.Refresh, Session: t.Session, User: t.User, Workspace: t.Workspace,
	}), err
}

// refreshBody asks for the next tokens.
type refreshBody struct {
	Refresh   string              `json:"refresh_token" maxLength:"200" writeOnly:"true"`
	Workspace flowforge.Workspace `json:"workspace,omitempty" maxLength:"100" doc:"As at login."`
}

// emailBody names an address.
type emailBody struct {
	Email string `json:"email" maxLength:"254"`
}

// TokenBody is the token of a mail.
type TokenBody struct {
	Token string `json:"token" maxLength:"200" writeOnly:"true" doc:"What stands after # in the link of the mail."`
}

// resetBody sets another password.
type resetBody struct {
	TokenBody

	Password string `json:"password" maxLength:"1024" format:"password" writeOnly:"true" doc:"From 12 to 128 characters."`
}

// What stands in examples.
const (
	examplePassword = "seven green bicycles"
	exampleToken    = "…"
)

func (s *service) addSignIn() {
	public := func(path, id, summary, text string, codes ...flowforge.Code) rest.Route {
		return about(http.MethodPost, path, id, "sign-in", summary, text, rest.Public(), codes...)
	}
	ada := PersonBody{"ada@example.com", "Ada", examplePassword}
	rest.Add(s.api, making(public("/setup", "set-up", "Make the first admin",
		"With the one-time token that the server prints when there is nobody yet. The first workspace is made, too.",
		flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidInput, auth.CodeWeakPassword),
		setupBody{ada, exampleToken, "Acme"}), s.setUp)
	register := taking(public("/auth/register", "register", "Register",
		"Where the installation lets anybody in. The answer is the same for an address that is registered; its owner is told by mail.",
		auth.CodeForbidden, flowforge.CodeConflict, flowforge.CodeInvalidInput, auth.CodeWeakPassword), ada)
	register.Status = http.StatusAccepted
	rest.Add(s.api, register, s.register)
	rest.Add(s.api, taking(public("/auth/verify-email", "verify-email", "Prove that an address is yours", "",
		flowforge.CodeNotFound), TokenBody{exampleToken}), s.verifyEmail)
	rest.Add(s.api, taking(public("/auth/login", "log-in", "Sign in", "It begins a session and gives its first tokens.",
		auth.CodeUnauthenticated, auth.CodeSecondFactor, auth.CodeUnverified, flowforge.CodeNotFound),
		loginBody{Email: ada.Email, Password: ada.Password}), s.logIn)
	rest.Add(s.api, taking(public("/auth/refresh", "refresh-tokens", "Get the next tokens",
		"A refresh token can be used once. Using one again ends its session, since one of the two who have it is a thief.",
		auth.CodeUnauthenticated, auth.CodeReused), refreshBody{Refresh: exampleToken}), s.refresh)
	rest.Add(s.api, about(http.MethodPost, "/auth/logout", "log-out", "sign-in", "Sign out", "The session ends, with all its tokens.",
		rest.Person()), s.logOut)
	forgot := taking(public("/auth/forgot-password", "forget-password", "Ask for a mail to choose another password",
		"The answer is the same where nobody has the address.", flowforge.CodeUnsupported), emailBody{ada.Email})
	forgot.Status = http.StatusAccepted
	rest.Add(s.api, forgot, s.forgotPassword)
	rest.Add(s.api, taking(public("/auth/reset-password", "reset-password", "Choose another password with the token of a mail",
		"All sessions end.", flowforge.CodeNotFound, auth.CodeWeakPassword),
		resetBody{TokenBody{exampleToken}, examplePassword}), s.resetPassword)
}

func (s *service) setUp(ctx context.Context, _ *rest.Call, _ *struct{}, body *setupBody) (*rest.Answer[userView], error) {
	user, err := s.Identity.ClaimFirstAdmin(ctx, body.Token, body.user(), body.Workspace)
	return rest.AnswerOf(viewOfUser(&user)), err
}

func (s *service) register(ctx context.Context, _ *rest.Call, _ *struct{}, body *PersonBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.Register(ctx, body.user())
}

func (s *service) verifyEmail(ctx context.Context, _ *rest.Call, _ *struct{}, body *TokenBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.VerifyEmail(ctx, body.Token)
}

func (s *service) logIn(ctx context.Context, _ *rest.Call, _ *struct{}, body *loginBody) (*rest.Answer[tokensView], error) {
	return viewOfTokens(s.Identity.SignIn(ctx, identity.SignIn{
		Email: body.Email, Password: body.Password, Code: body.Code, Workspace: body.Workspace,
	}))
}

func (s *service) refresh(ctx context.Context, _ *rest.Call, _ *struct{}, body *refreshBody) (*rest.Answer[tokensView], error) {
	return viewOfTokens(s.Identity.Refresh(ctx, body.Refresh, body.Workspace))
}

func (s *service) logOut(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.SignOut(ctx, c.Who)
}

func (s *service) forgotPassword(ctx context.Context, _ *rest.Call, _ *struct{}, body *emailBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.AskReset(ctx, body.Email)
}

func (s *service) resetPassword(ctx context.Context, _ *rest.Call, _ *struct{}, body *resetBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.Reset(ctx, body.Token, body.Password)
}
