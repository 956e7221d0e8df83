package nodetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type doubleParams struct {
	Number flowforge.Value `json:"number" jsonschema_description:"What to double."`
	Only   nodes.Expr      `json:"only,omitempty" jsonschema_description:"When."`
}

// double is a type that conforms; the tests break it in one way each.
func double() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "test.double", Version: 1, Title: "Double", Category: "test", Kind: nodes.Pure,
		Doc:     "Doubles a whole number.\n\nOther things are doubled to 0.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "Twice the number."}},
		Examples: []nodes.Example{{
			Title:  "Twice three",
			Params: flowforge.MustValue(map[string]any{"number": "{{ input.n }}", "only": "{{ item > 0 }}"}),
			Input:  flowforge.MustValue(map[string]any{"n": 3}),
			Want:   flowforge.Out(flowforge.MustValue(6)),
		}},
	}, func(_ context.Context, _ *nodes.Call, p doubleParams) (int64, error) {
		n, _ := p.Number.Any().(int64)
		return 2 * n, nil
	})
}

// recorder is a TB that keeps what fails.
type recorder struct {
	context.Context

	failures []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

type contextTB struct{ *recorder }

func (c contextTB) Context() context.Context { return c.recorder.Context }

func TestConformingTypeConforms(t *testing.T) {
	t.Parallel()
	Conform(t, double())
}

// breakage breaks the type double in one way.
type breakage struct {
	name     string
	breaks   func(*nodes.Type)
	sentence string // of the contract
}

// brokenSpecs say something wrong.
func brokenSpecs() []breakage {
	return []breakage{
		{"no node", func(typ *nodes.Type) { typ.Node = nil }, "A type has a name"},
		{"no kind", func(typ *nodes.Type) { typ.Spec.Kind = "" }, "A type has a name"},
		{"no version", func(typ *nodes.Type) { typ.Spec.Version = 0 }, "A type has a name"},
		{"bad schema", func(typ *nodes.Type) {
			typ.Spec.Output = flowforge.MustValue(map[string]any{"type": "numbr"})
		}, "A type has a name"},
		{"no title", func(typ *nodes.Type) { typ.Spec.Title = "" }, "A Spec says what the type is"},
		{"no category", func(typ *nodes.Type) { typ.Spec.Category = "" }, "A Spec says what the type is"},
		{"no sentence", func(typ *nodes.Type) { typ.Spec.Doc = "Doubles" }, "A Spec says what the type is"},
		{"short sentence", func(typ *nodes.Type) { typ.Spec.Doc = "doubles a whole number." }, "A Spec says what the type is"},
		{"no description", func(typ *nodes.Type) {
			typ.Spec.Params = flowforge.MustValue(map[string]any{"properties": map[string]any{"number": map[string]any{}, "only": map[string]any{"description": "x"}}})
		}, "Every parameter has a description"},
		{"no description of a field of an item", func(typ *nodes.Type) {
			typ.Spec.Params = flowforge.MustValue(map[string]any{"properties": map[string]any{"number": map[string]any{
				"description": "x", "items": map[string]any{"properties": map[string]any{"inner": map[string]any{}}},
			}, "only": map[string]any{"description": "x"}}})
		}, "Every parameter has a description"},
		{"no doc of a port", func(typ *nodes.Type) { typ.Spec.Outputs[0].Doc = "" }, "Every port has a name and a Doc"},
		{"expression nowhere", func(typ *nodes.Type) {
			typ.Spec.Expressions = []nodes.ExpressionParam{{Pointer: "/only", Scope: []string{"item"}}, {Pointer: "/when"}}
		}, "A parameter that the node evaluates itself"},
		{"body nowhere", func(typ *nodes.Type) { typ.Spec.Body = "graph" }, "A parameter that the node evaluates itself"},
		{"not the same in JSON", func(typ *nodes.Type) { typ.Spec.Title = "Double\xff" }, "A Spec can be stored as JSON"},
		{"no example", func(typ *nodes.Type) { typ.Spec.Examples = nil }, "A type has an example"},
		{"no title of an example", func(typ *nodes.Type) { typ.Spec.Examples[0].Title = "" }, "A type has an example"},
		{"example does not fit", func(typ *nodes.Type) {
			typ.Spec.Examples = append(typ.Spec.Examples, nodes.Example{Title: "x", Params: flowforge.MustValue(map[string]any{"numbr": 1})})
		}, "An example fits the schema"},
		{"example does not pass Check", func(typ *nodes.Type) {
			typ.Check = func(flowforge.Value) flowforge.Problems { return flowforge.Problems{{Message: "no"}} }
		}, "An example fits the schema"},
		{"expression out of scope", func(typ *nodes.Type) {
			typ.Spec.Examples[0].Params = flowforge.MustValue(map[string]any{"number": 3, "only": "{{ output }}"})
		}, "An example fits the schema"},
	}
}

// brokenNodes do something wrong.
func brokenNodes() []breakage {
	node := func(f nodes.Func) func(*nodes.Type) { return func(typ *nodes.Type) { typ.Node = f } }
	six := flowforge.Out(flowforge.MustValue(6))
	return []breakage{
		{"example gives something else", node(func(context.Context, *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(flowforge.MustValue(7)), nil
		}), "An example gives its Want"},
		{"pure example without Want succeeds", func(typ *nodes.Type) { typ.Spec.Examples[0].Want = nil }, "An example gives its Want"},
		{"example panics", node(func(context.Context, *nodes.Call) (flowforge.Ports, error) { panic("oh") }), "An example gives its Want"},
		{"unknown port", node(func(context.Context, *nodes.Call) (flowforge.Ports, error) {
			return flowforge.On("other", flowforge.MustValue(6)), nil
		}), "A node emits only on ports"},
		{"port twice", node(func(context.Context, *nodes.Call) (flowforge.Ports, error) {
			return append(six, six...), nil
		}), "A node emits only on ports"},
		{"two ports where it picks one", func(typ *nodes.Type) {
			typ.Spec.PicksOne = true
			typ.Spec.Outputs = append(typ.Spec.Outputs, nodes.PortSpec{Name: "more", Doc: "More."})
			typ.Node = nodes.Func(func(context.Context, *nodes.Call) (flowforge.Ports, error) {
				return append(six, flowforge.On("more", flowforge.MustValue(6))...), nil
			})
		}, "A node emits only on ports"},
		{"output does not fit", func(typ *nodes.Type) {
			typ.Spec.Output = flowforge.MustValue(map[string]any{"type": "string"})
		}, "What a node delivers on \"out\" fits"},
		{"input changed", node(func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			if object, ok := call.Input.Any().(map[string]any); ok {
				object["n"] = 4
			}
			return six, nil
		}), "A node does not change its input"},
		{"parameters changed", node(func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			if object, ok := call.Params.Any().(map[string]any); ok {
				object["number"] = 4
			}
			return six, nil
		}), "A node does not change its input"},
		{"not deterministic", func(typ *nodes.Type) {
			var count atomic.Int64
			typ.Node = nodes.Func(func(context.Context, *nodes.Call) (flowforge.Ports, error) {
				return flowforge.Out(flowforge.MustValue(count.Add(1))), nil
			})
		}, "A pure node gives the same each time"},
		{"not for several goroutines", refuseCompany, "Execute may be called by many goroutines"},
		{"deaf to cancel", node(func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
			if ctx.Err() != nil {
				select {}
			}
			return six, nil
		}), "Execute returns soon after"},
		{"panics on odd input", node(func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return six, fmt.Errorf("%v", call.Input.Any().(map[string]any)["n"])
		}), "A node that is given something odd fails"},
		{"panics on odd parameters", node(func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			_ = call.Params.Any().(map[string]any)["number"].(int64)
			return six, nil
		}), "A node that is given something odd fails"},
		{"Ports panics", func(typ *nodes.Type) {
			typ.Ports = func(params flowforge.Value) []flowforge.Port {
				_ = params.Any().(map[string]any)
				return []flowforge.Port{flowforge.PortOut}
			}
		}, "Ports and Check take parameters as written"},
	}
}

