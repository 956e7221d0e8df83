package expr

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// call translates name(arguments).
func (t *translator) call(n *ast.CallNode) step {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		return t.invoke(callee.Value, n.Arguments, n)
	case *ast.MemberNode:
		if name, ok := callee.Property.(*ast.StringNode); ok {
			return t.method(name.Value, callee.Node)
		}
	}
	return t.problem(codeName, "only a function can be called, by its name")
}

// method refuses value.name(...), in the words of someone who is used to another language.
func (t *translator) method(name string, receiver ast.Node) step {
	before := t.nodes
	t.translate(receiver)
	source := t.describe(receiver, t.nodes-before)
	if _, ok := library()[name]; ok {
		return t.problem(codeName, "values have no methods: write %s(%s, ...) instead of %s.%s(...)", name, source, source, name)
	}
	return t.problem(codeName, "values have no methods such as .%s(...): %s", name, unknownFunction(name))
}

// invoke translates the call of a library function.
func (t *translator) invoke(name string, arguments []ast.Node, n ast.Node) step {
	f, ok := library()[name]
	if !ok {
		t.all(arguments)
		return t.problem(codeName, "%s", unknownFunction(name))
	}
	least, most := f.arity()
	if len(arguments) < least || (most >= 0 && len(arguments) > most) {
		return t.problem(codeSyntax, "%s takes %s, but got %d: %s", name, arityText(least, most), len(arguments), f.signature)
	}
	t.impure = t.impure || f.impure
	var run body
	args := make([]step, 0, len(arguments))
	for i, node := range arguments {
		predicate, isPredicate := node.(*ast.PredicateNode)
		switch kind := f.param(i).kind; {
		case isPredicate && kind != "predicate":
			return t.problem(codeSyntax, "%s: %s is a value, not something that is worked out for each element: %s",
				name, f.param(i).name, f.signature)
		case isPredicate:
			run = t.body(predicate)
			args = append(args, nothing)
		case kind == "pattern":
			args = append(args, t.patternArgument(node))
		default:
			args = append(args, t.translate(node))
		}
	}
	return invocation(f, args, run, t.column(n))
}

func nothing(*machine) (any, error) { return nil, nil }

// body translates what is evaluated for each element.
func (t *translator) body(n *ast.PredicateNode) body {
	before := t.nodes
	run := t.translate(n.Node)
	size := t.nodes - before
	return body{run: run, cost: size, source: t.describe(n.Node, size)}
}

func invocation(f *function, args []step, run body, at int) step {
	return func(m *machine) (any, error) {
		values, err := evaluate(m, args)
		if err != nil {
			return nil, err
		}
		cost := 1
		for i, x := range values {
			if run.run != nil && f.param(i).kind == "predicate" {
				continue
			}
			if err := f.check(i, x); err != nil {
				return nil, locate(err, at)
			}
			if !f.flat {
				cost += size(x)
			}
		}
		if err := m.charge(cost); err != nil {
			return nil, err
		}
		v, err := f.call(&call{machine: m, function: f, args: values, body: run})
		if err != nil {
			return nil, locate(err, at)
		}
		return v, nil
	}
}

func arityText(least, most int) string {
	switch {
	case most < 0:
		return "at least " + count(least, "argument")
	case least == most:
		return count(least, "argument")
	}
	return fmt.Sprintf("%d to %s", least, count(most, "argument"))
}

// body is what map, filter and so on evaluate for each element.
type body struct {
	run    step
	cost   int
	source string
}

// each evaluates the body for every element until visit says to stop. Whatever the body nests, its steps are
// charged here, element by element.
func (c *call) each(list []any, visit func(i int, result any) (stop bool, err error)) error {
	outer := c.scope
	defer func() { c.scope = outer }()
	for i, item := range list {
		stop, err := c.once(i, item, visit)
		if stop || err != nil {
			return err
		}
	}
	return nil
}

func (c *call) once(i int, item any, visit func(i int, result any) (stop bool, err error)) (bool, error) {
	if err := c.charge(1 + c.body.cost); err != nil {
		return true, err
	}
	if c.body.run == nil {
		return visit(i, item)
	}
	c.scope.item, c.scope.index = item, i
	result, err := c.body.run(c.machine)
	if err != nil {
		return true, err
	}
	return visit(i, result)
}

// test is each for a body that must be true or false.
func (c *call) test(list []any, visit func(i int, holds bool) (stop bool)) error {
	return c.each(list, c.condition(visit))
}

// condition refuses what is neither true nor false; null counts as false.
func (c *call) condition(visit func(i int, holds bool) (stop bool)) func(i int, result any) (bool, error) {
	return func(i int, result any) (bool, error) {
		switch holds := result.(type) {
		case bool:
			return visit(i, holds), nil
		case nil:
			return visit(i, false), nil
		}
		return true, c.fail("%s must be true or false for each element, but it is %s for element %d", c.body.source, aType(result), i)
	}
}
