package doc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// jsonSlip finds where a text is not JSON, and says how to mend it; the message is empty where it is JSON.
func jsonSlip(text []byte) (at int, message string) {
	if json.Valid(text) {
		return 0, ""
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return 0, "there is no document in this file"
	}
	var ignored json.RawMessage
	err := json.Unmarshal(text, &ignored)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return 0, "this is not JSON: " + err.Error()
	}
	at = min(max(0, int(syntax.Offset)-1), len(text)-1)
	if strings.HasPrefix(syntax.Error(), "unexpected end") {
		return unclosed(text)
	}
	return at, mendJSON(text, at, syntax.Error())
}

func mendJSON(text []byte, at int, reason string) string {
	before := bytes.TrimRight(text[:at], " \t\r\n")
	char, _ := utf8.DecodeRune(text[at:])
	switch {
	case strings.Contains(reason, "after top-level value"):
		return "this follows the end of the document: remove it"
	case (char == '}' || char == ']') && bytes.HasSuffix(before, []byte(",")):
		return fmt.Sprintf("there is a comma before this %c: remove it", char)
	case char == '/' || char == '#':
		return "JSON has no comments: remove this, or use a .yaml file"
	case char == '\'':
		return `JSON has only double quotes: write " instead of '`
	case strings.Contains(reason, "in string literal") && (char == '\n' || char == '\r'):
		return `the text's quote is not closed on this line: close it, or write \n for a new line inside`
	case strings.Contains(reason, "in string"):
		return fmt.Sprintf(`%q cannot stand like this inside a text: write \n, \t, \\ or \u and four digits`, char)
	case strings.Contains(reason, "after object key:value pair") && char == ']':
		return "a } is missing before this"
	case strings.Contains(reason, "after array element") && char == '}':
		return "a ] is missing before this"
	case strings.Contains(reason, "after object key:value pair"), strings.Contains(reason, "after array element"):
		return "a comma is missing before this"
	case strings.Contains(reason, "after object key"):
		return "a colon is missing before this"
	case strings.Contains(reason, "object key string"):
		return "a field's name must stand in double quotes"
	case strings.Contains(reason, "beginning of value"):
		return "a text must stand in double quotes; without them only numbers, true, false and null may stand"
	}
	return "this is not JSON: " + reason
}

// unclosed finds the innermost thing that a text leaves open at its end.
func unclosed(text []byte) (at int, message string) {
	var open []int
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			open = append(open, i)
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		case '"':
			start := i
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if i >= len(text) {
				return start, "this quote is never closed"
			}
		}
	}
	if len(open) == 0 {
		return len(text) - 1, "the document ends in the middle of a value"
	}
	last := open[len(open)-1]
	return last, fmt.Sprintf("this %c is never closed", text[last])
}

// parseJSON takes a text apart that json.Valid has accepted.
func parseJSON(text []byte) *node {
	p := jsonParser{text: text, line: 1}
	return p.value()
}

type jsonParser struct {
	text    []byte
	at      int
	line    int
	counted int // up to which byte characters of the line are counted
	before  int // how many there are
}

// next goes to the next token and gives its first byte.
func (p *jsonParser) next() byte {
	for {
		switch c := p.text[p.at]; c {
		case '\n':
			p.line, p.counted, p.before = p.line+1, p.at+1, 0
		case ' ', '\t', '\r', ',', ':':
		default:
			return c
		}
		p.at++
	}
}

func (p *jsonParser) value() *node {
	c := p.next()
	n := &node{line: p.line, column: p.column()}
	switch c {
	case '{':
		n.kind = isObject
		for p.at++; p.next() != '}'; {
			f := field{line: p.line, column: p.column()}
			f.name = unquote(string(p.scalar()))
			f.value = p.value()
			n.fields = append(n.fields, f)
		}
		p.at++
	case '[':
		n.kind = isList
		for p.at++; p.next() != ']'; {
			n.items = append(n.items, p.value())
		}
		p.at++
	default:
		n.scalar = string(p.scalar())
	}
	return n
}

func (p *jsonParser) column() int {
	p.before += utf8.RuneCount(p.text[p.counted:p.at])
	p.counted = p.at
	return p.before + 1
}

func (p *jsonParser) scalar() []byte {
	start := p.at
	if p.text[p.at] != '"' {
		for p.at < len(p.text) && strings.IndexByte(" \t\r\n,:]}", p.text[p.at]) < 0 {
			p.at++
		}
		return p.text[start:p.at]
	}
	for p.at++; p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	p.at++
	return p.text[start:p.at]
}
