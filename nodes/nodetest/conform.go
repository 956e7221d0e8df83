package nodetest

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// Conform checks what the contract asks of every node type. Each check that fails says the sentence of the
// contract that it checks. Only what the examples show is run: those that have a Want, and all of a pure type,
// so that nothing reaches the world unless an example with a Want does.
func Conform(t TB, typ nodes.Type) {
	t.Helper()
	c := conformer{typ: typ, patience: patience}
	for _, check := range checks() {
		if err := check.run(t.Context(), &c); err != nil {
			t.Errorf("%s: %s\n%v", typ.Spec.Type, check.sentence, err)
		}
	}
}

// patience is how long an attempt may take to return once its context has ended.
const patience = 10 * time.Second

// check is a sentence of the contract, and what finds a type that breaks it.
type check struct {
	sentence string
	run      func(ctx context.Context, c *conformer) error
}

func checks() []check {
	return []check{
		{"A type has a name, a kind, a schema that can be compiled, and a Node unless it is a loop.", registers},
		{"A Spec says what the type is: title, category, and a Doc whose first sentence stands alone.", describes},
		{"Every parameter has a description.", describesParams},
		{"Every port has a name and a Doc.", describesPorts},
		{"A parameter that the node evaluates itself is one of the schema.", pointsIntoSchema},
		{"A Spec can be stored as JSON and read again.", storesSpec},
		{"A type has an example.", hasExample},
		{"An example fits the schema and passes Check.", examplesFit},
		{"An example gives its Want; one of a pure type without a Want fails.", examplesGive},
		{"A node emits only on ports of its Spec, on each once, and on one only if it picks one.", emitsOnPorts},
		{"What a node delivers on \"out\" fits the schema of the output.", fitsOutput},
		{"A node does not change its input and its parameters.", leavesInput},
		{"A pure node gives the same each time.", repeats},
		{"Execute may be called by many goroutines at once.", concurs},
		{"Execute returns soon after its context has ended.", returnsWhenCanceled},
		{"A node that is given something odd fails; it does not panic.", survives},
		{"Ports and Check take parameters as written, whatever they hold.", takesAnyParams},
	}
}

// conformer checks one type.
type conformer struct {
	typ      nodes.Type
	patience time.Duration
}

// runnable gives the examples that may be run.
func (c *conformer) runnable() []nodes.Example {
	var examples []nodes.Example
	for _, example := range c.typ.Spec.Examples {
		if c.typ.Node != nil && (example.Want != nil || c.typ.Spec.Kind == nodes.Pure) {
			examples = append(examples, example)
		}
	}
	return examples
}

// call makes the call of an example, on copies of what the Spec holds.
func (c *conformer) call(ctx context.Context, example nodes.Example) (*nodes.Call, error) {
	input, err := flowforge.ParseValue(example.Input.JSON())
	if err != nil {
		return nil, err
	}
	params, err := flowforge.ParseValue(example.Params.JSON())
	if err != nil {
		return nil, err
	}
	return (&Host{Input: input}).Call(ctx, c.typ, params)
}

// execute runs an example once.
func (c *conformer) execute(ctx context.Context, example nodes.Example) (outcome, error) {
	call, err := c.call(ctx, example)
	if err != nil {
		return outcome{}, err
	}
	return run(ctx, c.typ.Node, call), nil
}
