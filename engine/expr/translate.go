package expr

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// translator turns the syntax tree of one expression into steps.
type translator struct {
	source   rewritten
	scope    Scope
	locals   []string // the names of let in scope; a name's place is its slot
	last     *access  // the field that was translated last
	nodes    int
	depth    int
	refs     []nodeField
	uses     map[string]bool
	impure   bool
	problems []problem
	full     bool // a limit was reached: nothing more is translated
}

// problem is what is wrong with an expression; where it stands is known only to who compiles a template.
type problem struct{ code, message string }

// nodeField is a reference to another node.
type nodeField struct{ node, field string }

func (t *translator) problem(code, format string, args ...any) step {
	p := problem{code, fmt.Sprintf(format, args...)}
	if !slices.Contains(t.problems, p) {
		t.problems = append(t.problems, p)
	}
	return func(*machine) (any, error) { return nil, failf("%s", p.message) }
}

// translate gives the step of a node. It is recursive, but no deeper than MaxNesting. The parser shares subtrees between parents, so that
// walking a small tree without counting could take for ever.
func (t *translator) translate(node ast.Node) step { return t.visit(node, false) }

// visit translates a node. A linked one is followed by a further . or [: where it ends early because of a ?.,
// so does what follows.
func (t *translator) visit(node ast.Node, linked bool) step {
	t.nodes++
	t.depth++
	defer func() { t.depth-- }()
	switch {
	case t.full:
		return nil
	case t.nodes > MaxNodes:
		t.full = true
		return t.problem(codeLimit, "the expression is too long: it has more than %d operators, names and calls; split it over several nodes",
			MaxNodes)
	case t.depth > MaxNesting:
		t.full = true
		return t.problem(codeLimit, "the expression is nested more than %d deep; split it over several nodes", MaxNesting)
	}
	if simple := t.literal(node); simple != nil {
		return simple
	}
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return t.identifier(n)
	case *ast.PointerNode:
		return t.pointer(n)
	case *ast.MemberNode:
		return t.member(n, linked)
	case *ast.ChainNode:
		inner := t.visit(n.Node, true)
		if linked {
			return inner
		}
		return chain(inner)
	case *ast.SliceNode:
		return t.slice(n, linked)
	case *ast.UnaryNode:
		return t.unary(n)
	case *ast.BinaryNode:
		return t.binary(n)
	case *ast.ConditionalNode:
		return t.conditional(n)
	case *ast.CallNode:
		return t.call(n)
	case *ast.BuiltinNode:
		return t.invoke(n.Name, n.Arguments, n)
	case *ast.VariableDeclaratorNode:
		return t.declare(n)
	case *ast.ArrayNode:
		return t.array(n)
	case *ast.MapNode:
		return t.object(n)
	case *ast.SequenceNode:
		return t.problem(codeSyntax, "an expression gives one value: remove what stands before the ;")
	}
	return t.problem(codeSyntax, "it holds a form that is not available in expressions")
}

// literal translates what is always the same; it gives nil for anything else.
func (t *translator) literal(node ast.Node) step {
	var value any
	switch n := node.(type) {
	case *ast.NilNode:
	case *ast.BoolNode:
		value = n.Value
	case *ast.IntegerNode:
		value = int64(n.Value)
	case *ast.FloatNode:
		number, err := normal(n.Value)
		if err != nil {
			return t.problem(codeSyntax, "the number is too large")
		}
		value = number
	case *ast.StringNode:
		value = n.Value
	case *ast.BytesNode:
		return t.problem(codeSyntax, "values are JSON, which has no bytes: write the text without the b before its quote")
	default:
		return nil
	}
	return func(*machine) (any, error) { return value, nil }
}

// declare translates `let name = value; rest`.
func (t *translator) declare(n *ast.VariableDeclaratorNode) step {
	value := t.translate(n.Value)
	if slices.Contains(t.locals, n.Name) || slices.Contains(allNames, n.Name) {
		return t.problem(codeName, "let %s: the name is taken already; choose another", n.Name)
	}
	slot := len(t.locals)
	t.locals = append(t.locals, n.Name)
	rest := t.translate(n.Expr)
	t.locals = t.locals[:slot]
	return func(m *machine) (any, error) {
		v, err := value(m)
		if err != nil {
			return nil, err
		}
		for len(m.locals) <= slot {
			m.locals = append(m.locals, nil)
		}
		m.locals[slot] = v
		return rest(m)
	}
}

func (t *translator) array(n *ast.ArrayNode) step {
	items := t.all(n.Nodes)
	return func(m *machine) (any, error) {
		if err := m.list(len(items)); err != nil {
			return nil, err
		}
		return evaluate(m, items)
	}
}

func (t *translator) object(n *ast.MapNode) step {
	keys, values := make([]step, len(n.Pairs)), make([]step, len(n.Pairs))
	for i, node := range n.Pairs {
		pair, ok := node.(*ast.PairNode)
		if !ok {
			return t.problem(codeSyntax, "an object is written {key: value}")
		}
		keys[i], values[i] = t.translate(pair.Key), t.translate(pair.Value)
	}
	at := t.column(n)
	return func(m *machine) (any, error) {
		if err := m.object(len(keys)); err != nil {
			return nil, err
		}
		object := make(map[string]any, len(keys))
		for i := range keys {
			key, err := keys[i](m)
			if err != nil {
				return nil, err
			}
			name, ok := key.(string)
			if !ok {
				return nil, locate(failf("an object's key must be a string, but it is %s: use toString(...)", aType(key)), at)
			}
			if object[name], err = values[i](m); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
}

func (t *translator) conditional(n *ast.ConditionalNode) step {
	yes, no := t.translate(n.Exp1), t.translate(n.Exp2)
	if n.Exp1 == n.Cond { // a ?: b, whose a is evaluated once
		return func(m *machine) (any, error) {
			v, err := yes(m)
			if err != nil || (v != nil && v != false) {
				return v, err
			}
			return no(m)
		}
	}
	condition := t.condition(n.Cond, "the condition before ?")
	return func(m *machine) (any, error) {
		holds, err := condition(m)
		if err != nil {
			return nil, err
		}
		if holds {
			return yes(m)
		}
		return no(m)
	}
}

func (t *translator) all(nodes []ast.Node) []step {
	steps := make([]step, len(nodes))
	for i, node := range nodes {
		steps[i] = t.translate(node)
	}
	return steps
}

// evaluate gives the values of several steps, in a list of its own.
func evaluate(m *machine, steps []step) ([]any, error) {
	values := make([]any, len(steps))
	for i, s := range steps {
		v, err := s(m)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// column gives a node's place in its expression, counted in characters from 1.
func (t *translator) column(n ast.Node) int { return t.source.column(n.Location().From) }

// describe gives a node's source, for a sentence; long ones are left out, since writing them out could take
// for ever where subtrees are shared.
func (t *translator) describe(node ast.Node, size int) string {
	if size > 30 || t.full {
		return "the value"
	}
	return shorten(node.String(), 60)
}
