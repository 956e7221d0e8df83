package flowforge

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// DecodeWorkflow reads a workflow document from JSON. Unknown fields, fields given twice and wrong types are
// refused, all of them at once: the error is an Error with CodeInvalidWorkflow that carries Problems. A field
// that is null counts as left out, save for `pinned`, where null is an output like any other.
//
// With problems the workflow holds what could be read, so that more can be found in it; it must not be run. It is
// nil where the text is not JSON.
func DecodeWorkflow(text []byte) (*Workflow, error) {
	if err := checkJSON(text); err != nil {
		return nil, Problems{{Code: "syntax", Message: "this is not JSON: " + err.Error()}}.Err()
	}
	var workflow Workflow
	err := decodeValid(text, "", &workflow)
	return &workflow, err
}

// DecodeGraph reads a nested graph from a parameter's value; pointer says where in the document it stands.
func DecodeGraph(value Value, pointer string) (*Graph, error) {
	var graph Graph
	if err := decodeValid(value.JSON(), pointer, &graph); err != nil {
		return nil, err
	}
	return &graph, nil
}

func decodeValid(text []byte, pointer string, into any) error {
	d := decoder{base: pointer, shapes: make(map[reflect.Type]*shape)}
	d.text = text
	d.duplicate = d.addDuplicate
	d.decode(reflect.ValueOf(into).Elem())
	return d.problems.Err()
}

// maxProblems bounds how many problems of a document are told.
const maxProblems = 1000

// decoder fills Go variables from JSON and notes what does not fit. encoding/json would stop at the first
// problem, not say where it is, take fields in other spelling, and let a field be given twice.
type decoder struct {
	valueReader
	base     string // pointer of the text's root
	problems Problems
	shapes   map[reflect.Type]*shape
}

var (
	valueType    = reflect.TypeFor[Value]()
	endpointType = reflect.TypeFor[Endpoint]()
)

// decode reads the next value into a variable that is zero.
func (d *decoder) decode(into reflect.Value) {
	if into.Kind() == reflect.Pointer {
		target := reflect.New(into.Type().Elem())
		d.decode(target.Elem())
		into.Set(target)
		return
	}
	switch target := into.Addr().Interface().(type) {
	case *Value:
		d.decodeValue(target)
	case *Duration:
		d.decodeText(func(text string) (err error) { *target, err = ParseDuration(text); return err },
			"a duration such as \"30s\", \"1h30m\" or \"7d\"")
	case encoding.TextUnmarshaler:
		d.decodeText(func(text string) error { return target.UnmarshalText([]byte(text)) }, "a string")
	default:
		d.decodeKind(into)
	}
}

func (d *decoder) decodeKind(into reflect.Value) {
	switch into.Kind() {
	case reflect.Struct:
		d.decodeStruct(into)
	case reflect.Slice:
		d.decodeList(into)
	case reflect.Map:
		d.decodeMap(into)
	case reflect.String:
		d.decodeText(func(text string) error { into.SetString(text); return nil }, "a string")
	case reflect.Bool:
		d.decodeBool(into)
	case reflect.Int, reflect.Float64:
		d.decodeNumber(into)
	default:
		panic("a document has no fields of kind " + into.Kind().String())
	}
}

func (d *decoder) decodeValue(into *Value) {
	depth, start := len(d.path), d.at
	value, err := d.readValue()
	if err != nil {
		d.add("bad_value", err.Error())
		d.path, d.at = d.path[:depth], start
		d.raw()
		return
	}
	*into = value
}

func (d *decoder) decodeText(set func(string) error, want string) {
	if d.next() != '"' {
		d.wrongType(want)
		return
	}
	if err := set(unquote(d.scalar())); err != nil {
		d.add("bad_value", err.Error())
	}
}

func (d *decoder) decodeBool(into reflect.Value) {
	if c := d.next(); c != 't' && c != 'f' {
		d.wrongType("true or false")
		return
	}
	into.SetBool(d.scalar()[0] == 't')
}

func (d *decoder) decodeNumber(into reflect.Value) {
	want, start := "a number", d.at
	if into.Kind() == reflect.Int {
		want = "a whole number"
	}
	if c := d.next(); c == '-' || c >= '0' && c <= '9' {
		if setNumber(into, string(d.scalar())) {
			return
		}
		d.at = start
	}
	d.wrongType(want)
}

func setNumber(into reflect.Value, text string) bool {
	if into.Kind() == reflect.Float64 {
		x, err := strconv.ParseFloat(text, 64)
		into.SetFloat(x)
		return err == nil
	}
	number, _ := parseNumber(text) // however it is written: 7.0 is whole
	x, whole := number.(int64)
	if !whole || into.OverflowInt(x) {
		return false
	}
	into.SetInt(x)
	return true
}

func (d *decoder) decodeList(into reflect.Value) {
	if d.next() != '[' {
		d.wrongType("a list")
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), 0, 0))
	for d.at++; d.next() != ']'; {
		n := into.Len()
		into.Grow(1)
		into.SetLen(n + 1)
		d.path = append(d.path, step{index: n, list: true})
		d.decode(into.Index(n))
		d.path = d.path[:len(d.path)-1]
	}
	d.at++
}

func (d *decoder) decodeMap(into reflect.Value) {
	if d.next() != '{' {
		d.wrongType("an object")
		return
	}
	object := reflect.MakeMap(into.Type())
	for d.at++; d.next() != '}'; {
		key := unquote(d.scalar())
		d.path = append(d.path, step{key: key})
		item := reflect.New(into.Type().Elem()).Elem()
		d.decode(item)
		if name := reflect.ValueOf(key); object.MapIndex(name).IsValid() {
			d.addDuplicate()
		} else {
			object.SetMapIndex(name, item)
		}
		d.path = d.path[:len(d.path)-1]
	}
	d.at++
	into.Set(object)
}

