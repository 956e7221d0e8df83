package expr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// Program is one compiled expression. It may be used by any number of goroutines.
type Program struct {
	code    *code
	pointer string
}

// Expression compiles a parameter that is worked out anew for each element, such as a filter's condition. The
// source is one {{ expression }} with nothing but white space around it; base is the JSON pointer at which it
// stands. The Program is there even where there are problems; then Eval fails.
func (c *Compiler) Expression(source, base string, scope Scope) (*Program, flowforge.Problems) {
	parts, err := split(strings.TrimSpace(source))
	if err == nil && (len(parts) != 1 || !parts[0].expression) {
		err = errors.New("this must be one expression: write {{ ... }} with no text around it")
	}
	if err != nil {
		bad := &code{source: source, problems: []problem{{codeSyntax, err.Error()}}}
		return &Program{bad, base}, bad.addProblems(nil, base)
	}
	made := c.compile(parts[0].text, scope)
	return &Program{made, base}, made.addProblems(nil, base)
}

// Refs gives the references to other nodes, each once.
func (p *Program) Refs() []Ref { return appendRefs(nil, p.code, p.pointer) }

// Uses reports whether the expression reads a name such as "input", "item" or "vars".
func (p *Program) Uses(name string) bool { return p.code.uses[name] }

// Deterministic reports whether the expression gives the same for the same input: whether it calls none of
// now, uuid, random and randomInt.
func (p *Program) Deterministic() bool { return !p.code.impure }

// Eval gives the expression's value in Go form. An error has CodeExpression, or CodeCanceled where ctx ended.
func (p *Program) Eval(ctx context.Context, env *Env) (any, error) {
	m := newMachine(ctx, env)
	v, err := p.code.eval(m)
	if err != nil {
		return nil, at(err, p.pointer)
	}
	switch v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	}
	frozen, err := flowforge.Freeze(v)
	if err != nil {
		return nil, at(report(p.code.source, err), p.pointer)
	}
	return frozen.Any(), nil
}

// Template is a value whose strings may hold expressions. It may be used by any number of goroutines.
type Template struct {
	root  node
	exprs []placed
}

// placed is an expression and the pointer of the string it stands in.
type placed struct {
	code    *code
	pointer string
}

// Constant gives the template's value where it holds no expression.
func (t *Template) Constant() (flowforge.Value, bool) {
	constant, ok := t.root.(constantNode)
	return constant.value, ok
}

// Refs gives the references to other nodes, each once, in the order of the template.
func (t *Template) Refs() []Ref {
	var refs []Ref
	for _, e := range t.exprs {
		refs = appendRefs(refs, e.code, e.pointer)
	}
	return refs
}

func appendRefs(refs []Ref, c *code, pointer string) []Ref {
	for _, r := range c.refs {
		if !slices.ContainsFunc(refs, func(known Ref) bool { return known.Node == r.node && known.Field == r.field }) {
			refs = append(refs, Ref{Node: r.node, Field: r.field, Pointer: pointer})
		}
	}
	return refs
}

// Uses reports whether any expression reads a name such as "input", "item" or "vars".
func (t *Template) Uses(name string) bool {
	return slices.ContainsFunc(t.exprs, func(e placed) bool { return e.code.uses[name] })
}

// Deterministic reports whether the template gives the same for the same input: whether it calls none of now,
// uuid, random and randomInt.
func (t *Template) Deterministic() bool {
	return !slices.ContainsFunc(t.exprs, func(e placed) bool { return e.code.impure })
}

// Eval gives the value with every expression replaced by what it gives. An error has CodeExpression, or
// CodeCanceled where ctx ended; its Op names the string that failed by its pointer.
func (t *Template) Eval(ctx context.Context, env *Env) (flowforge.Value, error) {
	if constant, ok := t.root.(constantNode); ok {
		return constant.value, nil
	}
	m := newMachine(ctx, env)
	data, err := t.root.eval(m)
	if err != nil {
		return flowforge.Value{}, err
	}
	if whole, ok := data.(flowforge.Value); ok {
		return whole, nil
	}
	v, err := flowforge.Freeze(data)
	if err != nil {
		return flowforge.Value{}, &flowforge.Error{
			Code: flowforge.CodeExpression,
			Msg:  fmt.Sprintf("what the expressions give: %v", err),
			Err:  err,
		}
	}
	return v, nil
}

// at names the place of what failed.
func at(err error, pointer string) error {
	coded, ok := errors.AsType[*flowforge.Error](err)
	if !ok || coded.Op != "" || pointer == "" {
		return err
	}
	located := *coded
	located.Op = "evaluate " + pointer
	return &located
}
