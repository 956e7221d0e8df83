package account

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// InvitationView is an invitation without its token.
type InvitationView struct {
	ID        string      `json:"id"`
	Email     string      `json:"email"`
	Role      auth.Role   `json:"role"`
	InvitedBy auth.UserID `json:"invited_by"`
	CreatedAt time.Time   `json:"created_at"`
	ExpiresAt time.Time   `json:"expires_at"`
}

func viewOfInvitation(i *auth.Invitation) InvitationView {
	return InvitationView{ID: i.ID, Email: i.Email, Role: i.Role, InvitedBy: i.InvitedBy, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt}
}

// freshInvitation is one that was made just now.
type freshInvitation struct {
	InvitationView

	Token string `json:"token" doc:"For where there are no mails: give it to whom it is for. It is shown once."`
}

// inviteBody says who is to become a member.
type inviteBody struct {
	RoleBody

	Email string `json:"email" maxLength:"254" doc:"Only the owner of the address can accept."`
}

// NamedInvitation is what requests about one invitation say.
type NamedInvitation struct {
	Invitation string `path:"invitation" maxLength:"100" doc:"Its id."`
}

// joinBody registers whoever has the token of an invitation.
type joinBody struct {
	TokenBody

	Name     string `json:"name" minLength:"1" maxLength:"200"`
	Password string `json:"password" maxLength:"1024" format:"password" writeOnly:"true" doc:"From 12 to 128 characters."`
}

func (s *service) addInvitations() {
	const tag = "workspaces"
	manages := rest.Requires(auth.MemberManage)
	rest.Add(s.api, about(http.MethodGet, "/invitations", "list-invitations", tag, "List the open invitations", "", manages), s.invitations)
	rest.Add(s.api, making(about(http.MethodPost, "/invitations", "create-invitation", tag, "Invite somebody",
		"They are told by mail, where there are mails.",
		manages, flowforge.CodeInvalidInput), inviteBody{RoleBody{auth.RoleEditor}, "grace@example.com"}), s.invite)
	rest.Add(s.api, about(http.MethodDelete, "/invitations/{invitation}", "withdraw-invitation", tag, "Withdraw an invitation", "", manages,
		flowforge.CodeNotFound), s.withdraw)
	rest.Add(s.api, taking(about(http.MethodPost, "/auth/accept-invitation", "accept-invitation", tag, "Accept an invitation",
		"As the person whose address it is to.", rest.Person(), flowforge.CodeNotFound, flowforge.CodeConflict),
		TokenBody{exampleToken}), s.accept)
	rest.Add(s.api, making(about(http.MethodPost, "/auth/join", "join", tag, "Register by an invitation",
		"For who is not registered yet: the address is the invitation's.", rest.Public(), flowforge.CodeNotFound, flowforge.CodeConflict,
		flowforge.CodeInvalidInput, auth.CodeWeakPassword, auth.CodeForbidden),
		joinBody{TokenBody{exampleToken}, "Grace", examplePassword}), s.join)
}

func (s *service) invitations(ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[InvitationView], error) {
	const kind = "invitations"
	after, err := in.After(kind)
	if err != nil {
		return nil, err
	}
	found, err := s.Identity.Invitations(ctx, c.Who, after, in.Limit+1)
	return rest.Page(in, kind, found, viewOfInvitation, func(last *auth.Invitation, _ int) string { return last.ID }), err
}

func (s *service) invite(ctx context.Context, c *rest.Call, _ *struct{}, body *inviteBody) (*rest.Answer[freshInvitation], error) {
	made, opaque, err := s.Identity.Invite(ctx, c.Who, body.Email, body.Role)
	return rest.AnswerOf(freshInvitation{viewOfInvitation(&made), opaque}), err
}

func (s *service) withdraw(ctx context.Context, c *rest.Call, in *NamedInvitation, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.Withdraw(ctx, c.Who, in.Invitation)
}

func (s *service) accept(ctx context.Context, c *rest.Call, _ *struct{}, body *TokenBody) (*rest.Answer[workspaceView], error) {
	joined, err := s.Identity.Accept(ctx, c.Who, body.Token)
	return rest.AnswerOf(viewOfWorkspace(&joined.Workspace, joined.Role)), err
}

func (s *service) join(ctx context.Context, _ *rest.Call, _ *struct{}, body *joinBody) (*rest.Answer[workspaceView], error) {
	joined, err := s.Identity.AcceptNew(ctx, body.Token, body.Name, body.Password)
	return rest.AnswerOf(viewOfWorkspace(&joined.Workspace, joined.Role)), err
}
