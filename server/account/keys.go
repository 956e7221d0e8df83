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

// KeyView is an API key without its secret.
type KeyView struct {
	ID        auth.KeyID       `json:"id" doc:"The part of the key that is no secret."`
	Name      string           `json:"name"`
	User      auth.UserID      `json:"user" doc:"For whom it acts: a person, or a service account."`
	CreatedBy auth.UserID      `json:"created_by"`
	Scopes    auth.Permissions `json:"scopes" nullable:"false"`
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt time.Time        `json:"expires_at,omitzero" doc:"Absent: never."`
	UsedAt    time.Time        `json:"used_at,omitzero" doc:"To the minute; absent: never."`
	RevokedAt time.Time        `json:"revoked_at,omitzero"`
}

func viewOfKey(k *auth.APIKey) KeyView {
	return KeyView{
		ID: k.ID, Name: k.Name, User: k.User, CreatedBy: k.CreatedBy, Scopes: k.Scopes, CreatedAt: k.CreatedAt,
		ExpiresAt: k.ExpiresAt, UsedAt: k.UsedAt, RevokedAt: k.RevokedAt,
	}
}

// freshKey is a key that was made just now.
type freshKey struct {
	KeyView

	Key string `json:"key" doc:"The whole of it, to be sent as Authorization: Bearer. It is shown once."`
}

// keyBody is a key to be made.
type keyBody struct {
	Name      string           `json:"name" minLength:"1" maxLength:"200"`
	Scopes    auth.Permissions `json:"scopes" minItems:"1" maxItems:"100" nullable:"false" doc:"What it may do: permissions, of those that its maker has."`
	ExpiresAt time.Time        `json:"expires_at,omitzero" doc:"Absent: never."`
	Service   auth.UserID      `json:"service_account,omitempty" maxLength:"100" doc:"For whom it is to act; absent: the person who asks."`
}

// NamedKey is what requests about one key say.
type NamedKey struct {
	Key auth.KeyID `path:"key" maxLength:"100" doc:"Its id."`
}

func (s *service) addKeys() {
	const tag = "keys"
	may := rest.Requires(auth.KeyManage)
	rest.Add(s.api, about(http.MethodGet, "/api-keys", "list-api-keys", tag, "List API keys",
		"One's own; with `member:manage` all of the workspace.",
		may), s.keys)
	rest.Add(s.api, making(about(http.MethodPost, "/api-keys", "create-api-key", tag, "Make an API key",
		"What it may do is what its scopes, whom it acts for and who made it have in common just now. Keys do not make keys.",
		may, flowforge.CodeNotFound, flowforge.CodeInvalidInput),
		keyBody{Name: "ci", Scopes: auth.Permissions{auth.WorkflowExecute, auth.RunRead}}), s.createKey)
	rest.Add(s.api, about(http.MethodDelete, "/api-keys/{key}", "revoke-api-key", tag, "Revoke an API key", "", may, flowforge.CodeNotFound),
		s.revokeKey)
}

func (s *service) keys(ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[KeyView], error) {
	const kind = "api-keys"
	after, err := in.After(kind)
	if err != nil {
		return nil, err
	}
	found, err := s.Identity.Keys(ctx, c.Who, auth.KeyID(after), in.Limit+1)
	return rest.Page(in, kind, found, viewOfKey, func(last *auth.APIKey, _ int) string { return string(last.ID) }), err
}

func (s *service) createKey(ctx context.Context, c *rest.Call, _ *struct{}, body *keyBody) (*rest.Answer[freshKey], error) {
	made, whole, err := s.Identity.CreateKey(ctx, c.Who, identity.NewKey{
		Name: body.Name, Scopes: body.Scopes, ExpiresAt: body.ExpiresAt, User: body.Service,
	})
	return rest.AnswerOf(freshKey{viewOfKey(&made), whole}), err
}

func (s *service) revokeKey(ctx context.Context, c *rest.Call, in *NamedKey, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.RevokeKey(ctx, c.Who, in.Key)
}
