package catalogue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// schema is what is shown of a parameter's JSON Schema.
//
//nolint:tagliatelle // The names are those of JSON Schema.
type schema struct {
	Type        any               `json:"type"`
	Description string            `json:"description"`
	Default     *flowforge.Value  `json:"default"`
	Enum        []any             `json:"enum"`
	Required    []string          `json:"required"`
	Properties  map[string]schema `json:"properties"`
	Items       *schema           `json:"items"`
	Duration    bool              `json:"x-duration"`
	Expression  bool              `json:"x-expression"`
	Selector    bool              `json:"x-selector"`
	Graph       bool              `json:"x-graph"`
	AnyOf       []schema          `json:"anyOf"`
}

// UnmarshalJSON reads a schema; true and false are schemas too.
func (s *schema) UnmarshalJSON(text []byte) error {
	if text[0] != '{' {
		return nil
	}
	type plain schema
	return json.Unmarshal(text, (*plain)(s))
}

func writeParams(w *bytes.Buffer, params flowforge.Value) {
	var s schema
	if params.Decode(&s) != nil || len(s.Properties) == 0 {
		return
	}
	fmt.Fprintf(w, "\nParameters\n")
	s.writeProperties(w, "  ")
}

func (s schema) writeProperties(w *bytes.Buffer, indent string) {
	names := slices.Collect(maps.Keys(s.Properties))
	slices.SortFunc(names, func(a, b string) int { // required ones first
		ra, rb := slices.Contains(s.Required, a), slices.Contains(s.Required, b)
		if ra != rb {
			if ra {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		property := s.Properties[name]
		facts := []string{property.kind()}
		if slices.Contains(s.Required, name) {
			facts = append(facts, "required")
		}
		if property.Default != nil {
			facts = append(facts, "default "+property.Default.String())
		}
		fmt.Fprintf(w, "%s%s (%s)", indent, name, strings.Join(facts, ", "))
		if property.Description != "" {
			fmt.Fprintf(w, "  %s", property.Description)
		}
		fmt.Fprintln(w)
		inner := property
		if property.Items != nil {
			inner = *property.Items
		}
		if !inner.Graph {
			inner.writeProperties(w, indent+"    ")
		}
	}
}

// kind says what a parameter may be.
func (s schema) kind() string {
	switch {
	case s.Duration:
		return "duration"
	case s.Expression:
		return "expression"
	case s.Selector:
		return "path or expression"
	case s.Graph:
		return "graph"
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i] = fmt.Sprint(word)
		}
		return strings.Join(words, " | ")
	case s.Items != nil:
		return "list of " + s.Items.kind()
	case len(s.AnyOf) > 0:
		kinds := make([]string, len(s.AnyOf))
		for i, one := range s.AnyOf {
			kinds[i] = one.kind()
		}
		return strings.Join(slices.Compact(kinds), " or ")
	}
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		return strings.Trim(fmt.Sprint(t...), "[]")
	}
	return "any"
}
