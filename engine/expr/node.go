package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// node is a piece of a compiled template.
type node interface {
	eval(m *machine) (any, error)
}

// constantNode holds no expression.
type constantNode struct{ value flowforge.Value }

func (n constantNode) eval(*machine) (any, error) {
	// A large one stays a Value, whose size need not be counted anew each time.
	if n.value.Size() > 256 {
		return n.value, nil
	}
	return n.value.Any(), nil
}

// exprNode is a string that is exactly one expression.
type exprNode struct{ placed }

func (n exprNode) eval(m *machine) (any, error) {
	if n.code.whole != nil {
		return n.code.whole(m), nil
	}
	v, err := n.code.eval(m)
	return v, at(err, n.pointer)
}

// textNode is a string with text and expressions.
type textNode struct {
	parts   []textPart
	pointer string
}

type textPart struct {
	text string
	code *code // nil for text
}

func (n textNode) eval(m *machine) (any, error) {
	var out strings.Builder
	for _, part := range n.parts {
		text := part.text
		if part.code != nil {
			v, err := part.code.eval(m)
			if err != nil {
				return nil, at(err, n.pointer)
			}
			text, err = textOf(m, v)
			if err == nil {
				err = m.text(out.Len() + 2*len(text))
			}
			if err != nil {
				return nil, at(report(part.code.source, err), n.pointer)
			}
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

type listNode struct{ items []node }

func (n listNode) eval(m *machine) (any, error) {
	out := make([]any, len(n.items))
	for i, item := range n.items {
		v, err := item.eval(m)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

type objectNode struct {
	names  []string
	values []node
}

func (n objectNode) eval(m *machine) (any, error) {
	out := make(map[string]any, len(n.names))
	for i, name := range n.names {
		v, err := n.values[i].eval(m)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// Template compiles every string within v; names of fields are left as they are. A string that is exactly one
// {{ expression }} becomes whatever that gives, any other text with its expressions put in. Problems have
// pointers that begin with base. The Template is there even where there are problems; then Eval fails.
func (c *Compiler) Template(v flowforge.Value, base string, o Options) (*Template, flowforge.Problems) {
	b := &builder{compiler: c, options: o, base: base}
	root := b.build(v.Any(), "")
	if root == nil {
		root = constantNode{v}
	}
	return &Template{root: root, exprs: b.exprs}, b.problems
}

// builder compiles the strings of one template.
type builder struct {
	compiler *Compiler
	options  Options
	base     string
	exprs    []placed
	problems flowforge.Problems
}

// build gives nil for what holds no expression.
func (b *builder) build(x any, pointer string) node {
	switch x.(type) {
	case string, []any, map[string]any:
	default:
		return nil
	}
	if b.options.Literal != nil && b.options.Literal(pointer) {
		return nil
	}
	switch x := x.(type) {
	case string:
		return b.text(x, pointer)
	case []any:
		items, dynamic := make([]node, len(x)), false
		for i, item := range x {
			items[i] = b.build(item, pointer+"/"+strconv.Itoa(i))
			dynamic = dynamic || items[i] != nil
		}
		if dynamic {
			return listNode{constants(items, x)}
		}
	case map[string]any:
		return b.object(x, pointer)
	}
	return nil
}

func (b *builder) object(x map[string]any, pointer string) node {
	names := slices.Sorted(maps.Keys(x))
	data, values, dynamic := make([]any, len(names)), make([]node, len(names)), false
	for i, name := range names {
		place := pointer + "/" + flowforge.EscapePointer(name)
		if IsTemplate(name) {
			b.problems = append(b.problems, flowforge.Problem{
				Code: codeSyntax, Pointer: b.base + place, Warning: true,
				Message: "an expression in a field's name is not evaluated: make the object in one expression, as in {{ {(input.name): 1} }}",
			})
		}
		data[i], values[i] = x[name], b.build(x[name], place)
		dynamic = dynamic || values[i] != nil
	}
	if !dynamic {
		return nil
	}
	return objectNode{names, constants(values, data)}
}

// constants fills in what holds no expression.
func constants(nodes []node, data []any) []node {
	for i, n := range nodes {
		if n == nil {
			// It came out of a Value, so that it can always be made one again.
			v, _ := flowforge.Freeze(data[i])
			nodes[i] = constantNode{v}
		}
	}
	return nodes
}

func (b *builder) text(s, pointer string) node {
	if !IsTemplate(s) {
		return nil
	}
	pointer = b.base + pointer
	parts, err := split(s)
	if err != nil {
		bad := &code{source: shorten(s, 60), problems: []problem{{codeSyntax, err.Error()}}}
		return b.place(bad, pointer)
	}
	if len(parts) == 1 && parts[0].expression {
		return b.place(b.compiler.compile(parts[0].text, b.options.Scope), pointer)
	}
	text := textNode{pointer: pointer}
	for _, part := range parts {
		if !part.expression {
			text.parts = append(text.parts, textPart{text: part.text})
			continue
		}
		made := b.compiler.compile(part.text, b.options.Scope)
		b.place(made, pointer)
		text.parts = append(text.parts, textPart{code: made})
	}
	return text
}

// place notes an expression and its problems.
func (b *builder) place(made *code, pointer string) node {
	p := placed{made, pointer}
	b.exprs = append(b.exprs, p)
	b.problems = made.addProblems(b.problems, pointer)
	return exprNode{p}
}
