package flowforge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// P holds a node's parameters by name; strings in it are templates, a *Body in it is a nested graph.
type P = map[string]any

// Builder writes a workflow document in Go. Nothing fails on the way: Build tells all that is wrong.
type Builder struct {
	Body
	workflow Workflow
	schema   any
}

// NewWorkflow begins a document.
func NewWorkflow(name string) *Builder { return &Builder{workflow: Workflow{Name: name}} }

// Describe says what the workflow is for.
func (b *Builder) Describe(text string) { b.workflow.Description = text }

// Settings sets the workflow's wishes for its runs.
func (b *Builder) Settings(settings Settings) { b.workflow.Settings = settings }

// InputSchema sets the JSON Schema that a run's input is checked with at its start.
func (b *Builder) InputSchema(schema any) { b.schema = schema }

// Build gives the document, exactly as DecodeWorkflow reads it from JSON. The error is an Error with
// CodeInvalidWorkflow that carries Problems: all that cannot be written as a document. Whether nodes, ports
// and expressions fit together, the engine tells when it validates.
func (b *Builder) Build() (*Workflow, error) {
	writer := &writer{}
	w := b.workflow
	w.InputSchema = writer.value(b.schema, "/input_schema", 0)
	w.Graph = writer.graph(&b.Body, "")
	text, err := json.Marshal(w)
	if err != nil {
		writer.add("bad_value", "", err.Error())
		return nil, writer.problems.Err()
	}
	document, err := DecodeWorkflow(text)
	writer.problems = append(writer.problems, ProblemsOf(err)...)
	if err := writer.problems.Err(); err != nil {
		return nil, err
	}
	return document, nil
}

