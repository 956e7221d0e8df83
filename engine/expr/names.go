package expr

import (
	"slices"
	"sort"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/flowforge-go/flowforge"
)

// The names of what an expression reads.
const (
	nameInput   = "input"
	nameTrigger = "trigger"
	nameNodes   = "nodes"
	nameRun     = "run"
	nameVars    = "vars"
	nameItem    = "item"
	nameIndex   = "index"
	nameOutput  = "output"
)

var (
	allNames   = []string{nameInput, nameTrigger, nameNodes, nameRun, nameVars, nameItem, nameIndex, nameOutput}
	nodeFields = []string{nameOutput, "error", "errors"}
)

// scopeOf gives the scope that a name needs beyond the usual, and the sentence that says where it is there.
func scopeOf(name string) (Scope, string) {
	switch name {
	case nameItem, nameIndex:
		return ScopeElement, name + " is only there inside each and core.foreach"
	case nameOutput:
		return ScopeOutput, "output is only there in the condition of core.repeat; another node's is nodes.<id>.output"
	}
	return 0, ""
}

func (t *translator) identifier(n *ast.IdentifierNode) step {
	name := n.Value
	if slot := slices.Index(t.locals, name); slot >= 0 {
		return func(m *machine) (any, error) { return m.locals[slot], nil }
	}
	if name == typeNull {
		return func(*machine) (any, error) { return nil, nil }
	}
	if needed, sentence := scopeOf(name); needed&^t.scope != 0 {
		return t.problem(codeName, "%s", sentence)
	}
	if !slices.Contains(allNames, name) {
		return t.unknownName(name)
	}
	t.uses[name] = true
	switch name {
	case nameInput:
		return func(m *machine) (any, error) { return m.env.Input.Any(), nil }
	case nameTrigger:
		return func(m *machine) (any, error) { return m.env.Trigger.Any(), nil }
	case nameVars:
		return func(m *machine) (any, error) { return m.env.Vars.Any(), nil }
	case nameRun:
		return func(m *machine) (any, error) { return m.env.Run.Any(), nil }
	case nameItem:
		return func(m *machine) (any, error) { return m.env.Item, nil }
	case nameIndex:
		return func(m *machine) (any, error) { return int64(m.env.Index), nil }
	case nameOutput:
		return func(m *machine) (any, error) { return m.env.Output, nil }
	}
	return t.problem(codeName, "nodes is read one node at a time, by its id as it stands: nodes.<id>.output")
}

func (t *translator) unknownName(name string) step {
	if _, ok := library()[name]; ok {
		return t.problem(codeName, "%s is a function: write %s(...)", name, name)
	}
	known := append([]string{"true", "false", typeNull}, t.locals...)
	for _, candidate := range allNames {
		if needed, _ := scopeOf(candidate); needed&^t.scope == 0 {
			known = append(known, candidate)
		}
	}
	names := strings.Join(known[3+len(t.locals):], ", ")
	guess := flowforge.DidYouMean(name, known)
	if guess == "" {
		guess = flowforge.DidYouMean(name, functionNames())
	}
	if guess == "" {
		guess = ": there are " + names + "; text goes in quotes"
	}
	return t.problem(codeName, "there is no name %q%s", name, guess)
}

// pointer translates #, #index and #acc, the element and so on within map, filter and the like.
func (t *translator) pointer(n *ast.PointerNode) step {
	switch n.Name {
	case "":
		return func(m *machine) (any, error) { return m.scope.item, nil }
	case "index":
		return func(m *machine) (any, error) { return int64(m.scope.index), nil }
	case "acc":
		return func(m *machine) (any, error) { return m.scope.acc, nil }
	}
	return t.problem(codeName, "there is no #%s: there are # (the element), #index and, in reduce, #acc", n.Name)
}

// nodeReference recognises nodes.x and nodes.x.output, also in brackets and with ?. instead of the dot.
func (t *translator) nodeReference(n *ast.MemberNode) (ref nodeField, ok bool) {
	last, isText := n.Property.(*ast.StringNode)
	if !isText {
		return nodeField{}, false
	}
	inner := unchain(n.Node)
	if t.isNodes(inner) {
		return nodeField{node: last.Value}, true
	}
	member, isMember := inner.(*ast.MemberNode)
	if !isMember || !t.isNodes(unchain(member.Node)) {
		return nodeField{}, false
	}
	id, isText := member.Property.(*ast.StringNode)
	if !isText {
		return nodeField{}, false
	}
	return nodeField{id.Value, last.Value}, true
}

func (t *translator) isNodes(node ast.Node) bool {
	identifier, ok := node.(*ast.IdentifierNode)
	return ok && identifier.Value == nameNodes
}

// node translates a reference to another node into one read.
func (t *translator) node(ref nodeField) step {
	if ref.field != "" && !slices.Contains(nodeFields, ref.field) {
		guess := flowforge.DidYouMean(ref.field, nodeFields)
		if guess == "" {
			guess = ": did you mean nodes." + ref.node + ".output." + ref.field + "?"
		}
		return t.problem(codeName, "nodes.%s has output, error and errors, but no %q%s", ref.node, ref.field, guess)
	}
	t.uses[nameNodes] = true
	if !slices.Contains(t.refs, ref) {
		t.refs = append(t.refs, ref)
	}
	id := ref.node
	switch ref.field {
	case nameOutput:
		return func(m *machine) (any, error) { return m.node(id).Output.Any(), nil }
	case "error":
		return func(m *machine) (any, error) { return m.node(id).Error.Any(), nil }
	case "errors":
		return func(m *machine) (any, error) { return m.node(id).Errors.Any(), nil }
	}
	return func(m *machine) (any, error) {
		view := m.node(id)
		return map[string]any{nameOutput: view.Output.Any(), "error": view.Error.Any(), "errors": view.Errors.Any()}, nil
	}
}

// whole gives a read of the value as it is, where an expression is no more than the name of one.
func (t *translator) whole(tree ast.Node) func(m *machine) flowforge.Value {
	if len(t.problems) > 0 {
		return nil
	}
	switch n := unchain(tree).(type) {
	case *ast.IdentifierNode:
		switch n.Value {
		case nameInput:
			return func(m *machine) flowforge.Value { return m.env.Input }
		case nameTrigger:
			return func(m *machine) flowforge.Value { return m.env.Trigger }
		case nameVars:
			return func(m *machine) flowforge.Value { return m.env.Vars }
		}
	case *ast.MemberNode:
		if ref, ok := t.nodeReference(n); ok && ref.field == nameOutput {
			return func(m *machine) flowforge.Value { return m.node(ref.node).Output }
		}
	}
	return nil
}

func (m *machine) node(id string) NodeView {
	if m.env.Nodes == nil {
		return NodeView{}
	}
	return m.env.Nodes.Node(id)
}

// functionNames gives the names of all functions in order.
func functionNames() []string {
	names := make([]string, 0, len(library()))
	for name := range library() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
