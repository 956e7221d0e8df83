package flowforge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner walks JSON text that json.Valid has accepted, so that nothing need be checked a second time.
type scanner struct {
	text []byte
	at   int
}

// next gives the first byte of the next token and stands on it; 0 at the end.
func (s *scanner) next() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// scalar reads a string, with its quotes and escapes, or a number, true, false or null.
func (s *scanner) scalar() []byte {
	c := s.next()
	start := s.at
	if c != '"' {
		for s.at < len(s.text) && !endsScalar(s.text[s.at]) {
			s.at++
		}
		return s.text[start:s.at]
	}
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return s.text[start:s.at]
}

func endsScalar(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ']', '}':
		return true
	}
	return false
}

// raw reads a value of any kind as it is written.
func (s *scanner) raw() []byte {
	open := 0
	s.next()
	for start := s.at; ; {
		switch s.next() {
		case '{', '[':
			open++
			s.at++
		case '}', ']':
			open--
			s.at++
		default:
			s.scalar()
		}
		if open == 0 {
			return s.text[start:s.at]
		}
	}
}

// unquote gives what a string token means.
func unquote(token []byte) string {
	inner := token[1 : len(token)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var text string
	_ = json.Unmarshal(token, &text) // a string of valid JSON can always be read
	return text
}

// valueReader reads one value after another in Go form and knows where in the document it is.
type valueReader struct {
	scanner
	freezer
	path      path
	duplicate func() // called where an object has a key a second time, path standing on it; may be nil
	twice     bool   // whether there was such a key
}

func (r *valueReader) read(depth int) (any, error) {
	if err := r.check(depth); err != nil {
		return nil, err
	}
	switch r.next() {
	case '{':
		return r.readObject(depth)
	case '[':
		return r.readList(depth)
	case '"':
		return r.freeze(unquote(r.scalar()), depth)
	case 't', 'f':
		return r.freeze(r.scalar()[0] == 't', depth)
	case 'n':
		r.scalar()
		return r.freeze(nil, depth)
	}
	number, _, err := r.number(json.Number(r.scalar()))
	return number, err
}

func (r *valueReader) readObject(depth int) (any, error) {
	object := make(map[string]any)
	for r.at++; r.next() != '}'; {
		key := unquote(r.scalar())
		r.path = append(r.path, step{key: key})
		item, err := r.read(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			r.repeated()
		}
		r.path = r.path[:len(r.path)-1]
		r.size += len(key) + len(`"":`)
		object[key] = item
	}
	r.at++
	r.size += containerSize(len(object))
	return object, nil
}

func (r *valueReader) repeated() {
	r.twice = true
	if r.duplicate != nil {
		r.duplicate()
	}
}

func (r *valueReader) readList(depth int) (any, error) {
	list := []any{}
	for r.at++; r.next() != ']'; {
		r.path = append(r.path, step{index: len(list), list: true})
		item, err := r.read(depth + 1)
		if err != nil {
			return nil, err
		}
		r.path = r.path[:len(r.path)-1]
		list = append(list, item)
	}
	r.at++
	r.size += containerSize(len(list))
	return list, nil
}

// readValue reads one value, which is at most as large and deep as a value may be.
func (r *valueReader) readValue() (Value, error) {
	r.extent, r.twice = extent{}, false
	data, err := r.read(0)
	if err == nil {
		err = r.check(0)
	}
	switch {
	case err != nil || data == nil:
		return Value{}, err
	case r.twice:
		return Freeze(data) // counts what is left
	}
	return frozen(data, r.extent), nil
}

// path leads from a document's root to a place in it.
type path []step

type step struct {
	key   string
	index int
	list  bool // whether the step is index, not key
}

// pointer writes the path as a JSON pointer, below base. A path of absurd length is cut: its beginning is
// the place of something that holds the rest.
func (p path) pointer(base string) string {
	const longest = 64
	var text strings.Builder
	text.WriteString(base)
	for _, s := range p[:min(len(p), longest)] {
		text.WriteByte('/')
		if s.list {
			text.WriteString(strconv.Itoa(s.index))
		} else {
			text.WriteString(EscapePointer(s.key))
		}
	}
	return text.String()
}

// EscapePointer writes a key as one step of a JSON pointer (RFC 6901).
func EscapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// checkJSON tells what keeps a text from being one JSON value, and on which line and column.
func checkJSON(text []byte) error {
	if json.Valid(text) {
		return nil
	}
	var ignored json.RawMessage
	err := json.Unmarshal(text, &ignored)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return errors.New("there is nothing in it")
	case !ok:
		return err
	}
	before := text[:max(0, min(int(syntax.Offset)-1, len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%w at line %d, column %d", err, line, column)
}
