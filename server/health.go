package server

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge/auth"
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
	add(s, route{
		method: http.MethodGet, path: "/health", id: "get-health", tag: "server", summary: "Whether the server is there",
		about: "It says nothing about workers or the store.", policy: Public(),
	}, func(context.Context, *call, *struct{}, *none) (*answer[health], error) {
		return &answer[health]{health{"alive"}}, nil
	})
	add(s, route{
		method: http.MethodGet, path: "/me", id: "get-me", tag: "server", summary: "Who asks, and what they may do",
		policy: SignedIn(),
	}, func(_ context.Context, c *call, _ *struct{}, _ *none) (*answer[whoami], error) {
		return &answer[whoami]{whoami{
			Kind: c.who.Kind, User: c.who.User, Name: c.who.Name, Workspace: string(c.who.Workspace), Role: c.who.Role,
			Permissions: append([]auth.Permission{}, c.who.Permissions...),
		}}, nil
	})
}
