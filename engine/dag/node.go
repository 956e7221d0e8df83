package dag

import (
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

var nodeID = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// maxIDLength bounds a node's id, in bytes.
const maxIDLength = 100

// declare registers a node, looks its type up and finds its ports.
func (c *compiler) declare(g *Graph, i int32, doc *flowforge.Node, pointer string) {
	n := &g.Nodes[i]
	n.Doc = doc
	if n.Join = orDefault(doc.Join, flowforge.JoinSettled); doc.Finally {
		n.Join = flowforge.JoinSettled
	}
	n.OnError = orDefault(doc.OnError, flowforge.OnErrorFail)
	n.Retry = &doc.Retry
	n.Parallel = int32(min(orDefault(doc.EachParallel, flowforge.DefaultParallel), math.MaxInt32)) //nolint:gosec // It fits.
	c.checkID(g, i, doc.ID, pointer+"/id")
	c.checkNodeFields(doc, pointer)

	n.Type = c.lookup(doc, pointer)
	if n.Type == nil {
		return
	}
	if doc.Pool != "" && (n.Type.Spec.Kind == nodes.Control || n.Type.Spec.Transactional) {
		c.warningf("no_effect", pointer+"/pool",
			"pool has no effect on %s, which runs where its run does: to choose where that is, start the run in a pool", doc.Type)
	}
	c.used[doc.Type+"@"+strconv.Itoa(n.Type.Spec.Version)] = true
	n.Loop = n.Type.Spec.Loop
	if reflect.ValueOf(doc.Retry).IsZero() {
		n.Retry = &n.Type.Spec.Retry
	}
	n.Ports = n.Type.OutputPorts(doc.Params)
	if (doc.Disabled || n.OnError == flowforge.OnErrorContinue) && !slices.Contains(n.Ports, flowforge.PortOut) {
		n.Ports = append(slices.Clip(n.Ports), flowforge.PortOut)
	}
	if n.OnError == flowforge.OnErrorRoute {
		own := slices.DeleteFunc(slices.Clone(n.Ports), func(port flowforge.Port) bool { return port == flowforge.PortError })
		n.ownError = len(own) < len(n.Ports)
		own = append(own, flowforge.PortError)
		n.Ports = own
	}
}

func orDefault[T comparable](given, otherwise T) T {
	var zero T
	if given == zero {
		return otherwise
	}
	return given
}

func (c *compiler) checkID(g *Graph, i int32, id flowforge.NodeID, pointer string) {
	switch {
	case id == "":
		c.problemf("missing_id", pointer, "the node has no id: give it one, such as \"fetch\"")
		return
	case !nodeID.MatchString(string(id)) || len(id) > maxIDLength:
		c.problemf("bad_id", pointer,
			"%q cannot be an id: begin with a lower-case letter and go "+
				"on with at most %d lower-case letters, digits and _; a text for people goes into `name`", id, maxIDLength-1)
	}
	if other, taken := c.declared[id]; taken {
		c.problemf("duplicate_id", pointer, "the id %q is taken by %s: ids are unique in the whole workflow, bodies of loops included", id, other)
		return
	}
	c.declared[id] = strings.TrimSuffix(pointer, "/id")
	g.byID[id] = i
}

func (c *compiler) lookup(doc *flowforge.Node, pointer string) *nodes.Type {
	if doc.Type == "" {
		c.problemf("missing_type", pointer+"/type", "node %q has no type: `flowforge nodes` lists them", doc.ID)
		return nil
	}
	t, found := c.types.Lookup(doc.Type, doc.TypeVersion)
	if found {
		return t
	}
	if newest, known := c.types.Lookup(doc.Type, 0); known {
		c.problemf("unknown_version", pointer+"/type_version",
			"%s has no version %d here; its newest is %d", doc.Type, doc.TypeVersion, newest.Spec.Version)
		return nil
	}
	if c.names == nil {
		for _, spec := range c.types.Specs() {
			c.names = append(c.names, spec.Type)
		}
	}
	mend := flowforge.DidYouMean(doc.Type, c.names)
	if mend == "" {
		mend = ": `flowforge nodes` lists those there are"
	}
	c.problemf("unknown_type", pointer+"/type", "there is no node type %q%s", doc.Type, mend)
	return nil
}

func (c *compiler) checkNodeFields(doc *flowforge.Node, pointer string) {
	c.oneOf(pointer, "/join", string(doc.Join), "settled", "all", "first")
	c.oneOf(pointer, "/on_error", string(doc.OnError), "fail", "continue", "route")
	c.oneOf(pointer, "/delivery", string(doc.Delivery), "at_least_once", "at_most_once")
	c.oneOf(pointer, "/retry/jitter", string(doc.Retry.Jitter), "full", "equal", "none")
	c.atLeast(pointer, "/each_parallel", float64(doc.EachParallel), 0)
	c.atLeast(pointer, "/retry/max_attempts", float64(doc.Retry.MaxAttempts), 0)
	c.atLeast(pointer, "/retry/max_lost", float64(doc.Retry.MaxLost), 0)
	if doc.Retry.Multiplier != 0 {
		c.atLeast(pointer, "/retry/multiplier", doc.Retry.Multiplier, 1)
	}
	if doc.EachParallel > 0 && doc.Each.IsNull() {
		c.warningf("no_effect", pointer+"/each_parallel", "each_parallel has no effect without each")
	}
	if doc.Finally && doc.Join != "" {
		c.warningf("no_effect", pointer+"/join", "join has no effect on a finally node: it runs when all others have ended")
	}
}

// oneOf checks a field that may only hold one of a few words, or nothing.
func (c *compiler) oneOf(pointer, field, given string, allowed ...string) {
	if given == "" || slices.Contains(allowed, given) {
		return
	}
	mend := flowforge.DidYouMean(given, allowed)
	if mend == "" {
		mend = ": write " + strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
	}
	c.problemf("bad_value", pointer+field, "%q is not known here%s", given, mend)
}

func (c *compiler) atLeast(pointer, field string, given, least float64) {
	if given < least {
		c.problemf("bad_value", pointer+field, "this must be at least %v, not %v", least, given)
	}
}

// node compiles what a node says once the graph around it is known.
func (c *compiler) node(g *Graph, i int32, p place, found *refs) {
	n := &g.Nodes[i]
	if n.Type == nil {
		return
	}
	at := p.pointer + "/nodes/" + strconv.Itoa(int(i))
	scope := p.scope
	if !n.Doc.Each.IsNull() {
		n.Each = c.list(c.template(n.Doc.Each, at+"/each", expr.Options{Scope: p.scope}, g, i, found), at+"/each")
		scope |= expr.ScopeElement
		if n.Loop != "" {
			c.problemf("each_on_loop", at+"/each", "%s is a loop already: put it into the body of a core.foreach", n.Doc.Type)
		}
	}
	c.checkCredentials(n, at)
	c.checkParams(n, at+"/params")
	if n.Loop == "" {
		c.params(g, i, at+"/params", scope, found)
	} else {
		c.loop(g, i, at, p, found)
	}
	n.Pure = n.isPure()
}

func (c *compiler) checkParams(n *Node, pointer string) {
	params := n.Doc.Params
	if params.IsNull() {
		params = flowforge.MustValue(map[string]any{})
	}
	if _, ok := params.Any().(map[string]any); !ok {
		c.problemf("bad_type", pointer, "params must be an object")
		return
	}
	schema, known := c.schemas[n.Type]
	if !known {
		// Registering the type has compiled it once, so that this cannot fail.
		schema, _ = nodes.CompileSchema(n.Type.Spec.Params)
		c.schemas[n.Type] = schema
	}
	c.add(schema.Check(params, pointer, expr.IsTemplate)...)
	if n.Type.Check != nil {
		for _, problem := range n.Type.Check(params) {
			problem.Pointer = pointer + problem.Pointer
			c.add(problem)
		}
	}
}

func (c *compiler) checkCredentials(n *Node, pointer string) {
	slots := make([]string, 0, len(n.Type.Spec.Credentials))
	for _, slot := range n.Type.Spec.Credentials {
		slots = append(slots, slot.Name)
		if slot.Required && n.Doc.Credentials[slot.Name] == "" {
			c.problemf("missing_credential", pointer+"/credentials", "%s needs a credential: name one under credentials.%s (%s)",
				n.Doc.Type, slot.Name, strings.Join(slot.Types, ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.Doc.Credentials)) {
		if slices.Contains(slots, name) {
			continue
		}
		mend := ": it takes none"
		if len(slots) > 0 {
			mend = ": it takes " + strings.Join(slots, ", ")
		}
		c.problemf("unknown_credential", pointer+"/credentials/"+flowforge.EscapePointer(name),
			"%s takes no credential %q%s", n.Doc.Type, name, mend)
	}
}

// params compiles the parameters of a node that is not a loop.
func (c *compiler) params(g *Graph, i int32, pointer string, scope expr.Scope, found *refs) {
	n := &g.Nodes[i]
	if n.Doc.Params.IsNull() {
		return
	}
	lambdas := n.Type.Spec.Expressions
	literal := func(at string) bool {
		return slices.ContainsFunc(lambdas, func(l nodes.ExpressionParam) bool {
			return matches(l.Pointer, at)
		})
	}
	if len(lambdas) > 0 {
		c.lambdas(g, i, n.Doc.Params.Any(), "", pointer, scope, found)
	}
	n.Params = c.template(n.Doc.Params, pointer, expr.Options{Scope: scope, Literal: literal}, g, i, found)
}

// lambdas compiles the parameters that the node evaluates itself.
func (c *compiler) lambdas(g *Graph, i int32, x any, at, base string, scope expr.Scope, found *refs) {
	switch x := x.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			c.lambdas(g, i, x[key], at+"/"+flowforge.EscapePointer(key), base, scope, found)
		}
	case []any:
		for j, item := range x {
			c.lambdas(g, i, item, at+"/"+strconv.Itoa(j), base, scope, found)
		}
	case string:
		for _, l := range g.Nodes[i].Type.Spec.Expressions {
			if matches(l.Pointer, at) {
				c.lambda(g, i, x, base+at, l, scope, found)
				return
			}
		}
	}
}

func (c *compiler) lambda(g *Graph, i int32, source, pointer string, param nodes.ExpressionParam, scope expr.Scope, found *refs) {
	if !expr.IsTemplate(source) {
		if !param.Path {
			c.problemf("not_expression", pointer, "this must be an expression: write it as \"{{ %s }}\"", source)
		}
		return
	}
	program := c.expression(source, pointer, scope|lambdaScope(param), g, i, found)
	if program == nil {
		return
	}
	n := &g.Nodes[i]
	if n.Lambda == nil {
		n.Lambda = make(map[string]*expr.Program)
	}
	n.Lambda[source] = program
}

func lambdaScope(param nodes.ExpressionParam) expr.Scope {
	var scope expr.Scope
	if slices.Contains(param.Scope, "item") || slices.Contains(param.Scope, "index") {
		scope |= expr.ScopeElement
	}
	if slices.Contains(param.Scope, "output") {
		scope |= expr.ScopeOutput
	}
	return scope
}

// matches reports whether a pointer fits a pattern whose steps "*" fit any.
func matches(pattern, pointer string) bool {
	for pattern != "" && pointer != "" {
		var want, have string
		want, pattern = step(pattern)
		have, pointer = step(pointer)
		if want != "*" && want != have {
			return false
		}
	}
	return pattern == "" && pointer == ""
}

func step(pointer string) (first, rest string) {
	pointer = strings.TrimPrefix(pointer, "/")
	if i := strings.IndexByte(pointer, '/'); i >= 0 {
		return pointer[:i], pointer[i:]
	}
	return pointer, ""
}

func (c *compiler) template(v flowforge.Value, pointer string, options expr.Options, g *Graph, i int32, found *refs) *expr.Template {
	template, problems := c.exprs.Template(v, pointer, options)
	c.add(problems...)
	if template == nil {
		return nil
	}
	c.readsVars = c.readsVars || template.Uses("vars")
	for _, reference := range template.Refs() {
		c.resolve(g, i, reference, found)
	}
	return template
}

func (c *compiler) expression(source, pointer string, scope expr.Scope, g *Graph, i int32, found *refs) *expr.Program {
	program, problems := c.exprs.Expression(source, pointer, scope)
	c.add(problems...)
	if program == nil {
		return nil
	}
	c.readsVars = c.readsVars || program.Uses("vars")
	for _, reference := range program.Refs() {
		c.resolve(g, i, reference, found)
	}
	return program
}

func (n *Node) isPure() bool {
	if n.Type.Spec.Kind != nodes.Pure || (n.Params != nil && !n.Params.Deterministic()) ||
		(n.Each != nil && !n.Each.Deterministic()) {
		return false
	}
	for _, program := range n.Lambda {
		if !program.Deterministic() {
			return false
		}
	}
	return true
}
