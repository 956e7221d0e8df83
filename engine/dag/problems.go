package dag

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// maxProblems bounds how many problems are told, and how many warnings.
const maxProblems = 1000

// maxGuesses bounds how many ids are looked at to find what a mistyped one may have meant.
const maxGuesses = 200_000

func (c *compiler) problemf(code, pointer, format string, args ...any) {
	c.add(flowforge.Problem{Code: code, Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

func (c *compiler) warningf(code, pointer, format string, args ...any) {
	c.add(flowforge.Problem{Code: code, Pointer: pointer, Message: fmt.Sprintf(format, args...), Warning: true})
}

// add notes problems that were found. Of too many the last are not told; one that is no warning is among those
// that are.
func (c *compiler) add(problems ...flowforge.Problem) {
	for _, problem := range problems {
		told := &c.wrong
		if problem.Warning {
			told = &c.warnings
		}
		if *told < maxProblems {
			*told++
			c.problems = append(c.problems, problem)
		}
	}
}

// unread is a reference to a node that is not there to be read.
type unread struct {
	graph *Graph
	expr.Ref
}

// tellUnread tells the references to nodes that are nowhere, or in a loop that the reader is not in.
func (c *compiler) tellUnread() {
	for _, u := range c.unread {
		mend := c.nearest(u.graph, u.Node)
		if at, declared := c.declared[flowforge.NodeID(u.Node)]; declared {
			mend = ": the one at " + at + " is inside a loop; read the loop's output instead"
		}
		c.problemf("unknown_node", u.Pointer, "there is no node %q to read here%s", u.Node, mend)
	}
}

// nearest suggests a node of the graph, or of those around it, for a mistyped id.
func (c *compiler) nearest(g *Graph, id string) string {
	for ; g != nil; g = g.Parent {
		if c.guesses += len(g.Nodes); c.guesses > maxGuesses {
			return ""
		}
		ids := make([]string, len(g.Nodes))
		for i := range g.Nodes {
			ids[i] = string(g.Nodes[i].Doc.ID)
		}
		if guess := flowforge.DidYouMean(id, ids); guess != "" {
			return guess
		}
	}
	return ""
}

// fields are the parts of a document in the order in which their problems are told; others follow them.
var fields = []string{
	"name", "settings", "input_schema", "id", "type", "type_version", "params", "nodes", "connections", "output",
}

// sortProblems puts problems into the order of the document.
func sortProblems(problems flowforge.Problems) {
	slices.SortStableFunc(problems, func(a, b flowforge.Problem) int { return comparePointers(a.Pointer, b.Pointer) })
}

func comparePointers(a, b string) int {
	for a != "" && b != "" {
		var first, second string
		first, a = step(a)
		second, b = step(b)
		if first != second {
			x, xErr := strconv.Atoi(first)
			y, yErr := strconv.Atoi(second)
			if xErr == nil && yErr == nil {
				return cmp.Compare(x, y)
			}
			return cmp.Or(cmp.Compare(rank(first), rank(second)), strings.Compare(first, second))
		}
	}
	return cmp.Compare(len(a), len(b))
}

func rank(field string) int {
	if i := slices.Index(fields, field); i >= 0 {
		return i
	}
	return len(fields)
}
