package nodetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

func registers(_ context.Context, c *conformer) error {
	if kinds := []nodes.Kind{nodes.Pure, nodes.Effectful, nodes.Control}; !slices.Contains(kinds, c.typ.Spec.Kind) {
		return fmt.Errorf("the kind is %q", c.typ.Spec.Kind)
	}
	if c.typ.Spec.Version < 1 {
		return fmt.Errorf("the version is %d", c.typ.Spec.Version)
	}
	_, err := nodes.NewRegistry(c.typ)
	return err
}

func describes(_ context.Context, c *conformer) error {
	spec := c.typ.Spec
	sentence := firstSentence(spec.Doc)
	switch {
	case spec.Title == "" || spec.Title == spec.Type:
		return errors.New("there is no title")
	case spec.Category == "":
		return errors.New("there is no category")
	case sentence == "":
		return errors.New("the Doc has no sentence that ends with a point")
	case !startsUpper(sentence) || len(sentence) < 20 || strings.Contains(sentence, "\n"):
		return fmt.Errorf("the Doc begins with %q, which is not a sentence on one line", sentence)
	}
	return nil
}

// firstSentence gives text up to the first point that ends a sentence, or "".
func firstSentence(text string) string {
	for i := range len(text) {
		if text[i] == '.' && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n') {
			return text[:i+1]
		}
	}
	return ""
}

func startsUpper(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return unicode.IsUpper(first)
}

func describesParams(_ context.Context, c *conformer) error {
	var missing []string
	walkSchema(c.typ.Spec.Params.Any(), "", func(pointer string, schema map[string]any) {
		if text, _ := schema["description"].(string); text == "" {
			missing = append(missing, pointer)
		}
	})
	if len(missing) > 0 {
		return fmt.Errorf("no description: %s", strings.Join(missing, ", "))
	}
	return nil
}

// walkSchema visits the schema of each field; pointers are those of the fields, "*" for any item.
func walkSchema(schema any, pointer string, visit func(pointer string, schema map[string]any)) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
	}
	properties, _ := object["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		at := pointer + "/" + flowforge.EscapePointer(name)
		if field, ok := properties[name].(map[string]any); ok {
			visit(at, field)
		}
		walkSchema(properties[name], at, visit)
	}
	for _, key := range []string{"items", "additionalProperties"} {
		walkSchema(object[key], pointer+"/*", visit)
	}
}

func describesPorts(_ context.Context, c *conformer) error {
	for _, port := range c.typ.Spec.Outputs {
		if port.Name == "" || port.Doc == "" {
			return fmt.Errorf("port %q has the Doc %q", port.Name, port.Doc)
		}
	}
	return nil
}

func pointsIntoSchema(_ context.Context, c *conformer) error {
	known := make(map[string]bool)
	walkSchema(c.typ.Spec.Params.Any(), "", func(pointer string, _ map[string]any) { known[pointer] = true })
	for _, param := range c.typ.Spec.Expressions {
		if !known[param.Pointer] && !known[strings.TrimSuffix(param.Pointer, "/*")] {
			return fmt.Errorf("the schema has no parameter %s", param.Pointer)
		}
	}
	if body := c.typ.Spec.Body; body != "" && !known["/"+body] {
		return fmt.Errorf("the schema has no parameter %s, the body", body)
	}
	return nil
}

func storesSpec(_ context.Context, c *conformer) error {
	text, err := json.Marshal(c.typ.Spec)
	if err != nil {
		return err
	}
	var again nodes.Spec
	if err := json.Unmarshal(text, &again); err != nil {
		return err
	}
	second, err := json.Marshal(again)
	if err == nil && !bytes.Equal(second, text) {
		err = fmt.Errorf("it was %s and became %s", text, second)
	}
	return err
}

func hasExample(_ context.Context, c *conformer) error {
	if len(c.typ.Spec.Examples) == 0 {
		return errors.New("there is none")
	}
	for i, example := range c.typ.Spec.Examples {
		if example.Title == "" {
			return fmt.Errorf("example %d has no title", i)
		}
	}
	return nil
}

func examplesFit(_ context.Context, c *conformer) error {
	schema, err := nodes.CompileSchema(c.typ.Spec.Params)
	if err != nil {
		return err
	}
	var problems flowforge.Problems
	for i, example := range c.typ.Spec.Examples {
		base := fmt.Sprintf("/examples/%d/params", i)
		problems = append(problems, schema.Check(object(example.Params), base, expr.IsTemplate)...)
		if c.typ.Check != nil {
			for _, found := range c.typ.Check(object(example.Params)) {
				found.Pointer = base + found.Pointer
				problems = append(problems, found)
			}
		}
		problems = append(problems, checkExpressions(c.typ.Spec, example.Params.Any(), "", base)...)
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// checkExpressions compiles the parameters that the node evaluates itself, in the scope that the Spec says.
func checkExpressions(spec nodes.Spec, x any, pointer, base string) flowforge.Problems {
	var problems flowforge.Problems
	switch x := x.(type) {
	case string:
		param, found := expressionAt(spec, pointer)
		if found && (!param.Path || expr.IsTemplate(x)) {
			_, problems = expr.NewCompiler().Expression(x, base+pointer, scopeOf(param.Scope))
		}
	case []any:
		for i, item := range x {
			problems = append(problems, checkExpressions(spec, item, fmt.Sprintf("%s/%d", pointer, i), base)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			problems = append(problems, checkExpressions(spec, x[key], pointer+"/"+flowforge.EscapePointer(key), base)...)
		}
	}
	return problems
}

func takesAnyParams(_ context.Context, c *conformer) (err error) {
	var at flowforge.Value
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("it panics (%v) on %s", x, at)
		}
	}()
	for _, at = range c.oddParams() {
		c.typ.OutputPorts(at)
		if c.typ.Check != nil {
			_ = c.typ.Check(at)
		}
	}
	return nil
}

// odd are values that a careless author or an expression may give.
func odd() []any {
	return []any{nil, true, int64(-1), 1e300, "", "{{ input.x }}", "[[", []any{nil, "a"}, map[string]any{"a": nil}}
}

// oddParams gives parameters that are odd as a whole, and those of the examples with one of them odd.
func (c *conformer) oddParams() []flowforge.Value {
	var params []flowforge.Value
	for _, x := range odd() {
		params = append(params, flowforge.MustValue(x))
	}
	for _, example := range c.typ.Spec.Examples {
		fields, _ := example.Params.Any().(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			for _, x := range odd() {
				changed := maps.Clone(fields)
				changed[name] = x
				params = append(params, flowforge.MustValue(changed))
			}
		}
	}
	return params
}
