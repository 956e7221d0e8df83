package main

import (
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// readValue gives the value of a flag: JSON, @FILE or - for standard input; an empty object where it is not given.
func (c *console) readValue(flag, given string) (flowforge.Value, error) {
	if given == "" {
		return flowforge.MustValue(map[string]any{}), nil
	}
	what := "the " + strings.TrimLeft(flag, "-")
	text, where := []byte(given), flag
	if name, isFile := strings.CutPrefix(given, "@"); isFile || given == "-" {
		var err error
		if text, err = c.read(name, what); err != nil {
			return flowforge.Value{}, err
		}
		where = what + " in " + human.Line(name)
		if name == "-" {
			where = what + " on standard input"
		}
	}
	value, err := flowforge.ParseValue(text)
	if err != nil {
		return value, usage("%s cannot be used: %w", where, err)
	}
	return value, nil
}

// readVars gives the values of --var: name=TEXT, or name:=JSON.
func readVars(given []string) (map[string]flowforge.Value, error) {
	vars := make(map[string]flowforge.Value, len(given))
	for _, pair := range given {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usage("--var %s has no value: write name=TEXT, or name:=JSON", human.Line(pair))
		}
		value := flowforge.MustValue(strings.ToValidUTF8(text, "\ufffd"))
		if plain, isJSON := strings.CutSuffix(name, ":"); isJSON {
			var err error
			if value, err = flowforge.ParseValue([]byte(text)); err != nil {
				return nil, usage("--var %s cannot be used: %w (for text write %[1]s=TEXT)", human.Line(plain), err)
			}
			name = plain
		}
		if name == "" {
			return nil, usage("--var =%s has no name: write name=TEXT, or name:=JSON", human.Line(text))
		}
		if _, twice := vars[name]; twice {
			return nil, usage("--var %s is given twice", human.Line(name))
		}
		vars[name] = value
	}
	return vars, nil
}