// MarshalJSON gives the document that Build gives.
func (b *Builder) MarshalJSON() ([]byte, error) {
	document, err := b.Build()
	if err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

// Body writes a graph in Go: that of a workflow, or, as a parameter, that of a core.foreach or core.repeat.
type Body struct {
	steps       []*Step
	connections []Connection
	output      any
	strangers   []NodeID // steps of other graphs that were connected here
	open        bool     // whether it is being written just now
}

// NewBody begins a nested graph.
func NewBody() *Body { return &Body{} }

// Add puts in a node. Where several parameter sets are given, a later one's names win.
func (b *Body) Add(id NodeID, nodeType string, params ...P) *Step {
	s := &Step{in: b, node: Node{ID: id, Type: nodeType}}
	for _, set := range params {
		for name, param := range set {
			s.Param(name, param)
		}
	}
	b.steps = append(b.steps, s)
	return s
}

// Connect leads from one node to another; each is written "node" or "node.port".
func (b *Body) Connect(from, to string) {
	b.connections = append(b.connections, Connection{From: Endpoint{Node: NodeID(from)}, To: Endpoint{Node: NodeID(to)}})
}

// Output sets the template of the graph's output; without it the terminal nodes make the output.
func (b *Body) Output(template any) { b.output = template }

// MarshalJSON gives the graph, for a body that stands deep inside a parameter of another type than P.
func (b *Body) MarshalJSON() ([]byte, error) {
	writer := &writer{}
	graph := writer.body(b, "")
	return graph.JSON(), writer.problems.Err()
}

// Step is a node being written. Its methods set the node's fields of the same name and give the step back.
type Step struct {
	in           *Body
	node         Node
	params       P
	each, pinned any
	isPinned     bool
}

// Then connects the step's port "out" to the next step, which it gives back, so that a sequence reads as one.
func (s *Step) Then(next *Step) *Step { return s.On("").Then(next) }

// On is one of the step's output ports, to be connected with Then.
func (s *Step) On(port Port) Source { return Source{step: s, port: port} }

// Source is an output port of a step.
type Source struct {
	step *Step
	port Port
}

// Then connects the port to the next step, which it gives back.
func (o Source) Then(next *Step) *Step {
	body := o.step.in
	if next.in != body {
		body.strangers = append(body.strangers, next.node.ID)
		return next
	}
	from := Endpoint{Node: o.step.node.ID, Port: o.port}
	body.connections = append(body.connections, Connection{From: from, To: Endpoint{Node: next.node.ID}})
	return next
}

// Param sets one parameter.
func (s *Step) Param(name string, param any) *Step {
	if s.params == nil {
		s.params = P{}
	}
	s.params[name] = param
	return s
}

// Credential names the stored credential to use for one of the node's uses, such as "auth".
func (s *Step) Credential(use, name string) *Step {
	if s.node.Credentials == nil {
		s.node.Credentials = map[string]string{}
	}
	s.node.Credentials[use] = name
	return s
}

// Retry sets how often and when a failed attempt is made again.
func (s *Step) Retry(policy RetryPolicy) *Step { s.node.Retry = policy; return s }

// Timeout bounds one attempt.
func (s *Step) Timeout(d time.Duration) *Step { s.node.Timeout = Duration(d); return s }

// NodeTimeout bounds all attempts and elements together.
func (s *Step) NodeTimeout(d time.Duration) *Step { s.node.NodeTimeout = Duration(d); return s }

// OnError sets what the node's failure means for the run.
func (s *Step) OnError(action OnError) *Step { s.node.OnError = action; return s }

// Join sets when a node with several incoming connections runs.
func (s *Step) Join(join Join) *Step { s.node.Join = join; return s }

// Each runs the node once per element of a list: a template, or the list itself.
func (s *Step) Each(list any) *Step { s.each = list; return s }

// EachParallel bounds how many elements run at a time.
func (s *Step) EachParallel(n int) *Step { s.node.EachParallel = n; return s }

// Finally runs the node when every other one has ended, whatever became of them.
func (s *Step) Finally() *Step { s.node.Finally = true; return s }

// Delivery sets how often the node's effect may happen when workers are lost.
func (s *Step) Delivery(delivery Delivery) *Step { s.node.Delivery = delivery; return s }

// Pool sets the pool of workers that runs the node.
func (s *Step) Pool(name string) *Step { s.node.Pool = name; return s }

// TypeVersion keeps the node at one version of its type.
func (s *Step) TypeVersion(version int) *Step { s.node.TypeVersion = version; return s }

// Name sets the text that people see.
func (s *Step) Name(text string) *Step { s.node.Name = text; return s }

// Notes sets a remark for people.
func (s *Step) Notes(text string) *Step { s.node.Notes = text; return s }

// Disabled lets the node's input pass on to "out" without running it.
func (s *Step) Disabled() *Step { s.node.Disabled = true; return s }

// Pinned sets the output that test runs use instead of running the node.
func (s *Step) Pinned(output any) *Step { s.pinned, s.isPinned = output, true; return s }

// Position sets where a designer draws the node.
func (s *Step) Position(x, y float64) *Step { s.node.Position = &Position{X: x, Y: y}; return s }

// writer makes the document of what was built, and notes what cannot be written.
type writer struct{ problems Problems }

func (w *writer) add(code, pointer, message string) {
	w.problems = append(w.problems, Problem{Code: code, Pointer: pointer, Message: message})
}

func (w *writer) graph(b *Body, pointer string) Graph {
	b.open = true
	defer func() { b.open = false }()
	graph := Graph{Nodes: []Node{}, Connections: b.connections, Output: w.value(b.output, pointer+"/output", 0)}
	for i, s := range b.steps {
		graph.Nodes = append(graph.Nodes, w.node(s, pointer+"/nodes/"+strconv.Itoa(i)))
	}
	for _, id := range b.strangers {
		w.add("other_graph", pointer+"/connections", fmt.Sprintf("%q belongs to another graph: connect steps of one graph only", id))
	}
	return graph
}

func (w *writer) node(s *Step, pointer string) Node {
	node := s.node
	if s.params != nil {
		node.Params = w.value(s.params, pointer+"/params", 0)
	}
	node.Each = w.value(s.each, pointer+"/each", 0)
	if s.isPinned {
		pinned := w.value(s.pinned, pointer+"/pinned", 0)
		node.Pinned = &pinned
	}
	return node
}

// value makes a value of anything encoding/json can encode; bodies in it become graphs.
func (w *writer) value(x any, pointer string, depth int) Value {
	if depth > maxValueDepth {
		w.add("bad_value", pointer, "this is nested too deep")
		return Value{}
	}
	var v Value
	var err error
	switch x := x.(type) {
	case *Body:
		return w.body(x, pointer)
	case map[string]any:
		object := make(map[string]any, len(x))
		for _, key := range slices.Sorted(maps.Keys(x)) {
			object[key] = w.value(x[key], pointer+"/"+EscapePointer(key), depth+1)
		}
		v, err = Freeze(object)
	case []any:
		list := make([]any, len(x))
		for i, item := range x {
			list[i] = w.value(item, pointer+"/"+strconv.Itoa(i), depth+1)
		}
		v, err = Freeze(list)
	default:
		v, err = ValueOf(x)
	}
	if err != nil {
		w.add("bad_value", pointer, err.Error())
	}
	return v
}

func (w *writer) body(b *Body, pointer string) Value {
	if b.open {
		w.add("bad_value", pointer, "this body is inside itself: make another one with NewBody")
		return Value{}
	}
	v, err := ValueOf(w.graph(b, pointer))
	if err != nil {
		w.add("bad_value", pointer, err.Error())
		return Value{}
	}
	_, err = DecodeGraph(v, pointer)
	w.problems = append(w.problems, ProblemsOf(err)...)
	return v
}