func (d *decoder) decodeStruct(into reflect.Value) {
	if d.next() != '{' {
		d.wrongType("an object")
		return
	}
	var seen, given uint64 // a bit for each field of the struct: named at all, and not as null
	var unknown map[string]bool
	fields := d.shapeOf(into.Type())
	for d.at++; d.next() != '}'; {
		token := d.scalar()
		field, known := fields.named(token)
		if !known {
			field.name = unquote(token)
		}
		d.path = append(d.path, step{key: field.name})
		switch {
		case seen&field.bit != 0 || unknown[field.name]:
			d.addDuplicate()
			d.raw()
		case !known:
			if unknown == nil {
				unknown = make(map[string]bool)
			}
			unknown[field.name] = true
			if len(d.problems) <= maxProblems { // a hint takes its time
				d.add("unknown_field", fmt.Sprintf("there is no field %q here%s", shorten(field.name), fields.hint(field.name)))
			}
			d.raw()
		default:
			seen |= field.bit
			if d.decodeField(into.FieldByIndex(field.index), field.omitEmpty) {
				given |= field.bit
			}
		}
		d.path = d.path[:len(d.path)-1]
	}
	d.at++
	for _, name := range fields.needed {
		if f := fields.fields[name]; given&f.bit == 0 {
			d.path = append(d.path, step{key: name})
			d.add("missing_field", fmt.Sprintf("%q is missing: write it as \"node\" or \"node.port\"", name))
			d.path = d.path[:len(d.path)-1]
		}
	}
}

// decodeField leaves a field at its zero value where the document says null, or says in other words what
// omitempty leaves out. It reports whether the document says anything but null.
func (d *decoder) decodeField(into reflect.Value, omitEmpty bool) (given bool) {
	pinned := into.Kind() == reflect.Pointer && into.Type().Elem() == valueType
	if d.next() == 'n' && !pinned {
		d.scalar()
		return false
	}
	d.decode(into)
	if kind := into.Kind(); omitEmpty && (kind == reflect.Slice || kind == reflect.Map) && into.Len() == 0 {
		into.SetZero()
	}
	return true
}

func (d *decoder) wrongType(want string) {
	d.next()
	d.add("bad_type", fmt.Sprintf("this must be %s, not %s", want, describe(d.raw())))
}

func (d *decoder) addDuplicate() {
	key := d.path[len(d.path)-1].key
	d.add("duplicate_field", fmt.Sprintf("the field %q is given more than once here: keep one", shorten(key)))
}

// add notes a problem with what the path leads to.
func (d *decoder) add(code, message string) {
	switch {
	case len(d.problems) < maxProblems:
		d.problems = append(d.problems, Problem{Code: code, Pointer: d.path.pointer(d.base), Message: message})
	case len(d.problems) == maxProblems:
		d.problems = append(d.problems, Problem{
			Code: "too_many_problems", Pointer: d.base,
			Message: fmt.Sprintf("there are more than %d problems: mend these first", maxProblems),
		})
	}
}

// shape is what a struct of at most 64 fields looks like in JSON.
type shape struct {
	fields map[string]field  // by name
	names  []string          // in the order of the struct
	needed []string          // those that cannot be left out
	inside map[string]string // the field in which a name is known that the struct itself does not know
}

type field struct {
	name  string // in JSON
	index []int  // for FieldByIndex
	bit   uint64 // no other field of the struct has it

	omitEmpty bool
}

func (d *decoder) shapeOf(t reflect.Type) *shape {
	s, known := d.shapes[t]
	if !known {
		s = &shape{fields: make(map[string]field), inside: make(map[string]string)}
		s.collect(t, nil)
		d.shapes[t] = s
	}
	return s
}

func (s *shape) collect(t reflect.Type, outer []int) {
	for f := range t.Fields() {
		index := append(slices.Clip(outer), f.Index...)
		name, options := jsonName(f)
		if f.Anonymous && name == "" {
			s.collect(f.Type, index)
			continue
		}
		s.fields[name] = field{name: name, index: index, bit: 1 << len(s.names), omitEmpty: options == "omitempty"}
		s.names = append(s.names, name)
		if f.Type == endpointType {
			s.needed = append(s.needed, name)
		}
		if f.Type.Kind() == reflect.Struct && f.Type != valueType {
			for inner := range f.Type.Fields() {
				innerName, _ := jsonName(inner)
				s.inside[innerName] = name
			}
		}
	}
}

// named looks for the field that a JSON string names, without copying the string.
func (s *shape) named(token []byte) (field, bool) {
	f, known := s.fields[string(token[1:len(token)-1])]
	if !known && bytes.IndexByte(token, '\\') >= 0 {
		f, known = s.fields[unquote(token)]
	}
	return f, known
}

func jsonName(field reflect.StructField) (name, options string) {
	name, options, _ = strings.Cut(field.Tag.Get("json"), ",")
	return name, options
}

func (s *shape) hint(key string) string {
	if field, ok := s.inside[key]; ok {
		return fmt.Sprintf(": write it inside %q", field)
	}
	if near := DidYouMean(key, s.names); near != "" {
		return near
	}
	return ": it may be " + strings.Join(s.names, ", ")
}

// describe says what a value is, as it is written.
func describe(written []byte) string {
	switch written[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "the string " + strconv.Quote(shorten(unquote(written)))
	case 't', 'f', 'n':
		return string(written)
	}
	return "the number " + shorten(string(written))
}

func shorten(text string) string {
	const limit = 40
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
