package account

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// memberView is a member as others see them.
type memberView struct {
	User     auth.UserID   `json:"user" doc:"The id of the person or the service account."`
	Kind     auth.UserKind `json:"kind" enum:"person,service"`
	Email    string        `json:"email,omitempty"`
	Name     string        `json:"name"`
	Role     auth.Role     `json:"role"`
	Disabled bool          `json:"disabled,omitempty"`
	AddedAt  time.Time     `json:"added_at"`
}

func viewOfMember(m *auth.Member) memberView {
	return memberView{User: m.User, Kind: m.Kind, Email: m.Email, Name: m.Name, Role: m.Role, Disabled: m.Disabled, AddedAt: m.AddedAt}
}

// NamedMember is what requests about one member say.
type NamedMember struct {
	User auth.UserID `path:"user" maxLength:"100" doc:"The id of the person or the service account."`
}

// RoleBody says what somebody may do.
type RoleBody struct {
	Role auth.Role `json:"role" enum:"owner,admin,editor,operator,viewer" doc:"Nobody gives one with permissions that they lack."`
}

// serviceBody is a service account to be made.
type serviceBody struct {
	RoleBody

	Name string `json:"name" minLength:"1" maxLength:"200"`
}

// roleView is a role with what it means.
type roleView struct {
	Role        auth.Role         `json:"role"`
	Permissions []auth.Permission `json:"permissions" nullable:"false"`
}

func (s *service) addMembers() {
	const tag = "workspaces"
	rest.Add(s.api, about(http.MethodGet, "/roles", "list-roles", tag, "List the roles",
		"With the permissions of each, the most powerful first.",
		rest.SignedIn()), s.roles)
	rest.Add(s.api, about(http.MethodGet, "/members", "list-members", tag, "List the members",
		"People and service accounts, in order of their ids.",
		rest.Requires(auth.MemberRead)), s.members)
	rest.Add(s.api, taking(about(http.MethodPatch, "/members/{user}", "change-member", tag, "Give a member another role",
		"A workspace keeps an owner.",
		rest.Requires(auth.MemberManage), flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidInput),
		RoleBody{auth.RoleEditor}), s.changeMember)
	rest.Add(s.api, about(http.MethodDelete, "/members/{user}", "remove-member", tag, "End a membership",
		"One's own, or with `member:manage` others' of no more power.", rest.SignedIn(), auth.CodeForbidden, flowforge.CodeNotFound,
		flowforge.CodeConflict), s.removeMember)
	rest.Add(s.api, making(about(http.MethodPost, "/service-accounts", "create-service-account", tag, "Make a service account",
		"A member for API keys: it signs in nowhere.", rest.Requires(auth.MemberManage), flowforge.CodeInvalidInput),
		serviceBody{RoleBody{auth.RoleEditor}, "deployments"}), s.createService)
}

func (s *service) roles(context.Context, *rest.Call, *struct{}, *rest.None) (*rest.Answer[all[roleView]], error) {
	list := all[roleView]{}
	for _, role := range auth.Roles() {
		list.Items = append(list.Items, roleView{role, role.Permissions()})
	}
	return rest.AnswerOf(list), nil
}

func (s *service) members(ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[memberView], error) {
	const kind = "members"
	after, err := in.After(kind)
	if err != nil {
		return nil, err
	}
	found, err := s.Identity.Members(ctx, c.Who, auth.UserID(after), in.Limit+1)
	return rest.Page(in, kind, found, viewOfMember, func(last *auth.Member, _ int) string { return string(last.User) }), err
}

func (s *service) changeMember(ctx context.Context, c *rest.Call, in *NamedMember, body *RoleBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.SetRole(ctx, c.Who, in.User, body.Role)
}

func (s *service) removeMember(ctx context.Context, c *rest.Call, in *NamedMember, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.RemoveMember(ctx, c.Who, in.User)
}

func (s *service) createService(ctx context.Context, c *rest.Call, _ *struct{}, body *serviceBody) (*rest.Answer[memberView], error) {
	made, err := s.Identity.CreateService(ctx, c.Who, body.Name, body.Role)
	return rest.AnswerOf(memberView{User: made.ID, Kind: made.Kind, Name: made.Name, Role: body.Role, AddedAt: made.CreatedAt}), err
}
