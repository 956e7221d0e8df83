package expr

import (
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser/operator"
)

func (t *translator) unary(n *ast.UnaryNode) step {
	at := t.column(n)
	if n.Operator == "!" || n.Operator == "not" {
		operand := t.condition(n.Node, "what follows "+n.Operator)
		return func(m *machine) (any, error) {
			holds, err := operand(m)
			return !holds, err
		}
	}
	operand, op := t.translate(n.Node), n.Operator
	return func(m *machine) (any, error) {
		v, err := operand(m)
		if err != nil {
			return nil, err
		}
		if !isNumber(v) {
			return nil, locate(failf("%s needs a number, but it is followed by %s", op, aType(v)), at)
		}
		if op == "+" {
			return v, nil
		}
		return arithmetic("-", int64(0), v)
	}
}

func (t *translator) binary(n *ast.BinaryNode) step {
	switch n.Operator {
	case "&&", "and":
		if operands, ok := comparisonChain(n); ok {
			return t.comparisons(operands)
		}
		return t.logic(n, false)
	case "||", "or":
		return t.logic(n, true)
	case "??":
		left, right := t.translate(n.Left), t.translate(n.Right)
		return func(m *machine) (any, error) {
			if v, err := left(m); v != nil || err != nil {
				return v, err
			}
			return right(m)
		}
	case "matches":
		return t.matches(n)
	}
	apply, at := operation(n.Operator), t.column(n)
	left, right := t.translate(n.Left), t.translate(n.Right)
	if apply == nil {
		return t.problem(codeSyntax, "there is no operator %s", n.Operator)
	}
	return func(m *machine) (any, error) {
		a, err := left(m)
		if err != nil {
			return nil, err
		}
		b, err := right(m)
		if err != nil {
			return nil, err
		}
		v, err := apply(m, a, b)
		if err != nil {
			return nil, locate(err, at)
		}
		return v, nil
	}
}

// operation gives what an operator does with the values on its two sides, or nil.
func operation(op string) func(m *machine, a, b any) (any, error) {
	switch op {
	case "==":
		return func(m *machine, a, b any) (any, error) { return equal(m, a, b) }
	case "!=":
		return func(m *machine, a, b any) (any, error) {
			same, err := equal(m, a, b)
			return !same, err
		}
	case "<", "<=", ">", ">=":
		return func(m *machine, a, b any) (any, error) {
			c, err := compare(m, a, b)
			return holds(op, c), err
		}
	case "+":
		return add
	case "-", "*", "/", "%", "**", "^":
		return func(_ *machine, a, b any) (any, error) {
			if !isNumber(a) || !isNumber(b) {
				return nil, notNumbers(op, a, b)
			}
			return arithmetic(strings.Replace(op, "^", "**", 1), a, b)
		}
	case "in":
		return func(m *machine, a, b any) (any, error) { return contains(m, b, a) }
	case "contains":
		return contains
	case "startsWith", "endsWith":
		return func(m *machine, a, b any) (any, error) { return affix(m, op, a, b) }
	case "..":
		return between
	}
	return nil
}

func notNumbers(op string, a, b any) error {
	hint := ""
	switch {
	case a == nil || b == nil:
		hint = "; write (... ?? 0) for a number that may be missing"
	case typeName(a) == typeString || typeName(b) == typeString:
		hint = "; toNumber(...) makes a number of a string"
	}
	return failf("%s needs a number on both sides, but got %s and %s%s", op, aType(a), aType(b), hint)
}

func add(m *machine, a, b any) (any, error) {
	if isNumber(a) && isNumber(b) {
		return arithmetic("+", a, b)
	}
	x, xText := a.(string)
	y, yText := b.(string)
	if xText && yText {
		if err := m.text(len(x) + len(y)); err != nil {
			return nil, err
		}
		return x + y, nil
	}
	switch {
	case xText || yText:
		return nil, failf("+ joins two strings or adds two numbers, but got %s and %s; "+
			"toString(...) makes a string of anything, toNumber(...) a number of a string", aType(a), aType(b))
	case a == nil || b == nil:
		return nil, notNumbers("+", a, b)
	case typeName(a) == typeList && typeName(b) == typeList:
		return nil, failf("+ joins two strings or adds two numbers: use concat(a, b) for lists")
	case typeName(a) == typeObject && typeName(b) == typeObject:
		return nil, failf("+ joins two strings or adds two numbers: use merge(a, b) for objects")
	}
	return nil, failf("+ joins two strings or adds two numbers, but got %s and %s", aType(a), aType(b))
}

// contains looks for an element of a list, a key of an object or a part of a string.
func contains(m *machine, whole, part any) (any, error) {
	switch x := whole.(type) {
	case nil:
		return false, nil
	case []any:
		for _, item := range x {
			if err := m.charge(1); err != nil {
				return nil, err
			}
			if same, err := equal(m, item, part); same || err != nil {
				return same, err
			}
		}
		return false, nil
	case map[string]any:
		key, ok := part.(string)
		if !ok {
			return false, nil
		}
		_, found := x[key]
		return found, nil
	case string:
		y, ok := part.(string)
		if !ok {
			return nil, failf("a string can only contain a string, not %s", aType(part))
		}
		return strings.Contains(x, y), m.charge(len(x) / 32)
	}
	return nil, failf("%s contains nothing: in and contains need a list, an object or a string", aType(whole))
}

