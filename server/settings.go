package server

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// variableBody is the value of a variable.
type variableBody struct {
	Value flowforge.Value `json:"value"`
}

// variables is all variables of a workspace.
type variables struct {
	Variables map[string]flowforge.Value `json:"variables" doc:"By name."`
}

// NamedVariable is what requests about one variable say.
type NamedVariable struct {
	Name string `path:"name" maxLength:"200" doc:"The variable's name, as expressions have it after vars."`
}

// retentionBody says how long finished runs are kept.
type retentionBody struct {
	Keep map[flowforge.RunStatus]flowforge.Duration `json:"keep" doc:"By status: succeeded, failed, canceled, timed_out. Runs of one that is not named are kept for ever."`
}

func (s *service) addSettings() {
	about := func(method, path, id, summary, text string, permission auth.Permission, codes ...flowforge.Code) route {
		return route{
			method: method, path: path, id: id, tag: "settings", summary: summary, about: text,
			policy: Requires(permission), codes: codes,
		}
	}
	const variable = "/variables/{name}"
	add(s, about(http.MethodGet, "/variables", "list-variables", "List the variables", "All of them, with their values.",
		auth.VariableRead), s.listVariables)
	put := about(http.MethodPut, variable, "set-variable", "Set a variable", "Runs that start from now on read it as `vars.NAME`.",
		auth.VariableEdit, flowforge.CodeInvalidInput)
	put.body = &body{example: map[string]any{"value": 42}}
	add(s, put, s.setVariable)
	add(s, about(http.MethodDelete, variable, "delete-variable", "Delete a variable", "", auth.VariableEdit, flowforge.CodeNotFound),
		s.deleteVariable)
	add(s, about(http.MethodGet, "/quota", "get-quota", "Get the limits of the workspace", "Zero is no limit.",
		auth.WorkspaceRead), s.getQuota)
	quota := about(http.MethodPut, "/quota", "set-quota", "Set the limits of the workspace", "Zero is no limit.",
		auth.WorkspaceManage, flowforge.CodeInvalidInput)
	quota.body = &body{example: map[string]any{"weight": 2, "queued": 1000, "running": 50}}
	add(s, quota, s.setQuota)
	add(s, about(http.MethodGet, "/retention", "get-retention", "How long finished runs are kept", "", auth.WorkspaceRead), s.getRetention)
	retention := about(http.MethodPut, "/retention", "set-retention", "Say how long finished runs are kept", "",
		auth.WorkspaceManage, flowforge.CodeInvalidInput)
	retention.body = &body{example: map[string]any{"keep": map[string]any{"succeeded": "7d", "failed": "30d"}}}
	add(s, retention, s.setRetention)
}

func (s *service) listVariables(ctx context.Context, c *call, _ *struct{}, _ *none) (*answer[variables], error) {
	all, err := s.engine.Variables(ctx, c.workspace())
	if all == nil {
		all = make(map[string]flowforge.Value)
	}
	return &answer[variables]{variables{all}}, err
}

func (s *service) setVariable(ctx context.Context, c *call, in *NamedVariable, body *variableBody) (*empty, error) {
	return &empty{}, s.engine.SetVariable(ctx, c.workspace(), in.Name, body.Value)
}

func (s *service) deleteVariable(ctx context.Context, c *call, in *NamedVariable, _ *none) (*empty, error) {
	return &empty{}, s.engine.DeleteVariable(ctx, c.workspace(), in.Name)
}

func (s *service) getQuota(ctx context.Context, c *call, _ *struct{}, _ *none) (*answer[store.Quota], error) {
	quota, err := s.engine.Quota(ctx, c.workspace())
	return &answer[store.Quota]{quota}, err
}

func (s *service) setQuota(ctx context.Context, c *call, _ *struct{}, body *store.Quota) (*answer[store.Quota], error) {
	return &answer[store.Quota]{*body}, s.engine.SetQuota(ctx, c.workspace(), *body)
}

func (s *service) getRetention(ctx context.Context, c *call, _ *struct{}, _ *none) (*answer[retentionBody], error) {
	kept, err := s.engine.Retention(ctx, c.workspace())
	out := retentionBody{Keep: make(map[flowforge.RunStatus]flowforge.Duration, len(kept))}
	for status, age := range kept {
		out.Keep[status] = flowforge.Duration(age)
	}
	return &answer[retentionBody]{out}, err
}

func (s *service) setRetention(ctx context.Context, c *call, _ *struct{}, body *retentionBody) (*answer[retentionBody], error) {
	keep := make(map[flowforge.RunStatus]time.Duration, len(body.Keep))
	for status, age := range body.Keep {
		keep[status] = age.Std()
	}
	return &answer[retentionBody]{*body}, s.engine.SetRetention(ctx, c.workspace(), keep)
}
