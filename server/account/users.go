package account

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// newUserBody is a user to be made by an admin.
type newUserBody struct {
	PersonBody

	Admin bool `json:"admin,omitempty" doc:"Whether they are an admin of the installation, too."`
}

// newPasswordBody is a password set by an admin.
type newPasswordBody struct {
	Password string `json:"password" maxLength:"1024" format:"password" writeOnly:"true" doc:"From 12 to 128 characters."`
}

// NamedUser is what requests about one user say.
type NamedUser struct {
	User auth.UserID `path:"user" maxLength:"100" doc:"Their id."`
}

func (s *service) addUsers() {
	of := func(method, path, id, summary, text string, codes ...flowforge.Code) rest.Route {
		return about(method, "/admin/users"+path, id, "users", summary, text, rest.Admin(), codes...)
	}
	const gone = flowforge.CodeNotFound
	rest.Add(s.api, of(http.MethodGet, "", "list-users", "List users", "In order of their ids."), s.users)
	rest.Add(s.api, making(of(http.MethodPost, "", "create-user", "Make a user", "", flowforge.CodeConflict, flowforge.CodeInvalidInput,
		auth.CodeWeakPassword), newUserBody{PersonBody: PersonBody{"grace@example.com", "Grace", examplePassword}}), s.createUser)
	rest.Add(s.api, of(http.MethodPost, "/{user}/disable", "disable-user", "Keep a user out",
		"All sessions of theirs end, and keys that act for them.",
		gone, flowforge.CodeConflict), s.disableUser)
	rest.Add(s.api, of(http.MethodPost, "/{user}/enable", "enable-user", "Let a user in again", "", gone, flowforge.CodeConflict),
		s.enableUser)
	rest.Add(s.api, taking(of(http.MethodPost, "/{user}/password", "set-password", "Set a user's password",
		"All sessions of theirs end.", gone,
		auth.CodeWeakPassword), newPasswordBody{examplePassword}), s.setPassword)
	rest.Add(s.api, of(http.MethodPost, "/{user}/reset-second-factor", "reset-second-factor", "End a second factor that is lost", "",
		gone), s.resetFactor)
}

func (s *service) users(ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[userView], error) {
	const kind = "users"
	after, err := in.After(kind)
	if err != nil {
		return nil, err
	}
	found, err := s.Identity.ListUsers(ctx, c.Who, auth.UserID(after), in.Limit+1)
	return rest.Page(in, kind, found, viewOfUser, func(last *auth.User, _ int) string { return string(last.ID) }), err
}

func (s *service) createUser(ctx context.Context, c *rest.Call, _ *struct{}, body *newUserBody) (*rest.Answer[userView], error) {
	made, err := s.Identity.CreateUser(ctx, c.Who, body.user(), body.Admin)
	return rest.AnswerOf(viewOfUser(&made)), err
}

func (s *service) disableUser(ctx context.Context, c *rest.Call, in *NamedUser, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.SetDisabled(ctx, c.Who, in.User, true)
}

func (s *service) enableUser(ctx context.Context, c *rest.Call, in *NamedUser, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.SetDisabled(ctx, c.Who, in.User, false)
}

func (s *service) setPassword(ctx context.Context, c *rest.Call, in *NamedUser, body *newPasswordBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.SetPassword(ctx, c.Who, in.User, body.Password)
}

func (s *service) resetFactor(ctx context.Context, c *rest.Call, in *NamedUser, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.ResetFactor(ctx, c.Who, in.User)
}
