package code

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/flowforge-go/flowforge"
)

// describe says what went wrong in a script, and where.
func (s *script) describe(err error, limit time.Duration) error {
	if failed, ok := errors.AsType[*failure](err); ok {
		return failed
	}
	if interrupted, ok := errors.AsType[*goja.InterruptedError](err); ok {
		line := lineOf(interrupted.Stack())
		return failedAt(CodeTimeout, line, "the script took longer than %s%s", limit, atLine(line))
	}
	if deep, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		line := lineOf(deep.Stack())
		return failedAt(CodeMemory, line, "the script calls itself too deep%s", atLine(line))
	}
	if thrown, ok := errors.AsType[*goja.Exception](err); ok {
		line := lineOf(thrown.Stack())
		return failedAt(CodeFailed, line, "%s%s", sentence(thrown.Value()), atLine(line))
	}
	return failedAt(CodeFailed, 0, "the script failed: %v", err)
}

const maxSentence = 2000 // bytes

func failedAt(code flowforge.Code, line int, format string, args ...any) error {
	return &failure{Code: code, Line: line, Message: fmt.Sprintf(format, args...)}
}

// sentence writes what a script threw: "TypeError: x is not a function".
func sentence(thrown goja.Value) (text string) {
	defer func() {
		if recover() != nil { // its own toString threw, or took too long
			text = "it threw something that cannot be written"
		}
	}()
	if thrown == nil {
		return "it threw nothing"
	}
	text = thrown.String()
	if len(text) > maxSentence {
		text = text[:maxSentence] + "..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// lineOf finds the innermost line of the script itself.
func lineOf(stack []goja.StackFrame) int {
	for _, frame := range stack {
		if position := frame.Position(); frame.SrcName() == "script" && position.Line > 0 {
			return position.Line
		}
	}
	return 0
}

func atLine(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", line)
}

// syntaxError says where a script cannot be read.
func syntaxError(err error) error {
	text := strings.TrimPrefix(err.Error(), "SyntaxError: ")
	text = strings.TrimPrefix(text, "script: ")
	line := 0
	if _, scanErr := fmt.Sscanf(text, "Line %d:", &line); scanErr == nil {
		if _, rest, found := strings.Cut(text, " "); found {
			if _, rest, found = strings.Cut(rest, " "); found {
				text = rest
			}
		}
	}
	text, _, _ = strings.Cut(text, " (and ")
	return failedAt(CodeSyntax, line, "the script cannot be read: %s%s", text, atLine(line))
}
