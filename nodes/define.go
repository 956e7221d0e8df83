package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/flowforge-go/flowforge"
)

// Define makes a node type of a Go function. P is the struct of the parameters and R what the function
// returns; the schemas in the Spec are made from them. Struct tags are those of encoding/json, and of
// github.com/invopop/jsonschema for titles, descriptions, enumerations, bounds and defaults; a field without
// omitempty or omitzero is required.
//
// An R of type flowforge.Ports names the ports itself; any other R is delivered on "out".
//
// It panics where P or R cannot be put into JSON, since that is the program's mistake.
func Define[P, R any](spec Spec, run func(ctx context.Context, call *Call, params P) (R, error)) Type {
	paramsType, resultType := reflect.TypeFor[P](), reflect.TypeFor[R]()
	if spec.Params.IsNull() {
		spec.Params = schemaOf(paramsType)
	}
	if spec.Output.IsNull() && resultType != portsType && resultType != valueType {
		spec.Output = schemaOf(resultType)
	}
	if spec.Expressions == nil {
		spec.Expressions = expressionParams(paramsType, "", elementScope)
	}
	return Type{Spec: spec, Node: &typed[P, R]{run: run, decode: paramsDecoder[P]()}}
}

// typed is a Node over a function with typed parameters and result.
type typed[P, R any] struct {
	run    func(context.Context, *Call, P) (R, error)
	decode func(flowforge.Value, *P) error
}

// Execute decodes the parameters, calls the function and encodes its result.
func (t *typed[P, R]) Execute(ctx context.Context, call *Call) (flowforge.Ports, error) {
	var params P
	if err := t.decode(call.Params, &params); err != nil {
		return nil, Permanent(flowforge.Errorf(flowforge.CodeInvalidParams, "read parameters: %w", err))
	}
	result, err := t.run(ctx, call, params)
	if err != nil {
		return nil, err
	}
	switch result := any(result).(type) {
	case flowforge.Ports:
		return result, nil
	case flowforge.Value:
		return flowforge.Out(result), nil
	}
	value, err := flowforge.ValueOf(result)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return flowforge.Out(value), nil
}

// paramsDecoder spares types without parameters, and those that take them as they are, the decoding. Fields of
// type Value and *Value are set without it too, since they may hold lists of any length; a *Value tells null
// from absent.
func paramsDecoder[P any]() func(flowforge.Value, *P) error {
	t := reflect.TypeFor[P]()
	switch {
	case t.Kind() == reflect.Struct && t.NumField() == 0:
		return func(flowforge.Value, *P) error { return nil }
	case t == valueType:
		return func(value flowforge.Value, into *P) error {
			reflect.ValueOf(into).Elem().Set(reflect.ValueOf(value))
			return nil
		}
	}
	whole := valueFields(t)
	return func(value flowforge.Value, into *P) error {
		object, ok := value.Any().(map[string]any)
		if !ok || len(whole) == 0 {
			if value.IsNull() {
				return nil
			}
			return value.Decode(into)
		}
		return decodeAround(object, whole, reflect.ValueOf(into))
	}
}

// valueFields finds the fields of type Value and *Value of a struct, embedded ones included: index by name in
// JSON.
func valueFields(t reflect.Type) map[string][]int {
	if t.Kind() != reflect.Struct {
		return nil
	}
	fields := make(map[string][]int)
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" && (field.Type == valueType || field.Type == reflect.PointerTo(valueType)) {
			fields[name] = field.Index
		}
	}
	return fields
}

// decodeAround sets the fields in whole as they are and decodes the others.
func decodeAround(object map[string]any, whole map[string][]int, into reflect.Value) error {
	rest := make(map[string]any, len(object))
	for key, item := range object {
		index, found := whole[key]
		if !found {
			rest[key] = item
			continue
		}
		value, err := flowforge.Freeze(item)
		if err != nil {
			return err
		}
		field := into.Elem().FieldByIndex(index)
		if field.Type() == valueType {
			field.Set(reflect.ValueOf(value))
		} else {
			field.Set(reflect.ValueOf(&value))
		}
	}
	if len(rest) == 0 {
		return nil
	}
	text, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into.Interface())
}

var (
	valueType    = reflect.TypeFor[flowforge.Value]()
	portsType    = reflect.TypeFor[flowforge.Ports]()
	graphType    = reflect.TypeFor[flowforge.Graph]()
	durationType = reflect.TypeFor[flowforge.Duration]()
	anyType      = reflect.TypeFor[any]()
)

// schemaOf makes the JSON Schema of a Go type.
func schemaOf(t reflect.Type) flowforge.Value {
	if t == anyType || t == valueType {
		return flowforge.Value{}
	}
	reflector := jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true, Mapper: schemaOfNoun}
	text, err := json.Marshal(reflector.ReflectFromType(t))
	if err != nil {
		panic(fmt.Sprintf("make the JSON Schema of %s: %v", t, err))
	}
	schema, err := flowforge.ParseValue(text)
	if err != nil {
		panic(fmt.Sprintf("make the JSON Schema of %s: %v", t, err))
	}
	return schema
}

// schemaOfNoun gives the schemas of our own types, nil for all others. The keys that begin with "x-" are
// hints for those who draw a form.
func schemaOfNoun(t reflect.Type) *jsonschema.Schema {
	hint := func(schemaType, key string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: schemaType, Extras: map[string]any{key: true}}
	}
	switch t {
	case valueType, reflect.PointerTo(valueType):
		return &jsonschema.Schema{}
	case durationType:
		return &jsonschema.Schema{Type: "string", Pattern: durationPattern, Extras: map[string]any{"x-duration": true}}
	case graphType:
		return hint("object", "x-graph")
	case exprType:
		return hint("string", "x-expression")
	case selectorType:
		return hint("string", "x-selector")
	case selectorsType:
		one := hint("string", "x-selector")
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{one, {Type: "array", Items: one}}}
	}
	return nil
}

const durationPattern = `^([0-9]+d)?([0-9]+(\.[0-9]+)?(h|m|s|ms|us|µs|ns))*$`
