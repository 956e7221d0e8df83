// Package doc reads workflow documents from YAML or JSON files and writes them. It knows where in a file each
// thing stands, so that every problem, its own and the engine's, is told with file, line, column and the line
// itself. YAML is read as its version 1.2 has it, with nothing that would surprise: yes, no, on, off and dates
// are text, numbers are exact, and what readers of YAML disagree about is refused.
package doc

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/flowforge-go/flowforge"
)

// MaxSize bounds a file, and what the aliases of a YAML file make of it, in bytes.
const MaxSize = 64 << 20

// maxDepth bounds the nesting of lists and objects: what a parameter may hold, and the document around it.
const maxDepth = 600

// Format is how a document is written.
type Format string

// The formats.
const (
	YAML Format = "yaml"
	JSON Format = "json"
)

// File is a document that was read, and the text it was read from. It may be shared between goroutines.
type File struct {
	Name     string // as it was given
	Format   Format
	Workflow *flowforge.Workflow // with problems: what could be read, for more to be found; nil if nothing

	text  []byte
	lines func() []string // of the text, without their ends
	tree  func() *node    // what stands where; nil where the text cannot be taken apart
}

// Read reads a document. The format goes by the name's extension (.json, .yaml, .yml), else by the text. The
// error is a flowforge.Error with CodeInvalidWorkflow that carries Problems and flowforge.Problems; there is a
// File all the same, to print them with and to find more in what could be read.
func Read(name string, text []byte) (*File, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	f := &File{Name: name, Format: formatOf(name, text), text: text}
	f.tree = func() *node { return nil }
	f.lines = sync.OnceValue(func() []string { return splitLines(text) })
	problems := f.read()
	problems.sort()
	return f, problems.err()
}

// Position gives where a JSON pointer leads to in the file; where nothing stands there, such as at a missing
// field, the place of what is nearest around it. A field whose value begins on a later line stands where its
// name is.
func (f *File) Position(pointer string) Position { return f.position(pointer, false) }

// Locate says where in the file problems are, such as those the engine finds when it validates.
func (f *File) Locate(problems flowforge.Problems) Problems {
	located := make(Problems, len(problems))
	for i, p := range problems {
		name := p.Code == "unknown_field" || p.Code == "duplicate_field"
		located[i] = Located{File: f.Name, Position: f.position(p.Pointer, name), Problem: p}
	}
	located.sort()
	return located
}

// Add adds problems that were found in the workflow later to those that reading has found, save for what
// follows from them.
func (f *File) Add(found Problems, later flowforge.Problems) Problems {
	known := make(map[string]bool, len(found))
	for _, p := range found {
		known[p.Pointer] = true
	}
	for _, p := range f.Locate(later) {
		if !anyParent(p.Pointer, known) {
			found = append(found, p)
		}
	}
	found.sort()
	return found
}

func (f *File) read() Problems {
	if len(f.text) > MaxSize {
		message := fmt.Sprintf("the file has %d MiB, more than the %d allowed: keep data outside the workflow",
			len(f.text)>>20, MaxSize>>20)
		return Problems{f.problem(Position{Line: 1, Column: 1}, "too_large", "", message)}
	}
	if at := badByte(f.text); at >= 0 {
		return Problems{f.syntax(positionOf(f.text, at), "this is not UTF-8 text: save the file as UTF-8")}
	}
	if f.Format == JSON {
		return f.readJSON()
	}
	return f.readYAML()
}

func (f *File) readJSON() Problems {
	if at, message := jsonSlip(f.text); message != "" {
		return Problems{f.syntax(positionOf(f.text, at), message)}
	}
	f.tree = sync.OnceValue(func() *node { return parseJSON(f.text) })
	return f.decode(f.text, nil)
}

func (f *File) readYAML() Problems {
	tree, problems := parseYAML(f)
	if tree == nil {
		return problems
	}
	f.tree = func() *node { return tree }
	text, ok := tree.json()
	if !ok {
		return append(problems, f.problem(tree.position(), "too_large", "",
			fmt.Sprintf("its aliases make the document larger than %d MiB: write out less", MaxSize>>20)))
	}
	return f.decode(text, problems)
}

// decode adds the problems of the document's JSON to those that reading has found, save for what follows
// from them.
func (f *File) decode(text []byte, found Problems) Problems {
	w, err := flowforge.DecodeWorkflow(text)
	f.Workflow = w
	return f.Add(found, flowforge.ProblemsOf(err))
}

func (f *File) position(pointer string, name bool) Position {
	tree := f.tree()
	if tree == nil {
		return Position{Line: 1, Column: 1}
	}
	return tree.find(pointer, name)
}

// after gives the rest of a line from a place on.
func (f *File) after(at Position) string {
	line := []rune(f.lines()[at.Line-1])
	return string(line[min(at.Column-1, len(line)):])
}

func (f *File) problem(at Position, code, pointer, message string) Located {
	return Located{File: f.Name, Position: at, Problem: flowforge.Problem{Code: code, Pointer: pointer, Message: message}}
}

func (f *File) syntax(at Position, message string) Located {
	return f.problem(at, "syntax", "", message)
}

func formatOf(name string, text []byte) Format {
	switch strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/"))) {
	case ".json":
		return JSON
	case ".yaml", ".yml":
		return YAML
	}
	if inner, isObject := bytes.CutPrefix(bytes.TrimSpace(text), []byte("{")); isObject {
		if inner = bytes.TrimSpace(inner); len(inner) == 0 || inner[0] == '"' || inner[0] == '}' {
			return JSON
		}
	}
	return YAML
}

// anyParent reports whether a pointer, or that of something around it, is among the known ones.
func anyParent(pointer string, known map[string]bool) bool {
	for end := len(pointer); end > 0; end = strings.LastIndexByte(pointer[:end], '/') {
		if known[pointer[:end]] {
			return true
		}
	}
	return known[""]
}
