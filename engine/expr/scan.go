package expr

import (
	"fmt"
	"strings"
)

const (
	opening = "{{"
	closing = "}}"
)

// IsTemplate reports whether s holds the beginning of a {{ expression }}.
func IsTemplate(s string) bool { return strings.Contains(s, opening) }

// part is a piece of a string: text, or the source of an expression.
type part struct {
	text       string
	expression bool
}

// split takes a string apart into text and expressions.
func split(s string) ([]part, error) {
	var parts []part
	for {
		start := strings.Index(s, opening)
		if start < 0 {
			break
		}
		if start > 0 {
			parts = append(parts, part{text: s[:start]})
		}
		source := s[start+len(opening):]
		end, err := expressionEnd(source)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{text: source[:end], expression: true})
		s = source[end+len(closing):]
	}
	if s != "" {
		parts = append(parts, part{text: s})
	}
	return parts, nil
}

// expressionEnd gives the offset of the }} that closes an expression: not one within a string, a comment or an
// object. Brackets nested too deep are refused here, before a recursive parser sees them.
func expressionEnd(source string) (int, error) {
	braces, depth := 0, 0
	for i := 0; i < len(source); i++ {
		switch c := source[i]; c {
		case '"', '\'', '`':
			length := literalLength(source[i:])
			if length < 0 {
				return 0, fmt.Errorf("the text that begins with %s is never closed: end it with the same quote, and the expression with }}",
					shorten(source[i:], 20))
			}
			i += length - 1
		case '/':
			i += commentLength(source[i:])
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '{':
			braces++
			depth++
		case '}':
			if braces == 0 && strings.HasPrefix(source[i:], closing) {
				return i, nil
			}
			braces--
			depth--
			if braces < 0 {
				return 0, fmt.Errorf("the } that ends {{%s closes nothing: end the expression with }}, "+
					"and an object within it with a } of its own before", shorten(source[:i+1], 40))
			}
		}
		if depth > MaxNesting {
			return 0, fmt.Errorf("brackets are nested more than %d deep: split the expression over several nodes", MaxNesting)
		}
	}
	if braces > 0 {
		return 0, fmt.Errorf("{{%s is never closed: an object's { is still open; add the missing } and end the expression with }}",
			shorten(source, 40))
	}
	return 0, fmt.Errorf("{{%s is never closed: end the expression with }}, or write {{ \"{{\" }} for the two characters themselves",
		shorten(source, 40))
}

// literalLength gives the length of the string literal at the beginning of s, or -1 where it does not end. A
// backtick is doubled within backticks, which reads as two literals side by side.
func literalLength(s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1
		case s[i] == '\\' && quote != '`':
			i++
		case s[i] == '\n' && quote != '`':
			return -1
		}
	}
	return -1
}

// commentLength gives how far to go on from a slash: 0 where it begins no comment. A comment to the end of the
// line ends at }} too, so that {{ x // why }} is whole.
func commentLength(s string) int {
	switch {
	case strings.HasPrefix(s, "//"):
		for i := range s {
			if s[i] == '\n' || strings.HasPrefix(s[i:], closing) {
				return i - 1
			}
		}
		return len(s) - 1
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return end + len("/**/") - 1
		}
		return len(s) - 1
	}
	return 0
}

// shorten cuts s to at most limit bytes, at a whole character.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := 0
	for i := range s {
		if i > limit-len("…") {
			break
		}
		cut = i
	}
	return s[:cut] + "…"
}
