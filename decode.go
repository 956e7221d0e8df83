package flowforge

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// DecodeWorkflow reads a workflow document from JSON. Unknown fields and wrong types are refused, all of them
// at once: the error is an Error with CodeInvalidWorkflow that carries Problems.
func DecodeWorkflow(text []byte) (*Workflow, error) {
	var workflow Workflow
	if err := decodeStrict(text, "", &workflow); err != nil {
		return nil, err
	}
	return &workflow, nil
}

// DecodeGraph reads a nested graph from a parameter's value; pointer says where in the document it stands.
func DecodeGraph(value Value, pointer string) (*Graph, error) {
	var graph Graph
	if err := decodeStrict(value.JSON(), pointer, &graph); err != nil {
		return nil, err
	}
	return &graph, nil
}

func decodeStrict(text []byte, pointer string, into any) error {
	tree, err := decodeTree(text)
	if err != nil {
		return Problems{{Code: "syntax", Pointer: pointer, Message: "this is not JSON: " + jsonError(err).Error()}}.Err()
	}
	var shape shapeChecker
	shape.check(tree, reflect.TypeOf(into).Elem(), pointer)
	if err := shape.problems.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return Problems{{Code: "bad_type", Pointer: pointer, Message: err.Error()}}.Err()
	}
	return nil
}

func decodeTree(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the document")
	}
	return tree, nil
}

// shapeChecker compares a decoded tree with the Go type it is meant for. encoding/json alone would stop at
// the first problem and not say where it is.
type shapeChecker struct {
	problems Problems
	fields   map[reflect.Type]map[string]reflect.Type // by JSON name
}

var (
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	valueType           = reflect.TypeFor[Value]()
)

func (s *shapeChecker) check(tree any, t reflect.Type, pointer string) {
	if t == valueType || tree == nil {
		return
	}
	if t.Kind() == reflect.Pointer {
		s.check(tree, t.Elem(), pointer)
		return
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshalerType) || p.Implements(textUnmarshalerType) {
		s.checkSelfDecoding(tree, t, pointer)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		s.checkStruct(tree, t, pointer)
	case reflect.Slice:
		list, ok := tree.([]any)
		if !ok {
			s.wrongType(tree, "a list", pointer)
		}
		for i, item := range list {
			s.check(item, t.Elem(), pointer+"/"+strconv.Itoa(i))
		}
	case reflect.Map:
		object, ok := tree.(map[string]any)
		if !ok {
			s.wrongType(tree, "an object", pointer)
		}
		for _, key := range sortedKeys(object) {
			s.check(object[key], t.Elem(), pointer+"/"+EscapePointer(key))
		}
	default:
		s.checkScalar(tree, t, pointer)
	}
}

func (s *shapeChecker) checkSelfDecoding(tree any, t reflect.Type, pointer string) {
	text, err := json.Marshal(tree)
	if err == nil {
		err = json.Unmarshal(text, reflect.New(t).Interface())
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		s.wrongType(tree, "a "+wrong.Type.Kind().String(), pointer)
		return
	}
	if err != nil {
		s.add("bad_value", pointer, err.Error())
	}
}

func (s *shapeChecker) checkStruct(tree any, t reflect.Type, pointer string) {
	object, ok := tree.(map[string]any)
	if !ok {
		s.wrongType(tree, "an object", pointer)
		return
	}
	fields := s.fieldsOf(t)
	for _, key := range sortedKeys(object) {
		at := pointer + "/" + EscapePointer(key)
		field, known := fields[key]
		if !known {
			s.add("unknown_field", at, fmt.Sprintf("there is no field %q here%s", key, didYouMeanOrList(key, sortedKeys(fields))))
			continue
		}
		s.check(object[key], field, at)
	}
}

func (s *shapeChecker) fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields, known := s.fields[t]
	if !known {
		fields = make(map[string]reflect.Type)
		collectFields(t, fields)
		if s.fields == nil {
			s.fields = make(map[reflect.Type]map[string]reflect.Type)
		}
		s.fields[t] = fields
	}
	return fields
}

func collectFields(t reflect.Type, into map[string]reflect.Type) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			collectFields(field.Type, into)
			continue
		}
		into[name] = field.Type
	}
}

func (s *shapeChecker) checkScalar(tree any, t reflect.Type, pointer string) {
	switch t.Kind() {
	case reflect.String:
		if _, ok := tree.(string); !ok {
			s.wrongType(tree, "a string", pointer)
		}
	case reflect.Bool:
		if _, ok := tree.(bool); !ok {
			s.wrongType(tree, "true or false", pointer)
		}
	case reflect.Int:
		number, ok := tree.(json.Number)
		if _, err := strconv.ParseInt(string(number), 10, strconv.IntSize); !ok || err != nil {
			s.wrongType(tree, "a whole number", pointer)
		}
	case reflect.Float64:
		if _, ok := tree.(json.Number); !ok {
			s.wrongType(tree, "a number", pointer)
		}
	default:
		panic("a document has no fields of kind " + t.Kind().String())
	}
}

func (s *shapeChecker) wrongType(tree any, want, pointer string) {
	s.add("bad_type", pointer, fmt.Sprintf("this must be %s, not %s", want, describe(tree)))
}

func (s *shapeChecker) add(code, pointer, message string) {
	s.problems = append(s.problems, Problem{Code: code, Pointer: pointer, Message: message})
}

func describe(tree any) string {
	switch tree := tree.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(tree)
	case string:
		return "the string " + strconv.Quote(shorten(tree))
	case json.Number:
		return "the number " + shorten(string(tree))
	case []any:
		return "a list"
	}
	return "an object"
}

func shorten(text string) string {
	const limit = 40
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func didYouMeanOrList(word string, known []string) string {
	if hint := DidYouMean(word, known); hint != "" {
		return hint
	}
	return ": it may be " + strings.Join(known, ", ")
}

// EscapePointer writes a key as one step of a JSON pointer (RFC 6901).
func EscapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
