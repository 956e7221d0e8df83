package doc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/flowforge-go/flowforge"
)

// parseYAML takes a file apart. What cannot be part of a document is a problem, and null in the tree; the tree
// is nil where the text is no YAML at all.
func parseYAML(f *File) (*node, Problems) {
	if at := bytes.IndexFunc(f.text, isControl); at >= 0 {
		return nil, Problems{f.syntax(positionOf(f.text, at), "a control character cannot stand in a document: "+
			`remove it, or write it inside double quotes, such as "\u0007"`)}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(f.text))
	var root, second yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) {
		return nil, Problems{f.syntax(Position{Line: 1, Column: 1}, "there is no document in this file")}
	}
	var more error
	if err == nil {
		more = decoder.Decode(&second)
	}
	switch {
	case err != nil:
		return nil, Problems{f.yamlSlip(err)}
	case more == nil:
		at := Position{Line: second.Line, Column: second.Column}
		return nil, Problems{f.problem(at, "several_documents", "", "a file holds one workflow: put what follows --- into a file of its own")}
	case !errors.Is(more, io.EOF):
		return nil, Problems{f.yamlSlip(more)}
	}
	c := converter{file: f, anchors: make(map[*yaml.Node]*node)}
	return c.convert(root.Content[0]), c.problems
}

// isControl reports whether YAML keeps a character out of a file.
func isControl(r rune) bool {
	switch r {
	case '\t', '\n', '\r', 0x85:
		return false
	}
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff
}

// yamlSlip says where YAML goes wrong: what people write most often if it is that, else what the parser says.
func (f *File) yamlSlip(err error) Located {
	if slip, found := findSlip(string(f.text)); found {
		return f.syntax(slip.Position, slip.message)
	}
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if rest, numbered := strings.CutPrefix(message, "line "); numbered {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			message = text
			line, _ = strconv.Atoi(number)
		}
	}
	return f.syntax(Position{Line: max(1, line), Column: 1}, "this is not YAML, here or below: "+message)
}

// step leads from an object to a field, or from a list to an item.
type step struct {
	name  string
	index int
	named bool // whether it is name, not index
}

// converter makes a tree of what the parser gives.
type converter struct {
	file     *File
	problems Problems
	path     []step
	anchors  map[*yaml.Node]*node // what aliases stand for; nil while it is being converted
}

func (c *converter) convert(y *yaml.Node) *node {
	n := &node{line: y.Line, column: y.Column, scalar: "null"}
	if y.Anchor != "" {
		c.anchors[y] = nil
		defer func() { c.anchors[y] = n }()
	}
	switch {
	case len(c.path) > maxDepth:
		c.add(n.position(), "too_deep", fmt.Sprintf("lists and objects are nested more than %d deep", maxDepth))
	case y.Kind == yaml.AliasNode:
		return c.alias(y, n)
	case y.Style&yaml.TaggedStyle != 0 && y.Tag != "!!str":
		c.add(n.position(), "custom_tag", fmt.Sprintf("the tag %s means nothing here: leave it out", y.Tag))
	case y.Kind == yaml.ScalarNode:
		c.scalar(y, n)
	case y.Kind == yaml.SequenceNode:
		n.kind = isList
		for i, item := range y.Content {
			c.path = append(c.path, step{index: i})
			n.items = append(n.items, c.convert(item))
			c.path = c.path[:len(c.path)-1]
		}
	case isExpression(y):
		c.add(n.position(), "unquoted_expression", unquotedExpression(firstExpression(c.file.after(n.position()))))
	default:
		c.object(y, n)
	}
	return n
}

func (c *converter) alias(y *yaml.Node, n *node) *node {
	switch target, known := c.anchors[y.Alias]; {
	case !known: // it is part of something that was refused
		return n
	case target == nil:
		c.add(n.position(), "alias_in_itself", fmt.Sprintf("*%s stands inside what it stands for: write it out", y.Value))
		return n
	default:
		return target
	}
}

func (c *converter) object(y *yaml.Node, n *node) {
	n.kind = isObject
	n.fields = make([]field, 0, len(y.Content)/2)
	first := finder{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		at := Position{Line: key.Line, Column: key.Column}
		name, mend := keyName(key)
		c.path = append(c.path, step{name: name, named: true})
		line, twice := first.line(n.fields, name)
		switch {
		case mend != "":
			c.add(at, "bad_key", mend)
		case twice:
			c.add(at, "duplicate_field",
				fmt.Sprintf("the field %q is given more than once here, first on line %d: keep one", name, line))
		default:
			n.fields = append(n.fields, field{name: name, line: at.Line, column: at.Column, value: c.convert(y.Content[i+1])})
		}
		c.path = c.path[:len(c.path)-1]
	}
}

// finder finds the fields of an object by name as they come.
type finder map[string]int // line by name; empty while there are few fields

// line gives the line of the field of a name, if there is one.
func (f finder) line(fields []field, name string) (line int, found bool) {
	const few = 16
	if len(fields) < few {
		for _, field := range fields {
			if field.name == name {
				return field.line, true
			}
		}
		return 0, false
	}
	for _, field := range fields[len(f):] {
		f[field.name] = field.line
	}
	line, found = f[name]
	return line, found
}

// keyName gives the name of a field, and a sentence to mend it where it is not text.
func keyName(key *yaml.Node) (name, mend string) {
	switch {
	case key.Kind == yaml.AliasNode:
		return key.Value, "a name cannot be an alias: write it out"
	case key.Kind != yaml.ScalarNode:
		return "", "a field's name must be text, not a list or an object"
	case key.Style == 0 && key.Value == "<<":
		return key.Value, "merge keys are not read: write the fields out, or use an alias for a whole value"
	case key.Style&yaml.TaggedStyle != 0:
		return key.Value, fmt.Sprintf("the tag %s means nothing here: leave it out", key.Tag)
	case key.Style == 0 && !isText(key.Value):
		return key.Value, fmt.Sprintf("the name %s is not read as text: write it in quotes, as %q", key.Value, key.Value)
	}
	return key.Value, ""
}

// isExpression reports whether what was read as an object is {{ ... }} without quotes.
func isExpression(y *yaml.Node) bool {
	return y.Kind == yaml.MappingNode && y.Style&yaml.FlowStyle != 0 && len(y.Content) > 0 &&
		y.Content[0].Kind == yaml.MappingNode && y.Content[0].Style&yaml.FlowStyle != 0
}

// Bounds on what is told: problems of a file, and steps of a pointer.
const (
	maxProblems = 1000
	maxPointer  = 64
)

func (c *converter) add(at Position, code, message string) {
	if len(c.problems) > maxProblems {
		return
	}
	if len(c.problems) == maxProblems {
		code, message = "too_many_problems", fmt.Sprintf("there are more than %d problems: mend these first", maxProblems)
	}
	var pointer strings.Builder
	for _, s := range c.path[:min(len(c.path), maxPointer)] {
		pointer.WriteByte('/')
		if s.named {
			pointer.WriteString(flowforge.EscapePointer(s.name))
		} else {
			pointer.WriteString(strconv.Itoa(s.index))
		}
	}
	c.problems = append(c.problems, c.file.problem(at, code, pointer.String(), message))
}

func (c *converter) scalar(y *yaml.Node, n *node) {
	if y.Style != 0 || isText(y.Value) {
		n.scalar = quote(y.Value)
		return
	}
	json, mend := number(y.Value)
	if mend != "" {
		c.add(n.position(), "bad_number", mend)
		return
	}
	n.scalar = json
}
