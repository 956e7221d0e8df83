package dag

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

// Parameters of the loop nodes that the compiler itself reads.
const (
	paramItems    = "items"
	paramParallel = "parallel"
	paramUntil    = "until"
	paramMax      = "max"
)

// loop compiles a foreach or a repeat and its body; pointer says where the node stands.
func (c *compiler) loop(g *Graph, i int32, pointer string, p place, found *refs) {
	n := &g.Nodes[i]
	params, _ := n.Doc.Params.Any().(map[string]any)
	part := func(name string) *expr.Template {
		given, there := params[name]
		if !there {
			return nil
		}
		value, err := flowforge.Freeze(given)
		if err != nil {
			return nil // it is part of a value, so that this cannot fail
		}
		return c.template(value, pointer+"/params/"+name, expr.Options{Scope: p.scope}, g, i, found)
	}
	switch n.Loop {
	case nodes.LoopForeach:
		n.Each, n.Width = c.list(part(paramItems), pointer+"/params/"+paramItems), part(paramParallel)
	case nodes.LoopRepeat:
		n.Max, n.Parallel = part(paramMax), 1
		if until, given := params[paramUntil].(string); given {
			n.Until = c.until(g, i, until, pointer+"/params/"+paramUntil, p, found)
		}
	}
	c.checkLoopFields(n, pointer)
	c.body(g, i, params, pointer+"/params/"+n.Type.Spec.Body, p, found)
}

func (c *compiler) until(g *Graph, i int32, source, pointer string, p place, found *refs) *expr.Program {
	if !expr.IsTemplate(source) {
		c.problemf("not_expression", pointer, "this must be an expression: write it as \"{{ %s }}\"", source)
		return nil
	}
	return c.expression(source, pointer, p.scope|expr.ScopeElement|expr.ScopeOutput, g, i, found)
}

func (c *compiler) checkLoopFields(n *Node, pointer string) {
	const mend = "%s has no effect on %s: give it to the nodes of its body"
	if n.Doc.Retry.MaxAttempts > 1 {
		c.warningf("no_effect", pointer+"/retry", mend, "retry", n.Doc.Type)
	}
	if n.Doc.Timeout > 0 {
		c.warningf("no_effect", pointer+"/timeout", mend+", or use node_timeout for the whole loop", "timeout", n.Doc.Type)
	}
}

// list checks that what a loop runs over is a list, where that can be known.
func (c *compiler) list(template *expr.Template, pointer string) *expr.Template {
	if template == nil {
		return nil
	}
	if constant, is := template.Constant(); is {
		if _, ok := constant.Any().([]any); !ok {
			c.problemf("bad_type", pointer, "this must be a list, or an expression that gives one")
		}
	}
	return template
}

func (c *compiler) body(g *Graph, i int32, params map[string]any, pointer string, p place, found *refs) {
	n := &g.Nodes[i]
	given, there := params[n.Type.Spec.Body]
	if !there {
		return // the schema has told
	}
	if p.depth+1 > maxNesting {
		c.problemf("too_deep", pointer, "loops are nested more than %d deep", maxNesting)
		return
	}
	value, err := flowforge.Freeze(given)
	if err != nil {
		return // it is part of a value, so that this cannot fail
	}
	document, err := flowforge.DecodeGraph(value, pointer)
	if err != nil {
		c.add(flowforge.ProblemsOf(err)...)
		return
	}
	n.Body = c.graph(document, place{
		pointer: pointer, parent: g, loop: i, depth: p.depth + 1,
		scope: p.scope | expr.ScopeElement, failFast: p.failFast,
	})
	// What the body reads of this graph, the loop reads.
	for _, outer := range n.Body.outerRefs() {
		found.add(i, outer)
	}
}
