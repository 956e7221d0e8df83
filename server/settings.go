package server

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
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
	about := func(method, path, id, summary, text string, permission auth.Permission, codes ...flowforge.Code) rest.Route {
		return rest.Route{
			Method: method, Path: path, ID: id, Tag: "settings", Summary: summary, About: text,
			Policy: rest.Requires(permission), Codes: codes,
		}
	}
	const variable = "/variables/{name}"
	rest.Add(s.Server, about(http.MethodGet, "/variables", "list-variables", "List the variables", "All of them, with their values.",
		auth.VariableRead), s.listVariables)
	put := about(http.MethodPut, variable, "set-variable", "Set a variable", "Runs that start from now on read it as `vars.NAME`.",
		auth.VariableEdit, flowforge.CodeInvalidInput)
	put.Body = &rest.Body{Example: map[string]any{"value": 42}}
	rest.Add(s.Server, put, s.setVariable)
	rest.Add(s.Server, about(http.MethodDelete, variable, "delete-variable", "Delete a variable", "", auth.VariableEdit,
		flowforge.CodeNotFound),
		s.deleteVariable)
	rest.Add(s.Server, about(http.MethodGet, "/quota", "get-quota", "Get the limits of the workspace", "Zero is no limit.",
		auth.WorkspaceRead), s.getQuota)
	quota := about(http.MethodPut, "/quota", "set-quota", "Set the limits of the workspace", "Zero is no limit.",
		auth.WorkspaceManage, flowforge.CodeInvalidInput)
	quota.Body = &rest.Body{Example: map[string]any{"weight": 2, "queued": 1000, "running": 50}}
	rest.Add(s.Server, quota, s.setQuota)
	rest.Add(s.Server, about(http.MethodGet, "/retention", "get-retention", "How long finished runs are kept", "",
		auth.WorkspaceRead), s.getRetention)
	retention := about(http.MethodPut, "/retention", "set-retention", "Say how long finished runs are kept", "",
		auth.WorkspaceManage, flowforge.CodeInvalidInput)
	retention.Body = &rest.Body{Example: map[string]any{"keep": map[string]any{"succeeded": "7d", "failed": "30d"}}}
	rest.Add(s.Server, retention, s.setRetention)
}

func (s *service) listVariables(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[variables], error) {
	all, err := s.engine.Variables(ctx, c.Workspace())
	if all == nil {
		all = make(map[string]flowforge.Value)
	}
	return rest.AnswerOf(variables{all}), err
}

func (s *service) setVariable(ctx context.Context, c *rest.Call, in *NamedVariable, body *variableBody) (*rest.Empty, error) {
	return &rest.Empty{}, s.engine.SetVariable(ctx, c.Workspace(), in.Name, body.Value)
}

func (s *service) deleteVariable(ctx context.Context, c *rest.Call, in *NamedVariable, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.engine.DeleteVariable(ctx, c.Workspace(), in.Name)
}

func (s *service) getQuota(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[store.Quota], error) {
	quota, err := s.engine.Quota(ctx, c.Workspace())
	return rest.AnswerOf(quota), err
}

func (s *service) setQuota(ctx context.Context, c *rest.Call, _ *struct{}, body *store.Quota) (*rest.Answer[store.Quota], error) {
	return rest.AnswerOf(*body), s.engine.SetQuota(ctx, c.Workspace(), *body)
}

func (s *service) getRetention(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[retentionBody], error) {
	kept, err := s.engine.Retention(ctx, c.Workspace())
	out := retentionBody{Keep: make(map[flowforge.RunStatus]flowforge.Duration, len(kept))}
	for status, age := range kept {
		out.Keep[status] = flowforge.Duration(age)
	}
	return rest.AnswerOf(out), err
}

func (s *service) setRetention(ctx context.Context, c *rest.Call, _ *struct{}, body *retentionBody) (*rest.Answer[retentionBody], error) {
	keep := make(map[flowforge.RunStatus]time.Duration, len(body.Keep))
	for status, age := range body.Keep {
		keep[status] = age.Std()
	}
	return rest.AnswerOf(*body), s.engine.SetRetention(ctx, c.Workspace(), keep)
}
