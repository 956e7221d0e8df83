package builtin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// The codes of this package beside those of the engine.
const (
	codeInvalidData flowforge.Code = "invalid_data"      // what it was given to work on is not what it must be
	codeNotValid    flowforge.Code = "validation_failed" // data.validate: the value does not fit the schema
	codeFailed      flowforge.Code = "failed"            // core.fail without a code of its own
)

// refuse makes an error that no further attempt can mend: the same data would give it again.
func refuse(code flowforge.Code, format string, args ...any) error {
	return nodes.Permanent(flowforge.Errorf(code, format, args...))
}

// describe names a value in a sentence: the string "yes", the number 7, a list of 3 items.
func describe(x any) string {
	switch x := plain(x).(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(x)
	case string:
		return "the string " + strconv.Quote(shorten(x))
	case []any:
		return fmt.Sprintf("a list of %d items", len(x))
	case map[string]any:
		return fmt.Sprintf("an object of %d fields", len(x))
	default:
		return fmt.Sprintf("the number %v", x)
	}
}

func shorten(text string) string {
	const limit = 40
	if runes := []rune(text[:min(len(text), 4*limit+4)]); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// textOf writes a value as people read it: strings as they are, all else as JSON.
func textOf(x any) string {
	if text, ok := x.(string); ok {
		return text
	}
	value, err := flowforge.Freeze(x)
	if err != nil {
		return fmt.Sprint(x)
	}
	return value.String()
}

// isTemplate reports whether a string of the parameters as written is known only when the node runs.
func isTemplate(text string) bool { return strings.Contains(text, "{{") }

// hasTemplate reports whether any part of x, of the parameters as written, is known only when the node runs.
func hasTemplate(x any) bool {
	switch x := x.(type) {
	case string:
		return isTemplate(x)
	case []any:
		return slices.ContainsFunc(x, hasTemplate)
	case map[string]any:
		for _, item := range x {
			if hasTemplate(item) {
				return true
			}
		}
	}
	return false
}

// written gives a parameter as the document has it, nil where there is none.
func written(params flowforge.Value, name string) any {
	object, _ := params.Any().(map[string]any)
	return object[name]
}

// problem is one thing wrong with parameters.
func problem(pointer, format string, args ...any) flowforge.Problem {
	return flowforge.Problem{Code: "bad_value", Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}
