package doc

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
)

// Write writes a document so that Read reads the same again: fields in their usual order, a parameter's keys in
// byte order, and a new line at the end. The error is a flowforge.Error with CodeInvalidWorkflow where the
// workflow cannot be a document, with CodeUnsupported where the format is unknown.
func Write(w *flowforge.Workflow, format Format) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(w); err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidWorkflow, "write workflow: %w", err)
	}
	if _, err := flowforge.DecodeWorkflow(text.Bytes()); err != nil {
		return nil, err
	}
	switch format {
	case JSON:
		return text.Bytes(), nil
	case YAML:
		y := yamlWriter{}
		y.object(parseJSON(text.Bytes()), 0)
		return y.text, nil
	}
	return nil, flowforge.Errorf(flowforge.CodeUnsupported, "the format %q is unknown: use %q or %q", format, YAML, JSON)
}

// yamlWriter writes a tree in block style, and what fits a line in flow style.
type yamlWriter struct{ text []byte }

func (y *yamlWriter) object(n *node, indent int) {
	for i, f := range n.fields {
		if i > 0 {
			y.indent(indent)
		}
		const longestKey = 1000 // YAML 1.2, 7.4.2: a name before a colon has at most 1024 characters
		name := yamlText(f.name)
		if len(name) > longestKey {
			y.add("? ", name, "\n")
			y.indent(indent)
			name = ""
		}
		y.add(name, ":")
		y.value(f.name, f.value, indent)
	}
}

func (y *yamlWriter) list(n *node, indent int, flow bool) {
	for i, item := range n.items {
		if i > 0 {
			y.indent(indent)
		}
		y.add("-")
		line, fits := inline(item)
		switch {
		case fits && (flow || item.kind != isObject):
			y.add(" ", line, "\n")
		case item.kind == isObject:
			y.add(" ")
			y.object(item, indent+2)
		case item.kind == isList:
			y.add(" ")
			y.list(item, indent+2, true)
		case item.kind == isScalar:
			y.scalar(item, indent)
		}
	}
}

// value writes what follows a name and its colon.
func (y *yamlWriter) value(name string, n *node, indent int) {
	line, fits := inline(n)
	switch {
	case fits && (name != "nodes" || n.kind != isList || len(n.items) == 0):
		y.add(" ", line, "\n")
	case n.kind == isObject:
		y.add("\n")
		y.indent(indent + 2)
		y.object(n, indent+2)
	case n.kind == isList:
		y.add("\n")
		y.indent(indent + 2)
		y.list(n, indent+2, name != "nodes")
	case n.kind == isScalar:
		y.scalar(n, indent)
	}
}

// scalar writes a text, over several lines where it has some.
func (y *yamlWriter) scalar(n *node, indent int) {
	if n.scalar[0] != '"' || !isBlock(unquote(n.scalar)) {
		y.add(" ", yamlScalar(n.scalar), "\n")
		return
	}
	text, ended := strings.CutSuffix(unquote(n.scalar), "\n")
	y.add(" |")
	if !ended {
		y.add("-")
	}
	for line := range strings.SplitSeq(text, "\n") {
		y.add("\n")
		if line != "" {
			y.indent(indent + 2)
			y.add(line)
		}
	}
	y.add("\n")
}

// isBlock reports whether a text can be written line by line and be read as it was.
func isBlock(text string) bool {
	if !strings.Contains(strings.TrimSuffix(text, "\n"), "\n") || strings.HasSuffix(text, "\n\n") {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line != strings.TrimRight(line, " \t") || strings.ContainsFunc(line, isSpecial) {
			return false
		}
	}
	return strings.IndexByte(" \t\n", text[0]) < 0 // the first line says how deep the text is indented
}

// isSpecial reports whether a character can be read only when it is escaped.
func isSpecial(r rune) bool {
	return isControl(r) || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// inline writes a node on one line; fits is false where that would be hard to read.
func inline(n *node) (line string, fits bool) {
	const width = 60
	parts := make([]string, 0, len(n.fields)+len(n.items))
	size := 0
	add := func(prefix string, inner *node) bool {
		part := prefix + yamlScalar(inner.scalar)
		parts = append(parts, part)
		size += len(part)
		return inner.kind == isScalar && size <= width
	}
	switch n.kind {
	case isScalar:
		line = yamlScalar(n.scalar)
		return line, !strings.Contains(line, `\n`)
	case isList:
		for _, item := range n.items {
			if !add("", item) {
				return "", false
			}
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case isObject:
		for _, f := range n.fields {
			if !add(yamlText(f.name)+": ", f.value) {
				return "", false
			}
		}
	}
	return "{" + strings.Join(parts, ", ") + "}", true
}

func (y *yamlWriter) add(parts ...string) {
	for _, part := range parts {
		y.text = append(y.text, part...)
	}
}

func (y *yamlWriter) indent(n int) {
	for range n {
		y.text = append(y.text, ' ')
	}
}

// yamlScalar writes a scalar given as JSON.
func yamlScalar(scalar string) string {
	if scalar == "" {
		return ""
	}
	if scalar[0] == '"' {
		return yamlText(unquote(scalar))
	}
	if _, mend := number(scalar); mend != "" { // a float written as an integer of more than 64 bits
		if x, err := strconv.ParseFloat(scalar, 64); err == nil {
			return strconv.FormatFloat(x, 'e', -1, 64)
		}
	}
	return scalar
}

// isPlain reports whether a text needs no quotes, for any reader of YAML: words of letters, digits and a few
// signs that begin with a letter, or a duration.
func isPlain(text string) bool {
	if text == "" || !isLetter(text[0]) {
		return durationPattern.MatchString(text)
	}
	for i := range len(text) {
		c := text[i]
		single := c == ' ' && i+1 < len(text) && text[i+1] != ' '
		if !single && !isLetter(c) && (c < '0' || c > '9') && strings.IndexByte("./+@-", c) < 0 {
			return false
		}
	}
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off": // booleans of YAML 1.1
		return false
	}
	return isText(text)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

var durationPattern = regexp.MustCompile(`^([0-9]+(ms|s|m|h|d))+$`)

// yamlText writes a text on one line, in quotes unless it cannot be taken for anything else.
func yamlText(text string) string {
	if isPlain(text) {
		return text
	}
	var quoted strings.Builder
	quoted.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			quoted.WriteByte('\\')
			quoted.WriteRune(r)
		case r == '\n':
			quoted.WriteString(`\n`)
		case r == '\t':
			quoted.WriteString(`\t`)
		case isSpecial(r) && r <= 0xff:
			quoted.WriteString(`\x` + hex(r, 2))
		case isSpecial(r):
			quoted.WriteString(`\u` + hex(r, 4))
		default:
			quoted.WriteRune(r)
		}
	}
	quoted.WriteByte('"')
	return quoted.String()
}

func hex(r rune, digits int) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", digits-utf8.RuneCountInString(text)) + text
}
