package doc

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// node is something in a file: an object, a list or a scalar, and where it begins.
type node struct {
	kind         kind
	line, column int
	scalar       string // its JSON
	fields       []field
	items        []*node
}

type kind byte

const (
	isScalar kind = iota
	isObject
	isList
)

type field struct {
	name         string
	line, column int
	value        *node
}

// json writes the tree as JSON; ok is false where that would be larger than MaxSize.
func (n *node) json() (text []byte, ok bool) {
	w := jsonWriter{}
	w.write(n)
	return w.text, len(w.text) <= MaxSize
}

type jsonWriter struct{ text []byte }

func (w *jsonWriter) write(n *node) {
	if len(w.text) > MaxSize {
		return
	}
	switch n.kind {
	case isScalar:
		w.text = append(w.text, n.scalar...)
	case isList:
		w.text = append(w.text, '[')
		for i, item := range n.items {
			if i > 0 {
				w.text = append(w.text, ',')
			}
			w.write(item)
		}
		w.text = append(w.text, ']')
	case isObject:
		w.text = append(w.text, '{')
		for i, f := range n.fields {
			if i > 0 {
				w.text = append(w.text, ',')
			}
			w.text = append(append(w.text, quote(f.name)...), ':')
			w.write(f.value)
		}
		w.text = append(w.text, '}')
	}
}

// quote writes a string as JSON.
func quote(text string) string {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic(err) // a string can always be encoded
			}
			return string(quoted)
		}
	}
	return `"` + text + `"`
}

// unquote reads a string of valid JSON.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	if err := json.Unmarshal([]byte(quoted), &text); err != nil {
		panic(err) // a string of valid JSON can always be read
	}
	return text
}

// find gives where a JSON pointer leads to, as far as there is anything: to a field's name if name is wanted
// or the value begins on another line, else to the value.
func (n *node) find(pointer string, name bool) Position {
	at := n.position()
	steps := strings.Split(pointer, "/")[1:]
	for i, step := range steps {
		child, nameAt, ok := n.step(strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		if !ok {
			return at
		}
		n, at = child, child.position()
		if at.Line != nameAt.Line || name && i == len(steps)-1 {
			at = nameAt
		}
	}
	return at
}

func (n *node) position() Position { return Position{Line: n.line, Column: n.column} }

// step gives a field's or item's value, and the place of the field's name or of the item.
func (n *node) step(step string) (child *node, at Position, ok bool) {
	switch n.kind {
	case isList:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.items) {
			return n.items[i], n.items[i].position(), true
		}
	case isObject:
		for _, f := range slices.Backward(n.fields) { // of equal names, the last is the one too many
			if f.name == step {
				return f.value, Position{Line: f.line, Column: f.column}, true
			}
		}
	case isScalar:
	}
	return nil, Position{}, false
}
