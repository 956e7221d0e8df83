package main

import (
	"errors"
	"iter"
	"path/filepath"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// document is a workflow document that was read and checked.
type document struct {
	file     *doc.File
	workflow *dag.Workflow // nil where there is a problem that is more than a warning
	problems doc.Problems
	version  int // of a saved one
}

// readDocument reads and checks a document; the error is that it cannot be read at all.
func (c *console) readDocument(name string, types *nodes.Registry) (*document, error) {
	text, err := c.read(name, "the workflow")
	if err != nil {
		return nil, err
	}
	if name == "-" {
		name = stdinName
	}
	file, err := doc.Read(filepath.ToSlash(name), text)
	found, ok := errors.AsType[doc.Problems](err)
	switch {
	case err != nil && !ok:
		return nil, usage("read %s: %w", name, err)
	case file.Workflow == nil:
		return &document{file: file, problems: found}, nil
	}
	workflow, problems := dag.Compile(file.Workflow, types, dag.Limits{})
	if err != nil {
		workflow = nil // what could not be read is missing in it
	}
	return &document{file: file, workflow: workflow, problems: file.Add(found, problems)}, nil
}

// isValid reports whether the document may be run.
func (d *document) isValid() bool { return d.workflow != nil }

// maxShown bounds how many problems of one document are printed.
const maxShown = 100

// print tells the problems, each with the line it is on.
func (d *document) print(con *console) {
	shown := slices.Clone(d.problems[:min(len(d.problems), maxShown)])
	if len(shown) == 0 {
		return
	}
	for i := range shown {
		shown[i].Message = human.Shorten(human.Lines(shown[i].Message), human.MaxMessage)
	}
	_ = d.file.Print(con.err, shown) // standard error: nobody can be told
	if more := len(d.problems) - len(shown); more > 0 {
		con.printf("%s: and %d more\n", d.file.Name, more)
	}
}

// tally says how many errors and warnings there are.
func (d *document) tally() (failures, warnings int) {
	for _, p := range d.problems {
		if p.Warning {
			warnings++
		} else {
			failures++
		}
	}
	return failures, warnings
}

// loadDocument reads a document that is to be run; one with problems is an error, after they were printed.
func (c *console) loadDocument(name string, types *nodes.Registry) (*document, error) {
	d, err := c.readDocument(name, types)
	if err != nil {
		return nil, err
	}
	d.print(c)
	if !d.isValid() {
		failures, _ := d.tally()
		return nil, usage("%s has %s: nothing was run", d.file.Name, human.Count(failures, "problem"))
	}
	return d, nil
}

// nodes gives all nodes of the document, those of bodies behind their loop.
func (d *document) nodes() iter.Seq[*dag.Node] {
	return func(yield func(*dag.Node) bool) { eachNode(d.workflow.Graph, yield) }
}

func eachNode(graph *dag.Graph, yield func(*dag.Node) bool) bool {
	for i := range graph.Nodes {
		node := &graph.Nodes[i]
		if !yield(node) || node.Body != nil && !eachNode(node.Body, yield) {
			return false
		}
	}
	return true
}

// asDocument gives the document that was read.
func (d *document) asDocument() *flowforge.Workflow { return d.file.Workflow }