// refuseCompany makes a node that fails where another one runs.
func refuseCompany(typ *nodes.Type) {
	six := flowforge.Out(flowforge.MustValue(6))
	var inside atomic.Int64
	arrived := make(chan struct{})
	typ.Node = nodes.Func(func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
		defer inside.Add(-1)
		if inside.Add(1) == 1 { // alone, unless another comes at once
			select {
			case <-arrived:
				return nil, errors.New("two at once")
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
			return six, nil
		}
		select {
		case arrived <- struct{}{}:
		default:
		}
		return nil, errors.New("two at once")
	})
}

func TestConformFindsBrokenTypes(t *testing.T) {
	t.Parallel()
	tests := slices.Concat(brokenSpecs(), brokenNodes())
	found := make(map[string]bool)
	for _, test := range tests {
		found[test.sentence] = true
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			typ := double()
			test.breaks(&typ)
			c := conformer{typ: typ, patience: 50 * time.Millisecond}
			for _, check := range checks() {
				if strings.HasPrefix(check.sentence, test.sentence) {
					require.Error(t, check.run(t.Context(), &c), check.sentence)
					return
				}
			}
			require.Fail(t, "no check", test.sentence)
		})
	}
	for _, check := range checks() {
		require.True(t, anyPrefix(found, check.sentence), "no broken type for: %s", check.sentence)
	}
}

func anyPrefix(prefixes map[string]bool, text string) bool {
	for prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

func TestConformSaysTheSentence(t *testing.T) {
	t.Parallel()
	typ := double()
	typ.Spec.Category = ""
	r := &recorder{Context: t.Context()}
	Conform(contextTB{r}, typ)
	require.Equal(t, []string{
		"test.double: A Spec says what the type is: title, category, and a Doc whose first sentence stands alone.\nthere is no category",
	}, r.failures)
}
