package expr

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/flowforge-go/flowforge"
)

// errNullChain ends a chain of fields early: what stands before a ?. was null.
var errNullChain = errors.New("null within a chain")

// chain makes null of a chain that ended early.
func chain(inner step) step {
	return func(m *machine) (any, error) {
		v, err := inner(m)
		if err == errNullChain { //nolint:errorlint // it is never wrapped, and this is the hot path.
			return nil, nil
		}
		return v, err
	}
}

func unchain(node ast.Node) ast.Node {
	if c, ok := node.(*ast.ChainNode); ok {
		return c.Node
	}
	return node
}

// optional tells whether a chain of fields holds a ?. and so may end early.
func optional(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.ChainNode:
		return true
	case *ast.MemberNode:
		return optional(n.Node)
	case *ast.SliceNode:
		return optional(n.Node)
	}
	return false
}

// member translates a.b, a["b"], a[0] and a[expression].
func (t *translator) member(n *ast.MemberNode, linked bool) step {
	if ref, ok := t.nodeReference(n); ok {
		return t.node(ref)
	}
	if t.isNodes(unchain(n.Node)) {
		return t.problem(codeName, "nodes[...] takes the id of a node as it stands, not one worked out while running: write nodes.<id>.output")
	}
	a := t.access(n.Node, t.column(n))
	a.optional = n.Optional
	var result step
	if name, ok := n.Property.(*ast.StringNode); ok {
		result = a.field(name.Value)
		a.node, a.name = n, name.Value
		t.last = a
	} else {
		result = a.index(t.translate(n.Property))
	}
	if optional(n.Node) && !linked { // a?.b[0] is null as a whole where a is
		return chain(result)
	}
	return result
}

// access is the reading of one field or element.
type access struct {
	receiver step
	source   string // of the receiver
	optional bool
	column   int
	node     ast.Node
	name     string
	parent   *access // how the receiver itself was read, where it is a field
}

// access translates what a field or element is read of.
func (t *translator) access(of ast.Node, column int) *access {
	before := t.nodes
	t.last = nil
	a := &access{receiver: t.visit(of, true), column: column}
	a.source = t.describe(of, t.nodes-before)
	if t.last != nil && t.last.node == unchain(of) {
		a.parent = t.last
	}
	return a
}

// why says of a receiver that is null that its own parent has no such field, as after a slip of the pen.
func (a *access) why(m *machine) string {
	if a.parent == nil {
		return ""
	}
	of, err := a.parent.receiver(m)
	object, ok := of.(map[string]any)
	if _, found := object[a.parent.name]; err != nil || !ok || found || len(object) > 1000 {
		return ""
	}
	return fmt.Sprintf(" (%s has no field %q%s)", a.parent.source, a.parent.name, flowforge.DidYouMean(a.parent.name, sortedKeys(object)))
}

func (a *access) fail(format string, args ...any) error {
	return &failure{text: fmt.Sprintf(format, args...), column: a.column}
}

func (a *access) field(name string) step {
	receiver := a.receiver
	return func(m *machine) (any, error) {
		of, err := receiver(m)
		if err != nil {
			return nil, err
		}
		if object, ok := of.(map[string]any); ok {
			return object[name], nil
		}
		return a.notObject(m, of, name)
	}
}

func (a *access) notObject(m *machine, of any, name string) (any, error) {
	switch of.(type) {
	case nil:
		if a.optional {
			return nil, errNullChain
		}
		return nil, a.fail("%s is null%s, so it has no field %q; write %s?.%s where null will do", a.source, a.why(m), name, a.source, name)
	case []any:
		return nil, a.fail("%s is a list, which has elements but no field %q: write %s[0].%s for the first, or map(%s, .%s) for all",
			a.source, name, a.source, name, a.source, name)
	}
	return nil, a.fail("%s is %s, which has no field %q", a.source, aType(of), name)
}

func (a *access) index(index step) step {
	receiver := a.receiver
	return func(m *machine) (any, error) {
		of, err := receiver(m)
		if err != nil {
			return nil, err
		}
		if of == nil && a.optional {
			return nil, errNullChain
		}
		at, err := index(m)
		if err != nil {
			return nil, err
		}
		return a.element(m, of, at)
	}
}

