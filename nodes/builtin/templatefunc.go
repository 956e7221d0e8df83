package builtin

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	texttemplate "text/template"

	"github.com/flowforge-go/flowforge"
)

// shown is a value as a template puts it in: text reads as people do, and scripts in pages get JSON.
type shown struct{ x any }

// String gives the value as people read it; null is nothing.
func (s shown) String() string { return scalarText(s.x) }

// MarshalJSON gives the value as JSON, for html/template within scripts.
func (s shown) MarshalJSON() ([]byte, error) {
	value, err := flowforge.Freeze(s.x)
	return value.JSON(), err
}

// functions are those of templates. Where they have the name of one of the language's own, they replace it: those
// can double a text at each pass of a loop, and compare an integer with no float.
func (m *templateMeter) functions() texttemplate.FuncMap {
	return texttemplate.FuncMap{
		"tick": m.tick,
		"show": show,

		"print":    func(args ...any) (string, error) { return m.bounded(args, fmt.Sprint) },
		"println":  func(args ...any) (string, error) { return m.bounded(args, fmt.Sprintln) },
		"printf":   m.printf,
		"html":     func(args ...any) (string, error) { return m.bounded(args, texttemplate.HTMLEscaper) },
		"js":       func(args ...any) (string, error) { return m.bounded(args, texttemplate.JSEscaper) },
		"urlquery": func(args ...any) (string, error) { return m.bounded(args, queryEscape) },
		"call":     func() (string, error) { return "", errors.New("there is nothing to call") },

		"eq": equalsAny,
		"ne": func(a, b any) bool { return compare(a, b) != 0 },
		"lt": func(a, b any) bool { return compare(a, b) < 0 },
		"le": func(a, b any) bool { return compare(a, b) <= 0 },
		"gt": func(a, b any) bool { return compare(a, b) > 0 },
		"ge": func(a, b any) bool { return compare(a, b) >= 0 },

		"json": func(x any) (string, error) {
			return m.bounded([]any{x}, func(args ...any) string { return jsonOf(args[0]) })
		},
		"default": defaultTo,
		"join":    m.join,
		"upper":   func(x any) string { return strings.ToUpper(scalarText(plain(x))) },
		"lower":   func(x any) string { return strings.ToLower(scalarText(plain(x))) },
		"trim":    func(x any) string { return strings.TrimSpace(scalarText(plain(x))) },
	}
}

// show prepares what is put in; text stays text, for the escaping of html/template to see it.
func show(x any) any {
	switch x := x.(type) {
	case string, shown:
		return x
	case fmt.Stringer:
		return x.String()
	}
	return shown{plain(x)}
}

// bounded calls write once it is sure that the text will not be large.
func (m *templateMeter) bounded(args []any, write func(...any) string) (string, error) {
	size := 0
	words := args[:0:0]
	for _, arg := range args {
		if text, ok := arg.(string); ok {
			size += len(text)
			words = append(words, text)
			continue
		}
		text := shown{plain(arg)}
		size += len(text.String())
		words = append(words, text)
	}
	if size > maxTemplateText {
		return "", errTextTooLarge
	}
	if err := m.spend(size); err != nil {
		return "", err
	}
	return write(words...), nil
}

// spend counts the bytes that functions handle as steps, so that loops cannot multiply them.
func (m *templateMeter) spend(bytes int) error {
	m.steps += bytes / 64
	_, err := m.tick()
	return err
}

// printf knows the values of JSON: %d takes integers, %f numbers, %s and %v everything.
func (m *templateMeter) printf(format string, args ...any) (string, error) {
	if strings.Contains(format, "*") || len(format) > maxTemplate {
		return "", errors.New("printf takes no width from an argument")
	}
	size := len(format)
	for i, width := 0, 0; i < len(format); i++ {
		if c := format[i]; c >= '0' && c <= '9' {
			width = min(10*width+int(c-'0'), maxTemplateText)
			size += width
		} else {
			width = 0
		}
	}
	words := make([]any, len(args))
	for i, arg := range args {
		switch x := plain(arg).(type) {
		case string:
			size += 4 * len(x)
			words[i] = x
		case int64, uint64, float64, bool:
			words[i] = x
		default:
			text := scalarText(x)
			size += 4 * len(text)
			words[i] = text
		}
	}
	if size > maxTemplateText {
		return "", errTextTooLarge
	}
	if err := m.spend(size); err != nil {
		return "", err
	}
	return fmt.Sprintf(format, words...), nil
}

func (m *templateMeter) join(separator string, list any) (string, error) {
	items, ok := plain(list).([]any)
	if !ok {
		return "", fmt.Errorf("join needs a list, not %s", describe(list))
	}
	words := make([]string, len(items))
	size := len(separator) * len(items)
	for i, item := range items {
		words[i] = scalarText(item)
		size += len(words[i])
	}
	if size > maxTemplateText {
		return "", errTextTooLarge
	}
	return strings.Join(words, separator), m.spend(size)
}

func queryEscape(args ...any) string { return url.QueryEscape(fmt.Sprint(args...)) }

func jsonOf(x any) string {
	text, _ := x.(string)
	if s, ok := x.(shown); ok {
		value, err := flowforge.Freeze(s.x)
		if err == nil {
			return value.String()
		}
	}
	return flowforge.MustValue(text).String()
}

// equalsAny reports whether the first equals one of the others.
func equalsAny(x any, others ...any) bool {
	for _, other := range others {
		if compare(x, other) == 0 {
			return true
		}
	}
	return false
}

// defaultTo is written the way it is piped: .name | default "you".
func defaultTo(otherwise, x any) any {
	if x := plain(x); x == nil || x == "" {
		return otherwise
	}
	return x
}
