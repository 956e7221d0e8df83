package nodes

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/flowforge-go/flowforge"
)

// Schema is a compiled JSON Schema (draft 2020-12). The nil Schema accepts everything.
type Schema struct{ compiled *jsonschema.Schema }

// CompileSchema compiles a JSON Schema; null gives the nil Schema. A $ref to another document is an error:
// nothing is loaded.
func CompileSchema(schema flowforge.Value) (*Schema, error) {
	if schema.IsNull() {
		return nil, nil //nolint:nilnil // The nil Schema is a Schema.
	}
	const name = "schema:"
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(name, schema.Any()); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return &Schema{compiled: compiled}, nil
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema cannot refer to another document (%s)", url)
}

// Check compares a value with the schema. Problems have pointers that begin with base. Where the value holds
// a string for which open reports true, its real value is not known yet and everything is allowed; a nil
// open knows all.
func (s *Schema) Check(value flowforge.Value, base string, open func(text string) bool) flowforge.Problems {
	if s == nil {
		return nil
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(value.Any()))
	if !ok {
		return nil
	}
	c := checker{schema: s.compiled, value: value.Any(), base: base, open: open}
	c.collect(invalid)
	slices.SortStableFunc(c.problems, func(a, b flowforge.Problem) int { // the validator goes through maps
		return strings.Compare(a.Pointer, b.Pointer)
	})
	return c.problems
}

// checker turns the validator's tree of errors into problems.
type checker struct {
	schema   *jsonschema.Schema
	value    any
	base     string
	open     func(string) bool
	problems flowforge.Problems
}

func (c *checker) collect(invalid *jsonschema.ValidationError) {
	switch k := invalid.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains:
		if !c.isOpen(at(c.value, invalid.InstanceLocation)) {
			c.add(invalid.InstanceLocation, "this has none of the allowed forms: "+sentence(invalid))
		}
		return
	case *kind.Required:
		for _, name := range k.Missing {
			c.add(invalid.InstanceLocation, fmt.Sprintf("%q is missing%s", name, c.describe(invalid.InstanceLocation, name)))
		}
	case *kind.AdditionalProperties:
		known := c.properties(invalid.InstanceLocation)
		for _, name := range k.Properties {
			c.add(append(slices.Clone(invalid.InstanceLocation), name),
				fmt.Sprintf("there is no field %q here%s", name, suggestion(name, known)))
		}
	default:
		if len(invalid.Causes) == 0 && !c.isOpen(at(c.value, invalid.InstanceLocation)) {
			c.add(invalid.InstanceLocation, sentence(invalid))
		}
	}
	for _, cause := range invalid.Causes {
		c.collect(cause)
	}
}

func suggestion(name string, known []string) string {
	if near := flowforge.DidYouMean(name, known); near != "" {
		return near
	}
	if len(known) == 0 {
		return ""
	}
	return ": it may be " + strings.Join(known, ", ")
}

func (c *checker) add(location []string, text string) {
	var pointer strings.Builder
	pointer.WriteString(c.base)
	for _, step := range location {
		pointer.WriteString("/" + flowforge.EscapePointer(step))
	}
	c.problems = append(c.problems, flowforge.Problem{Code: "bad_value", Pointer: pointer.String(), Message: text})
}

// isOpen reports whether a string that is not known yet is somewhere within x.
func (c *checker) isOpen(x any) bool {
	if c.open == nil {
		return false
	}
	switch x := x.(type) {
	case string:
		return c.open(x)
	case []any:
		return slices.ContainsFunc(x, c.isOpen)
	case map[string]any:
		for _, item := range x {
			if c.isOpen(item) {
				return true
			}
		}
	}
	return false
}

// at finds the part of a value at a location; nil where there is none.
func at(x any, location []string) any {
	for _, step := range location {
		switch parent := x.(type) {
		case map[string]any:
			x = parent[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(parent) {
				return nil
			}
			x = parent[i]
		default:
			return nil
		}
	}
	return x
}

// sub finds the schema of a location, as far as properties and items lead there.
func (c *checker) sub(location []string) *jsonschema.Schema {
	schema := c.schema
	for _, step := range location {
		if schema == nil {
			return nil
		}
		next, found := schema.Properties[step]
		if !found {
			next = schema.Items2020
		}
		if additional, ok := schema.AdditionalProperties.(*jsonschema.Schema); next == nil && ok {
			next = additional
		}
		schema = next
	}
	return schema
}

func (c *checker) properties(location []string) []string {
	schema := c.sub(location)
	if schema == nil {
		return nil
	}
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c *checker) describe(location []string, name string) string {
	if schema := c.sub(append(slices.Clone(location), name)); schema != nil && schema.Description != "" {
		return " (" + strings.TrimSuffix(schema.Description, ".") + ")"
	}
	return ""
}

// sentence says what the validator found, in English, of the innermost errors.
func sentence(invalid *jsonschema.ValidationError) string {
	if len(invalid.Causes) == 0 {
		return withoutValue(invalid.ErrorKind)
	}
	var parts []string
	for _, cause := range invalid.Causes {
		if part := sentence(cause); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

// withoutValue says what is wrong and never shows the value, which may be a secret and ends up in logs and answers.
func withoutValue(found jsonschema.ErrorKind) string {
	switch k := found.(type) {
	case *kind.Type:
		return fmt.Sprintf("this must be %s, not %s", article(strings.Join(k.Want, " or ")), article(k.Got))
	case *kind.Pattern:
		return fmt.Sprintf("this does not match the pattern %q", k.Want)
	case *kind.Format:
		return "this is no valid " + k.Want
	case *kind.Minimum:
		return "this must be at least " + k.Want.RatString()
	case *kind.Maximum:
		return "this must be at most " + k.Want.RatString()
	case *kind.ExclusiveMinimum:
		return "this must be more than " + k.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "this must be less than " + k.Want.RatString()
	case *kind.MultipleOf:
		return "this must be a multiple of " + k.Want.RatString()
	}
	return found.LocalizedString(message.NewPrinter(language.English))
}

func article(noun string) string {
	switch {
	case strings.HasPrefix(noun, "null"):
		return noun
	case strings.ContainsAny(noun[:1], "aeiou"):
		return "an " + noun
	}
	return "a " + noun
}
