package server

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// health is what tells whether the server is there.
type health struct {
	Status string `json:"status" enum:"alive" example:"alive"`
}

// whoami is the principal as it sees itself.
type whoami struct {
	Kind        auth.Kind         `json:"kind"`
	User        auth.UserID       `json:"user"`
	Name        string            `json:"name,omitempty"`
	Workspace   string            `json:"workspace,omitempty"`
	Role        auth.Role         `json:"role,omitempty"`
	Permissions []auth.Permission `json:"permissions" nullable:"false"`
}

func (s *service) addHealth() {
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/health", ID: "get-health", Tag: "server", Summary: "Whether the server is there",
		About: "It says nothing about workers or the store.", Policy: rest.Public(),
	}, func(context.Context, *rest.Call, *struct{}, *rest.None) (*rest.Answer[health], error) {
		return rest.AnswerOf(health{"alive"}), nil
	})
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/me", ID: "get-me", Tag: "server", Summary: "Who asks, and what they may do",
		Policy: rest.SignedIn(),
	}, func(_ context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[whoami], error) {
		return rest.AnswerOf(whoami{
			Kind: c.Who.Kind, User: c.Who.User, Name: c.Who.Name, Workspace: string(c.Who.Workspace), Role: c.Who.Role,
			Permissions: append([]auth.Permission{}, c.Who.Permissions...),
		}), nil
	})
}
