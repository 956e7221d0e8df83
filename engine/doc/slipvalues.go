package doc

import (
	"regexp"
	"strings"
)

var alias = regexp.MustCompile(`^\*([^\s,\[\]{}]+)\s*(#.*)?$`)

// readValue reads the value that begins on the line after a byte, to its end.
func (f *slipFinder) readValue(at int) {
	line := f.lines[f.line]
	text := strings.TrimLeft(line[at:], " \t")
	at = len(line) - len(text)
	f.value = completed
	if text == "" || text[0] == '#' {
		f.value = missing
		f.line++
		return
	}
	switch text[0] {
	case '"', '\'':
		f.readQuoted(at)
	case '{', '[':
		if strings.HasPrefix(text, "{{") {
			value, _, _ := strings.Cut(text, " #")
			f.reportf(f.line, at, "%s", unquotedExpression(value))
			return
		}
		f.readFlow(at)
	case '|', '>':
		f.readBlock()
		return
	case '&', '!':
		word, _, _ := strings.Cut(text, " ")
		f.readValue(at + len(word))
		return
	case '*':
		if name := alias.FindStringSubmatch(text); name == nil {
			f.reportf(f.line, at, "a value that begins with * must stand in quotes: write %s", quoted(text))
		} else if !strings.Contains(f.text, "&"+name[1]) {
			f.reportf(f.line, at, "nothing is marked &%s: mark what this stands for, or put it in quotes", name[1])
		}
	case '@', '`', '%', ',', ']', '}':
		f.reportf(f.line, at, "a value cannot begin with %c: put it in quotes", text[0])
	default:
		f.readPlain(at)
	}
	f.line++
}

func (f *slipFinder) readPlain(at int) {
	text := f.lines[f.line][at:]
	f.value = plain
	switch colon := colonIn(text); {
	case isItem(text):
		f.reportf(f.line, at, "a list cannot begin on the line of its name: begin a new line, or write [ ... ]")
	case colon >= 0:
		f.reportf(f.line, at+colon, "a colon and a space inside a value end it: put the value in quotes, %s", quoted(text))
	}
}