func (a *access) element(m *machine, of, at any) (any, error) {
	switch x := of.(type) {
	case map[string]any:
		if name, ok := at.(string); ok {
			return x[name], nil
		}
		return nil, a.fail("%s is an object, whose fields are named by strings, not by %s", a.source, aType(at))
	case []any:
		i, ok := at.(int64)
		if !ok {
			return nil, a.fail("%s is a list, whose elements are numbered from 0: the index must be an integer, but it is %s", a.source, aType(at))
		}
		if place, ok := within(i, len(x)); ok {
			return x[place], nil
		}
		if a.optional {
			return nil, nil
		}
		return nil, a.fail("%s has %s, so there is no [%d]; write %s?.[%d] where null will do",
			a.source, count(len(x), "element"), i, a.source, i)
	case string:
		return a.character(m, x, at)
	case nil:
		return nil, a.fail("%s is null%s, so nothing can be read from it; write %s?.[...] where null will do", a.source, a.why(m), a.source)
	}
	return nil, a.fail("%s is %s, which has no elements", a.source, aType(of))
}

func (a *access) character(m *machine, s string, at any) (any, error) {
	i, ok := at.(int64)
	if !ok {
		return nil, a.fail("%s is a string: the index of a character must be an integer, but it is %s", a.source, aType(at))
	}
	if err := m.charge(len(s) / 16); err != nil {
		return nil, err
	}
	place, ok := within(i, utf8.RuneCountInString(s))
	if !ok {
		return nil, a.fail("%s has %s, so there is no [%d]", a.source, count(utf8.RuneCountInString(s), "character"), i)
	}
	return runes(s, place, place+1), nil
}

// slice translates a[from:to].
func (t *translator) slice(n *ast.SliceNode, linked bool) step {
	a := t.access(n.Node, t.column(n))
	from, to := t.bound(n.From), t.bound(n.To)
	result := func(m *machine) (any, error) {
		of, err := a.receiver(m)
		if err != nil {
			return nil, err
		}
		low, err := from(m)
		if err != nil {
			return nil, err
		}
		high, err := to(m)
		if err != nil {
			return nil, err
		}
		return a.cut(m, of, low, high)
	}
	if optional(n.Node) && !linked {
		return chain(result)
	}
	return result
}

func (t *translator) bound(node ast.Node) step {
	if node == nil {
		return func(*machine) (any, error) { return nil, nil }
	}
	return t.translate(node)
}

func (a *access) cut(m *machine, of, from, to any) (any, error) {
	list, isList := of.([]any)
	text, isText := of.(string)
	if !isList && !isText {
		return nil, a.fail("%s is %s: only a list or a string can be cut with [from:to]", a.source, aType(of))
	}
	length := len(list)
	if isText {
		if err := m.charge(len(text) / 16); err != nil {
			return nil, err
		}
		length = utf8.RuneCountInString(text)
	}
	low, okLow := edge(from, 0, length)
	high, okHigh := edge(to, length, length)
	if !okLow || !okHigh {
		return nil, a.fail("the numbers in %s[from:to] must be integers", a.source)
	}
	high = max(low, high)
	if isText {
		return runes(text, low, high), nil
	}
	return list[low:high:high], nil
}

// edge puts one end of a slice within the length; negative ones count from the end.
func edge(x any, missing, length int) (int, bool) {
	if x == nil {
		return missing, true
	}
	i, ok := x.(int64)
	if i < 0 {
		i += int64(length)
	}
	return int(max(0, min(i, int64(length)))), ok
}

// within turns an index that may count from the end into a place.
func within(i int64, length int) (int, bool) {
	if i < 0 {
		i += int64(length)
	}
	return int(i), i >= 0 && i < int64(length)
}

// runes gives the characters of s from one place to before another.
func runes(s string, from, to int) string {
	start, place := len(s), 0
	for i := range s {
		if place == from {
			start = i
		}
		if place == to {
			return s[start:i]
		}
		place++
	}
	return s[start:]
}

// count writes "1 element", "2 elements".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
