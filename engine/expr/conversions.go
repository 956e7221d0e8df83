package expr

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

func conversionFunctions() []function { return slices.Concat(checks(), conversions()) }

func checks() []function {
	return []function{
		{
			signature: "type(value any) string",
			doc:       "Gives \"null\", \"boolean\", \"number\", \"string\", \"list\" or \"object\".",
			examples:  []Example{gives(`type(1.5)`, `"number"`), gives(`type([])`, `"list"`), gives(`type(null)`, `"null"`)},
			flat:      true,
			call:      func(c *call) (any, error) { return typeName(c.args[0]), nil },
		},
		{
			signature: "isEmpty(value any) bool",
			doc:       "Tells whether a value is null, \"\", [] or {}. Numbers and booleans are never empty.",
			examples:  []Example{gives(`isEmpty("")`, `true`), gives(`isEmpty(0)`, `false`)},
			flat:      true,
			call:      func(c *call) (any, error) { return isEmpty(c.args[0]), nil },
		},
		{
			signature: "default(value any, fallback any) any",
			doc:       "Gives the fallback where the value is empty (see isEmpty). With `value ?? fallback` only null counts.",
			examples:  []Example{gives(`default("", "none")`, `"none"`), gives(`"" ?? "none"`, `""`)},
			flat:      true,
			call: func(c *call) (any, error) {
				if isEmpty(c.args[0]) {
					return c.args[1], nil
				}
				return c.args[0], nil
			},
		},
		{
			signature: "coalesce(values... any) any",
			doc:       "Gives the first value that is not null.",
			examples:  []Example{gives(`coalesce(null, 2, 3)`, `2`)},
			flat:      true,
			call: func(c *call) (any, error) {
				for _, x := range c.args {
					if x != nil {
						return x, nil
					}
				}
				return nil, nil
			},
		},
	}
}

func conversions() []function {
	return []function{
		{
			signature: "toString(value any) string",
			doc:       "Writes a value as it stands in a mixed text: a string as it is, null as \"\", anything else as JSON.",
			examples:  []Example{gives(`toString(1.50)`, `"1.5"`), gives(`toString([1])`, `"[1]"`), gives(`toString(null)`, `""`)},
			call:      func(c *call) (any, error) { return textOf(c.machine, c.args[0]) },
		},
		{
			signature: "toNumber(value any, fallback? any) number",
			doc:       "Reads a number from a string; true is 1, false is 0. What is no number is an error, or gives the fallback.",
			examples: []Example{
				gives(`toNumber(" 1.50 ")`, `1.5`),
				gives(`toNumber("9007199254740993")`, `9007199254740993`),
				gives(`toNumber("many", 0)`, `0`),
			},
			call: func(c *call) (any, error) {
				if n, ok := readNumber(c.args[0]); ok {
					return n, nil
				}
				if len(c.args) > 1 {
					return c.args[1], nil
				}
				return nil, c.noNumber()
			},
		},
		{
			signature: "int(value any) int",
			doc:       "Reads a number like toNumber and cuts off what is after its point.",
			examples:  []Example{gives(`int("42")`, `42`), gives(`int(-2.7)`, `-2`)},
			call: func(c *call) (any, error) {
				n, ok := readNumber(c.args[0])
				if !ok {
					return nil, c.noNumber()
				}
				if f, isFloat := n.(float64); isFloat {
					return normal(math.Trunc(f))
				}
				return n, nil
			},
		},
		{
			signature: "toBool(value any) bool",
			doc:       "Reads true, yes, on, 1 and false, no, off, 0 or nothing, in any case; numbers are true unless 0, null is false.",
			examples:  []Example{gives(`toBool("Yes")`, `true`), gives(`toBool(0)`, `false`), gives(`toBool(null)`, `false`)},
			call:      toBool,
		},
	}
}

func isEmpty(x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}

func (c *call) noNumber() error {
	if text, ok := c.args[0].(string); ok {
		return c.fail("%q is not a number", shorten(text, 40))
	}
	return c.fail("%s is not a number", aType(c.args[0]))
}

// readNumber reads decimal numbers only: what strconv reads beyond them is no number to users.
func readNumber(x any) (any, bool) {
	switch x := x.(type) {
	case int64, uint64, float64:
		return x, true
	case bool:
		return boolRank(x), true
	case string:
		text := strings.TrimSpace(x)
		if text == "" || len(text) > 400 || strings.Trim(text, "0123456789+-.eE") != "" {
			return nil, false
		}
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, true
		}
		if u, err := strconv.ParseUint(text, 10, 64); err == nil {
			return u, true
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, false
		}
		n, err := normal(f)
		return n, err == nil
	}
	return nil, false
}

func toBool(c *call) (any, error) {
	switch x := c.args[0].(type) {
	case nil:
		return false, nil
	case bool:
		return x, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(shorten(x, 20))) {
		case "true", "yes", "on", "1":
			return true, nil
		case "false", "no", "off", "0", "":
			return false, nil
		}
		return nil, c.fail("%q is neither true nor false", shorten(x, 40))
	}
	if isNumber(c.args[0]) {
		return !isZero(c.args[0]), nil
	}
	return nil, c.fail("%s is neither true nor false", aType(c.args[0]))
}
