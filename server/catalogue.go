package server

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/rest"
)

// specView is a node type as designers see it.
type specView struct {
	Type          string                  `json:"type" doc:"family.verb, such as http.request."`
	Version       int                     `json:"version"`
	Title         string                  `json:"title"`
	Doc           string                  `json:"doc" doc:"Markdown; the first sentence stands alone."`
	Category      string                  `json:"category"`
	Icon          string                  `json:"icon,omitempty"`
	Kind          nodes.Kind              `json:"kind" doc:"pure, effectful or control."`
	Delivery      flowforge.Delivery      `json:"delivery,omitempty"`
	Transactional bool                    `json:"transactional,omitempty"`
	Outputs       []nodes.PortSpec        `json:"outputs" nullable:"false" doc:"Empty: only out."`
	PicksOne      bool                    `json:"picks_one,omitempty"`
	Params        flowforge.Value         `json:"params" doc:"JSON Schema of the parameters: what a form is made of."`
	Output        flowforge.Value         `json:"output" doc:"JSON Schema of what out delivers; null: anything."`
	Credentials   []nodes.CredentialSlot  `json:"credentials,omitempty"`
	Loop          nodes.Loop              `json:"loop,omitempty"`
	Body          string                  `json:"body,omitempty"`
	Expressions   []nodes.ExpressionParam `json:"expressions,omitempty"`
}

func viewOfSpec(spec *nodes.Spec) specView {
	return specView{
		Type: spec.Type, Version: spec.Version, Title: spec.Title, Doc: spec.Doc, Category: spec.Category, Icon: spec.Icon,
		Kind: spec.Kind, Delivery: spec.Delivery, Transactional: spec.Transactional,
		Outputs: append([]nodes.PortSpec{}, spec.Outputs...), PicksOne: spec.PicksOne, Params: spec.Params, Output: spec.Output,
		Credentials: spec.Credentials, Loop: spec.Loop, Body: spec.Body, Expressions: spec.Expressions,
	}
}

// functionView is a function of expressions as designers see it.
type functionView struct {
	Name          string            `json:"name"`
	Signature     string            `json:"signature" doc:"With types: take(list list, count int) list."`
	Category      string            `json:"category"`
	Doc           string            `json:"doc"`
	Deterministic bool              `json:"deterministic" doc:"Whether it gives the same each time."`
	Examples      []functionExample `json:"examples" nullable:"false"`
}

type functionExample struct {
	Expression string `json:"expression"`
	Result     string `json:"result" doc:"As JSON."`
}

// previewBody asks what a template gives.
type previewBody struct {
	Template flowforge.Value                      `json:"template" doc:"A text with expressions, or an object or list of them."`
	Run      flowforge.RunID                      `json:"run,omitempty" maxLength:"100" doc:"Whose data is read; what is said here counts more."`
	Input    flowforge.Value                      `json:"input,omitzero"`
	Vars     map[string]flowforge.Value           `json:"vars,omitempty"`
	Outputs  map[flowforge.NodeID]flowforge.Value `json:"outputs,omitempty" doc:"Of nodes, by id."`
	Item     flowforge.Value                      `json:"item,omitzero"`
	Index    int                                  `json:"index,omitempty" minimum:"0"`
}

// previewed is what a template gives.
type previewed struct {
	Value flowforge.Value `json:"value"`
}

func (s *service) addCatalogue() {
	about := func(path, id, summary, text string) rest.Route {
		return rest.Route{
			Method: http.MethodGet, Path: "/catalogue" + path, ID: id, Tag: "catalogue", Summary: summary, About: text,
			Policy: rest.Requires(auth.WorkflowRead),
		}
	}
	rest.Add(s.Server, about("/nodes", "list-node-types", "List the node types", "All of them, with the schemas that forms are made of."),
		s.listNodeTypes)
	one := about("/nodes/{type}", "get-node-type", "Get a node type", "Its newest version, or another.")
	one.Codes = []flowforge.Code{flowforge.CodeNotFound}
	rest.Add(s.Server, one, s.getNodeType)
	rest.Add(s.Server, about("/functions", "list-functions", "List the functions of expressions", "By category."), s.listFunctions)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/preview/expression", ID: "preview-expression", Tag: "catalogue",
		Summary: "What a template gives", About: "With the data of a run, or with what the request says. It has no effect.",
		Policy: rest.Requires(auth.RunRead),
		Body:   &rest.Body{Example: map[string]any{"template": "Hello, {{ input.name }}!", "input": map[string]any{"name": "Ada"}}},
		Codes:  []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeInvalidInput, flowforge.CodeExpression, flowforge.CodeValueTooLarge},
	}, s.previewExpression)
}

func (s *service) listNodeTypes(context.Context, *rest.Call, *struct{}, *rest.None) (*rest.Answer[parts[specView]], error) {
	specs := s.engine.NodeTypes()
	out := parts[specView]{Items: make([]specView, len(specs))}
	for i := range specs {
		out.Items[i] = viewOfSpec(&specs[i])
	}
	return rest.AnswerOf(out), nil
}

func (s *service) getNodeType(_ context.Context, _ *rest.Call, in *struct {
	Type    string `path:"type" maxLength:"200"`
	Version int    `query:"version" minimum:"0" doc:"Absent: the newest."`
}, _ *rest.None,
) (*rest.Answer[specView], error) {
	var newest *nodes.Spec
	specs := s.engine.NodeTypes()
	for i := range specs {
		spec := &specs[i]
		if spec.Type != in.Type || in.Version != 0 && spec.Version != in.Version {
			continue
		}
		if newest == nil || spec.Version > newest.Version {
			newest = spec
		}
	}
	if newest == nil {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no such node type")
	}
	return rest.AnswerOf(viewOfSpec(newest)), nil
}

func (s *service) listFunctions(context.Context, *rest.Call, *struct{}, *rest.None) (*rest.Answer[parts[functionView]], error) {
	functions := expr.Functions()
	out := parts[functionView]{Items: make([]functionView, len(functions))}
	for i := range functions {
		f := &functions[i]
		view := functionView{
			Name: f.Name, Signature: f.Signature, Category: f.Category, Doc: f.Doc, Deterministic: f.Deterministic,
			Examples: make([]functionExample, len(f.Examples)),
		}
		for j, example := range f.Examples {
			view.Examples[j] = functionExample{Expression: example.Expression, Result: example.Result}
		}
		out.Items[i] = view
	}
	return rest.AnswerOf(out), nil
}

func (s *service) previewExpression(ctx context.Context, c *rest.Call, _ *struct{}, body *previewBody) (*rest.Answer[previewed], error) {
	value, err := s.engine.PreviewTemplate(ctx, c.Workspace(), engine.Preview{
		Template: body.Template, Run: body.Run, Input: body.Input, Vars: body.Vars, Outputs: body.Outputs,
		Item: body.Item, Index: body.Index,
	})
	return rest.AnswerOf(previewed{value}), err
}