func affix(m *machine, op string, a, b any) (any, error) {
	if a == nil || b == nil {
		return false, nil
	}
	x, xText := a.(string)
	y, yText := b.(string)
	if !xText || !yText {
		return nil, failf("%s needs a string on both sides, but got %s and %s", op, aType(a), aType(b))
	}
	if op == "startsWith" {
		return strings.HasPrefix(x, y), m.charge(len(y) / 64)
	}
	return strings.HasSuffix(x, y), m.charge(len(y) / 64)
}

// between makes the list of the integers from a to b, both included.
func between(m *machine, a, b any) (any, error) {
	low, okLow := a.(int64)
	high, okHigh := b.(int64)
	if !okLow || !okHigh {
		return nil, failf(".. needs an integer on both sides, but got %s and %s", aType(a), aType(b))
	}
	return integerRange(m, low, high, 1)
}

// condition translates what must be true or false; null counts as false.
func (t *translator) condition(node ast.Node, what string) func(m *machine) (bool, error) {
	before := t.nodes
	value := t.translate(node)
	source, at := t.describe(node, t.nodes-before), t.column(node)
	return func(m *machine) (bool, error) {
		v, err := value(m)
		if err != nil {
			return false, err
		}
		switch x := v.(type) {
		case bool:
			return x, nil
		case nil:
			return false, nil
		}
		return false, locate(failf("%s must be true or false, but %s is %s: compare it with something", what, source, aType(v)), at)
	}
}

// logic translates && and ||; the right side is evaluated only where the left does not decide.
func (t *translator) logic(n *ast.BinaryNode, decides bool) step {
	left, right := t.condition(n.Left, "what stands before "+n.Operator), t.condition(n.Right, "what follows "+n.Operator)
	return func(m *machine) (any, error) {
		holds, err := left(m)
		if err != nil || holds == decides {
			return holds, err
		}
		return right(m)
	}
}

// comparison is one link of a < b <= c: an operator and what stands to its right.
type comparison struct {
	op    string
	right ast.Node
	at    int
	left  ast.Node // of the first link only
}

// comparisonChain recognises a < b <= c, which the parser gives as a < b && b <= c with one b for both. It is
// evaluated once, as it is written once.
func comparisonChain(n *ast.BinaryNode) ([]comparison, bool) {
	var links []comparison
	for {
		right, ok := n.Right.(*ast.BinaryNode)
		if !ok || !operator.IsComparison(right.Operator) {
			return nil, false
		}
		links = append([]comparison{{op: right.Operator, right: right.Right, at: right.Location().From}}, links...)
		left, ok := n.Left.(*ast.BinaryNode)
		if !ok {
			return nil, false
		}
		if operator.IsComparison(left.Operator) && left.Right == right.Left {
			first := comparison{op: left.Operator, right: left.Right, at: left.Location().From, left: left.Left}
			return append([]comparison{first}, links...), true
		}
		inner, ok := left.Right.(*ast.BinaryNode)
		if left.Operator != "&&" || !ok || inner.Right != right.Left {
			return nil, false
		}
		n = left
	}
}

func (t *translator) comparisons(links []comparison) step {
	first := t.translate(links[0].left)
	rights := make([]step, len(links))
	for i, link := range links {
		rights[i] = t.translate(link.right)
		links[i].at = t.source.column(link.at)
	}
	return func(m *machine) (any, error) {
		left, err := first(m)
		if err != nil {
			return nil, err
		}
		for i, link := range links {
			right, err := rights[i](m)
			if err != nil {
				return nil, err
			}
			c, err := compare(m, left, right)
			if err != nil {
				return nil, locate(err, link.at)
			}
			if !holds(link.op, c) {
				return false, nil
			}
			left = right
		}
		return true, nil
	}
}

func holds(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// matches translates `text matches pattern`; a pattern written out is compiled once.
func (t *translator) matches(n *ast.BinaryNode) step {
	text, at := t.translate(n.Left), t.column(n)
	source := t.patternArgument(n.Right)
	return func(m *machine) (any, error) {
		s, err := text(m)
		if err != nil {
			return nil, err
		}
		p, err := source(m)
		if err != nil {
			return nil, err
		}
		if s == nil || p == nil {
			return false, nil
		}
		x, ok := s.(string)
		if !ok {
			return nil, locate(failf("matches needs a string on its left, but got %s", aType(s)), at)
		}
		re, err := m.pattern(p)
		if err != nil {
			return nil, locate(err, at)
		}
		if err := m.match(re, x); err != nil {
			return nil, err
		}
		return re.MatchString(x), nil
	}
}

// patternArgument translates a regular expression; one that is written out is checked and compiled here.
func (t *translator) patternArgument(node ast.Node) step {
	text, ok := node.(*ast.StringNode)
	if !ok {
		return t.translate(node)
	}
	t.nodes++
	compiled, err := compilePattern(text.Value)
	if err != nil {
		return t.problem(codeSyntax, "%v", err)
	}
	return func(*machine) (any, error) { return compiled, nil }
}
