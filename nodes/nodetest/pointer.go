package nodetest

import (
	"strings"

	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

// own reports whether a node evaluates the parameter at a JSON pointer itself, or runs it as a nested graph.
func own(spec nodes.Spec, pointer string) bool {
	if spec.Body != "" && pointer == "/"+spec.Body {
		return true
	}
	_, found := expressionAt(spec, pointer)
	return found
}

// expressionAt finds what the Spec says of an expression at a JSON pointer.
func expressionAt(spec nodes.Spec, pointer string) (nodes.ExpressionParam, bool) {
	for _, param := range spec.Expressions {
		if matchPointer(param.Pointer, pointer) {
			return param, true
		}
	}
	return nodes.ExpressionParam{}, false
}

// matchPointer compares a pointer with a pattern in which a step "*" is any key or index.
func matchPointer(pattern, pointer string) bool {
	wanted, steps := strings.Split(pattern, "/"), strings.Split(pointer, "/")
	if len(wanted) != len(steps) {
		return false
	}
	for i, step := range wanted {
		if step != "*" && step != steps[i] {
			return false
		}
	}
	return true
}

// scopeOf gives the names of a scope as package expr has them.
func scopeOf(names []string) expr.Scope {
	var scope expr.Scope
	for _, name := range names {
		switch name {
		case "item", "index":
			scope |= expr.ScopeElement
		case "output":
			scope |= expr.ScopeOutput
		}
	}
	return scope
}