// quoted puts the text of a value in the quotes that fit it.
func quoted(text string) string {
	text = strings.TrimSpace(text)
	if strings.Contains(text, `"`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}

// unquotedExpression says how to mend a value that begins with an expression but no quote.
func unquotedExpression(text string) string {
	return "an expression must stand in quotes, since YAML takes { for an object: write " + quoted(cut(text))
}

// firstExpression gives a text up to the end of the first expression in it.
func firstExpression(text string) string {
	if end := strings.Index(text, "}}"); end >= 0 {
		return text[:end+2]
	}
	return text
}

// readQuoted reads text in quotes, and what follows it.
func (f *slipFinder) readQuoted(at int) {
	line, opening := f.line, f.lines[f.line][at]
	end := f.closingQuote(at)
	if end < 0 {
		f.reportf(line, at, "this quote is never closed: put a %c where the text ends", opening)
		return
	}
	rest := f.lines[f.line][end+1:]
	trimmed := strings.TrimLeft(rest, " \t")
	switch {
	case trimmed == "" || trimmed[0] == '#':
		return
	case f.line > line:
		f.reportf(line, at, "this quote is closed only on line %d: put a %c where the text ends", f.line+1, opening)
	case opening == '\'':
		f.reportf(f.line, end, "the text ends at this quote, but more follows: write '' for a single quote inside single quotes")
	default:
		f.reportf(f.line, len(f.lines[f.line])-len(trimmed),
			`this follows the text's closing quote: put all of it inside, with \" for a quote in it`)
	}
}

// escapes are the characters that may follow a backslash in double quotes (YAML 1.2, 5.7).
const escapes = "0abt\tnvfre \"/\\N_LPxuU"

// closingQuote goes to the line of the quote that ends the text whose opening quote is at a byte of this line,
// and gives its byte there, or -1.
func (f *slipFinder) closingQuote(at int) int {
	quote := f.lines[f.line][at]
	i := at + 1
	for {
		for line := f.lines[f.line]; i < len(line); i++ {
			switch {
			case line[i] == '\\' && quote == '"':
				if i++; i < len(line) && !strings.ContainsRune(escapes, rune(line[i])) {
					f.reportf(f.line, i-1, `\%c means nothing inside double quotes: write \\ for a backslash, or use single quotes`, line[i])
				}
			case line[i] == quote && quote == '\'' && i+1 < len(line) && line[i+1] == quote:
				i++
			case line[i] == quote:
				return i
			}
		}
		if f.line+1 == len(f.lines) {
			return -1
		}
		f.line, i = f.line+1, 0
	}
}

// readFlow reads a list or object in brackets to its end.
func (f *slipFinder) readFlow(at int) {
	type bracket struct {
		line, at int
		char     byte
	}
	var open []bracket
	for i := at; ; i++ {
		for i >= len(f.lines[f.line]) {
			if f.line+1 == len(f.lines) {
				last := open[len(open)-1]
				f.reportf(last.line, last.at, "this %c is never closed", last.char)
				return
			}
			f.line, i = f.line+1, 0
		}
		line := f.lines[f.line]
		switch c := line[i]; {
		case strings.HasPrefix(line[i:], "{{"):
			f.reportInFlow(i)
			return
		case c == '{' || c == '[':
			open = append(open, bracket{f.line, i, c})
		case c == '}' || c == ']':
			last := open[len(open)-1]
			if last.char != c-2 { // in ASCII, a closing bracket is two after its opening one
				f.reportf(f.line, i, "this %c closes the %c of line %d: one of them is wrong", c, last.char, last.line+1)
				return
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				f.endFlow(i)
				return
			}
		case c == '#' && (i == 0 || line[i-1] == ' '):
			i = len(line)
		case (c == '"' || c == '\'') && beginsItem(line[:i]):
			quote := f.line
			end := f.closingQuote(i)
			if end < 0 {
				f.reportf(quote, i, "this quote is never closed: put a %c where the text ends", c)
				return
			}
			i = end
		}
	}
}

// reportInFlow notes an expression without quotes at a byte of a line, at the beginning of its text.
func (f *slipFinder) reportInFlow(at int) {
	line := f.lines[f.line]
	start := strings.LastIndexAny(line[:at], ",{[") + 1
	if colon := strings.LastIndex(line[:at], ": "); colon > start {
		start = colon + 1
	}
	start += len(line[start:at]) - len(strings.TrimLeft(line[start:at], " "))
	f.reportf(f.line, start, "%s", unquotedExpression(firstExpression(line[start:])))
}

// beginsItem reports whether what follows the text in a flow is a new item, name or value.
func beginsItem(before string) bool {
	before = strings.TrimRight(before, " \t")
	return before == "" || strings.IndexByte("{[,:", before[len(before)-1]) >= 0
}

func (f *slipFinder) endFlow(at int) {
	rest := strings.TrimLeft(f.lines[f.line][at+1:], " \t")
	if rest != "" && rest[0] != '#' {
		f.reportf(f.line, len(f.lines[f.line])-len(rest),
			"this follows the end of the list or object: remove it, or put the whole value in quotes")
	}
}

// readBlock reads the lines of a text after | or >.
func (f *slipFinder) readBlock() {
	parent := -1
	if len(f.levels) > 0 {
		parent = f.top().indent
	}
	deep := 0 // indentation of the text's first line
	for f.line++; f.line < len(f.lines); f.line++ {
		line := f.lines[f.line]
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case indent == len(line):
		case indent <= parent:
			return
		case deep == 0:
			deep = indent
		case indent < deep:
			f.reportf(f.line, indent, "this line is indented less than the text it belongs to: indent it by %d", deep)
			return
		}
	}
}
