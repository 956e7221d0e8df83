package nodes

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
)

// Expr is a parameter that the node evaluates itself, once for each thing it looks at: "{{ item.age > 18 }}".
// In the struct of the parameters the tag `scope:"output,index"` says which names it may use beside the usual
// ones; without the tag they are item and index.
type Expr string

// Eval evaluates the expression and gives the result in Go form.
func (e Expr) Eval(ctx context.Context, call *Call, scope Scope) (any, error) {
	return call.Host.Evaluate(ctx, string(e), scope)
}

// Selector is a parameter that picks something of each item: a field by its path ("address.city") or an
// expression ("{{ item.first + item.last }}").
type Selector string

// Select gives what the selector picks of item, in Go form; a field that is not there is nil.
func (s Selector) Select(ctx context.Context, call *Call, item any, index int) (any, error) {
	if s.isExpression() {
		return call.Host.Evaluate(ctx, string(s), Scope{Item: item, Index: index})
	}
	for step := range strings.SplitSeq(string(s), ".") {
		object, ok := item.(map[string]any)
		if !ok {
			return nil, nil
		}
		item = object[step]
	}
	return item, nil
}

func (s Selector) isExpression() bool { return strings.Contains(string(s), "{{") }

// Selectors is one selector or a list of them.
type Selectors []Selector

// UnmarshalJSON reads a string or a list of strings.
func (s *Selectors) UnmarshalJSON(text []byte) error {
	var one Selector
	if err := json.Unmarshal(text, &one); err == nil {
		*s = Selectors{one}
		return nil
	}
	return json.Unmarshal(text, (*[]Selector)(s))
}

var (
	exprType      = reflect.TypeFor[Expr]()
	selectorType  = reflect.TypeFor[Selector]()
	selectorsType = reflect.TypeFor[Selectors]()
)

var elementScope = []string{"item", "index"}

// expressionParams finds the parameters of type Expr, Selector and Selectors within a parameter type.
func expressionParams(t reflect.Type, pointer string, scope []string) []ExpressionParam {
	switch t {
	case exprType:
		return []ExpressionParam{{Pointer: pointer, Scope: scope}}
	case selectorType:
		return []ExpressionParam{{Pointer: pointer, Scope: scope, Path: true}}
	case selectorsType:
		return []ExpressionParam{
			{Pointer: pointer, Scope: scope, Path: true},
			{Pointer: pointer + "/*", Scope: scope, Path: true},
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return expressionParams(t.Elem(), pointer, scope)
	case reflect.Slice, reflect.Map:
		return expressionParams(t.Elem(), pointer+"/*", scope)
	case reflect.Struct:
		return structExpressionParams(t, pointer)
	default:
		return nil
	}
}

func structExpressionParams(t reflect.Type, pointer string) []ExpressionParam {
	if t == valueType {
		return nil
	}
	var params []ExpressionParam
	for field := range t.Fields() {
		if !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		at := pointer
		if !field.Anonymous || name != "" {
			if name == "" {
				name = field.Name
			}
			at += "/" + name
		}
		scope := elementScope
		if names, tagged := field.Tag.Lookup("scope"); tagged {
			scope = strings.Split(names, ",")
		}
		params = append(params, expressionParams(field.Type, at, scope)...)
	}
	return params
}
