package doc

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// slip is a place where YAML goes wrong, and a sentence to mend it.
type slip struct {
	Position
	message string
}

// findSlip looks for what people most often trip over in YAML. It is asked only when the parser has refused
// the text, since the parser often names a line far from the slip, and no column. It walks the lines as YAML
// would, but knows only blocks, quotes and flows, and stops at the first thing it takes for a slip.
func findSlip(text string) (found slip, ok bool) {
	f := slipFinder{lines: splitLines([]byte(text)), text: text}
	for f.found == nil && f.line < len(f.lines) {
		f.readLine()
	}
	if f.found == nil {
		return slip{}, false
	}
	return *f.found, true
}

type slipFinder struct {
	lines  []string
	text   string
	line   int // index of the line that is read
	levels []level
	value  value
	found  *slip
}

// level is a list or object in block style that is open.
type level struct {
	indent int
	list   bool
}

// value says what stands after the last name or dash that was read.
type value int

const (
	missing   value = iota // nothing yet: it may follow, deeper
	plain                  // text without quotes, which may go on, deeper
	completed              // anything else
)

// reportf notes a slip at a byte of a line.
func (f *slipFinder) reportf(line, at int, format string, args ...any) {
	if f.found == nil {
		column := utf8.RuneCountInString(f.lines[line][:at]) + 1
		f.found = &slip{Position{Line: line + 1, Column: column}, fmt.Sprintf(format, args...)}
	}
}

// readLine reads a line that begins a name, an item or the rest of a text, and what belongs to it.
func (f *slipFinder) readLine() {
	line := f.lines[f.line]
	content := strings.TrimLeft(line, " ")
	indent := len(line) - len(content)
	switch trimmed := strings.TrimSpace(content); {
	case strings.HasPrefix(line, "%YAML") && trimmed != "%YAML 1.1":
		f.reportf(f.line, 0, "this line is not understood and not needed: remove it")
		return
	case trimmed == "", trimmed[0] == '#', indent == 0 && trimmed[0] == '%':
		f.line++
		return
	case indent == 0 && (strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...")):
		f.levels, f.value = nil, missing
		f.line++
		return
	case content[0] == '\t':
		f.reportf(f.line, indent, "a tab cannot indent a line: use spaces")
		return
	}
	if f.fits(indent, isItem(content)) {
		f.readContent(indent)
	}
}

func isItem(content string) bool { return content == "-" || strings.HasPrefix(content, "- ") }

// fits closes the levels that a line's indentation ends. It reports false, with the line read or a slip
// noted, where the line begins nothing new.
func (f *slipFinder) fits(indent int, item bool) bool {
	closed := false
	for len(f.levels) > 0 && f.top().indent > indent {
		f.levels, f.value, closed = f.levels[:len(f.levels)-1], completed, true
	}
	switch {
	case len(f.levels) == 0 && !closed:
		return true
	case len(f.levels) == 0, closed && f.top().indent != indent:
		f.reportf(f.line, indent, "this line is indented by %d, which fits no line above it: indent it as its neighbours are", indent)
		return false
	case indent > f.top().indent:
		return f.fitsDeeper(indent)
	case item && !f.top().list && f.value != missing:
		f.reportf(f.line, indent, "a list item cannot stand among fields: indent it below the field it belongs to")
		return false
	case !item && f.top().list:
		if f.levels = f.levels[:len(f.levels)-1]; len(f.levels) == 0 || f.top().indent != indent {
			f.reportf(f.line, indent, "this stands among list items and is none: begin it with \"- \", or indent it below the item it belongs to")
			return false
		}
	}
	return true
}

func (f *slipFinder) fitsDeeper(indent int) bool {
	if f.value == missing {
		return true
	}
	if at := colonIn(f.lines[f.line][indent:]); f.value == completed || at >= 0 {
		f.reportf(f.line, indent,
			"this line is indented deeper, but what it would belong to has a value already: indent it as its neighbours are")
		return false
	}
	f.line++
	return false
}

func (f *slipFinder) top() level { return f.levels[len(f.levels)-1] }

// readContent reads what a line holds from a byte on: items, a name, a value.
func (f *slipFinder) readContent(at int) {
	line := f.lines[f.line]
	if isItem(line[at:]) {
		f.open(level{indent: at, list: true})
		f.value = missing
		rest := strings.TrimLeft(line[at+1:], " ")
		if rest == "" || rest[0] == '#' {
			f.line++
			return
		}
		f.readContent(len(line) - len(rest))
		return
	}
	if strings.HasPrefix(line[at:], "? ") || strings.HasPrefix(line[at:], ": ") { // a long form of name: value
		f.open(level{indent: at})
		f.readValue(at + 1)
		return
	}
	if end := nameEnd(line[at:]); end >= 0 {
		f.open(level{indent: at})
		f.readValue(at + end + 1)
		return
	}
	if len(f.levels) > 0 && !f.top().list && f.top().indent == at {
		f.reportNoColon(at)
		return
	}
	f.readValue(at)
}

func (f *slipFinder) reportNoColon(at int) {
	rest := f.lines[f.line][at:]
	if colon := strings.IndexByte(rest, ':'); colon > 0 {
		f.reportf(f.line, at+colon, "put a space after this colon")
		return
	}
	f.reportf(f.line, at, "a field is its name, a colon and its value: there is no colon here")
}

func (f *slipFinder) open(l level) {
	if len(f.levels) == 0 || f.top() != l {
		f.levels = append(f.levels, l)
	}
}

var quotedName = regexp.MustCompile(`^("([^"\\]|\\.)*"|'([^']|'')*')\s*:(\s|$)`)

// nameEnd gives where the colon is that ends a name, or -1 where the text begins with none.
func nameEnd(text string) int {
	if strings.IndexByte(`"'`, text[0]) >= 0 {
		if name := quotedName.FindString(text); name != "" {
			return strings.LastIndexByte(name, ':')
		}
		return -1
	}
	if strings.IndexByte("{[|>@`%&*!#", text[0]) >= 0 {
		return -1
	}
	return colonIn(text)
}

// colonIn gives the place of the first colon that YAML takes for the end of a name, or -1.
func colonIn(text string) int {
	if comment := strings.Index(text, " #"); comment >= 0 {
		text = text[:comment]
	}
	for i := range len(text) {
		if text[i] == ':' && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\t') {
			return i
		}
	}
	return -1
}
