package account

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// all is a list that is short enough to be given at once.
type all[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

// userView is a person as they, and admins, see them.
type userView struct {
	ID           auth.UserID `json:"id"`
	Email        string      `json:"email"`
	Name         string      `json:"name"`
	Verified     bool        `json:"verified" doc:"The address is theirs."`
	Admin        bool        `json:"admin,omitempty" doc:"Of the installation."`
	Disabled     bool        `json:"disabled,omitempty"`
	SecondFactor bool        `json:"second_factor" doc:"Whether a code is asked for at login."`
	CreatedAt    time.Time   `json:"created_at"`
	SignedInAt   time.Time   `json:"signed_in_at,omitzero"`
}

func viewOfUser(u *auth.User) userView {
	return userView{
		ID: u.ID, Email: u.Email, Name: u.Name, Verified: u.Verified, Admin: u.Admin, Disabled: u.Disabled,
		SecondFactor: u.TOTPConfirmed, CreatedAt: u.CreatedAt, SignedInAt: u.SignedInAt,
	}
}

// nameBody says what somebody or something is called.
type nameBody struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
}

// passwordBody replaces a password.
type passwordBody struct {
	Present string `json:"present_password" maxLength:"1024" format:"password" writeOnly:"true"`
	Next    string `json:"new_password" maxLength:"1024" format:"password" writeOnly:"true" doc:"From 12 to 128 characters."`
}

// sessionView is a session as its person sees it.
type sessionView struct {
	ID        auth.SessionID `json:"id"`
	Present   bool           `json:"present,omitempty" doc:"It is the one that asks."`
	Agent     string         `json:"agent,omitempty" doc:"What they signed in with, as it calls itself."`
	Address   string         `json:"address,omitempty" doc:"From where they signed in."`
	CreatedAt time.Time      `json:"created_at"`
	UsedAt    time.Time      `json:"used_at"`
	ExpiresAt time.Time      `json:"expires_at" doc:"When it is over, whether it is used or not."`
}

// NamedSession is what requests about one session say.
type NamedSession struct {
	Session auth.SessionID `path:"session" maxLength:"100"`
}

func (s *service) addPerson() {
	mine := func(method, path, id, summary, text string, codes ...flowforge.Code) rest.Route {
		return about(method, "/account"+path, id, "account", summary, text, rest.Person(), codes...)
	}
	rest.Add(s.api, mine(http.MethodGet, "", "get-account", "Get one's own account", "Of a person who has signed in, not of a key."), s.me)
	rest.Add(s.api, taking(mine(http.MethodPatch, "", "rename-account", "Change one's name", "", flowforge.CodeInvalidInput),
		nameBody{"Ada Lovelace"}), s.rename)
	rest.Add(s.api, taking(mine(http.MethodPost, "/password", "change-password", "Change one's password",
		"All other sessions end, and all access tokens: refresh the present one.", auth.CodeWeakPassword),
		passwordBody{examplePassword, "eight blue bicycles"}), s.changePassword)
	rest.Add(s.api, mine(http.MethodGet, "/sessions", "list-sessions", "List one's sessions", "The newest first."), s.sessions)
	rest.Add(s.api, mine(http.MethodDelete, "/sessions/{session}", "end-session", "End one of one's sessions", "",
		flowforge.CodeNotFound), s.endSession)
	rest.Add(s.api, mine(http.MethodDelete, "/sessions", "end-other-sessions", "End all of one's sessions but the present one", ""),
		s.endOthers)
}

func (s *service) me(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[userView], error) {
	user, err := s.Identity.Me(ctx, c.Who)
	return rest.AnswerOf(viewOfUser(&user)), err
}

func (s *service) rename(ctx context.Context, c *rest.Call, _ *struct{}, body *nameBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.Rename(ctx, c.Who, body.Name)
}

func (s *service) changePassword(ctx context.Context, c *rest.Call, _ *struct{}, body *passwordBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.ChangePassword(ctx, c.Who, body.Present, body.Next)
}

func (s *service) sessions(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[all[sessionView]], error) {
	found, err := s.Identity.Sessions(ctx, c.Who)
	list := all[sessionView]{Items: make([]sessionView, len(found))}
	for i, session := range found {
		list.Items[i] = sessionView{
			ID: session.ID, Present: session.ID == c.Who.Session, Agent: session.Agent, Address: session.Address,
			CreatedAt: session.CreatedAt, UsedAt: session.UsedAt, ExpiresAt: session.ExpiresAt,
		}
	}
	return rest.AnswerOf(list), err
}

func (s *service) endSession(ctx context.Context, c *rest.Call, in *NamedSession, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.RevokeSession(ctx, c.Who, in.Session)
}

func (s *service) endOthers(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.RevokeOthers(ctx, c.Who)
}
