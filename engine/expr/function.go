package expr

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/flowforge-go/flowforge"
)

// Function describes a function that expressions can call.
type Function struct {
	// Name is what it is called by.
	Name string
	// Signature shows its parameters and result with their types: "take(list list, count int) list". A
	// parameter with ? may be left out, the last one with ... may be repeated.
	Signature string
	// Category is the heading it stands under.
	Category string
	// Doc is one or more sentences.
	Doc string
	// Examples show it at work.
	Examples []Example
	// Deterministic is false for what gives another result each time.
	Deterministic bool
}

// Example is an expression and the JSON of what it gives.
type Example struct{ Expression, Result string }

func gives(expression, result string) Example { return Example{expression, result} }

// Functions gives all functions, by category and in the order of the documentation.
func Functions() []Function {
	var all []Function
	for _, group := range groups() {
		for _, f := range group.functions {
			all = append(all, Function{
				Name:          f.name(),
				Signature:     f.signature,
				Category:      group.category,
				Doc:           f.doc,
				Examples:      f.examples,
				Deterministic: !f.impure,
			})
		}
	}
	return all
}

// function is one entry of the library.
type function struct {
	signature string
	doc       string
	examples  []Example
	call      func(c *call) (any, error)
	flat      bool // looks at no more than a few elements: its arguments' sizes cost nothing
	impure    bool // gives another result each time
	params    []param
}

// param is one parameter, read from the signature.
type param struct {
	name, kind         string
	optional, variadic bool
}

type group struct {
	category  string
	functions []function
}

func groups() []group {
	return []group{
		{"Text", textFunctions()},
		{"Lists", slices.Concat(loopFunctions(), listFunctions())},
		{"Objects", objectFunctions()},
		{"Numbers", numberFunctions()},
		{"Dates and times", dateFunctions()},
		{"Patterns", patternFunctions()},
		{"JSON and encodings", encodingFunctions()},
		{"URLs", urlFunctions()},
		{"Types and conversions", conversionFunctions()},
		{"Random values", randomFunctions()},
	}
}

// library gives the functions by name.
//
//nolint:gochecknoglobals // it is made once and never changed.
var library = sync.OnceValue(func() map[string]*function {
	byName := map[string]*function{}
	for _, group := range groups() {
		for _, f := range group.functions {
			f.params = parameters(f.signature)
			byName[f.name()] = &f
		}
	}
	return byName
})

func (f *function) name() string { return f.signature[:strings.IndexByte(f.signature, '(')] }

// parameters reads a signature: "take(list list, count int) list".
func parameters(signature string) []param {
	inside := signature[strings.IndexByte(signature, '(')+1 : strings.LastIndexByte(signature, ')')]
	if inside == "" {
		return nil
	}
	var params []param
	for field := range strings.SplitSeq(inside, ", ") {
		name, kind, _ := strings.Cut(field, " ")
		p := param{name: name, kind: kind}
		p.name, p.optional = strings.CutSuffix(p.name, "?")
		p.name, p.variadic = strings.CutSuffix(p.name, "...")
		params = append(params, p)
	}
	return params
}

// arity gives how many arguments a function takes; most is -1 where there is no bound. What can be repeated is
// there at least once.
func (f *function) arity() (least, most int) {
	for _, p := range f.params {
		if !p.optional {
			least++
		}
		most++
		if p.variadic {
			return least, -1
		}
	}
	return least, most
}

func (f *function) param(i int) param { return f.params[min(i, len(f.params)-1)] }

// check tells an argument of a wrong type, and makes what it is: a date is parsed here.
func (f *function) check(i int, x any) error {
	p := f.param(i)
	if x == nil && p.optional {
		return nil
	}
	wanted := ""
	switch p.kind {
	case typeString:
		wanted = wants(x, "a string", isKind[string])
	case "pattern":
		wanted = wants(x, "a regular expression", func(x any) bool { return isKind[string](x) || isKind[*pattern](x) })
	case typeNumber:
		wanted = wants(x, "a number", isNumber)
	case "int":
		wanted = wants(x, "an integer", isKind[int64])
	case "bool":
		wanted = wants(x, "true or false", isKind[bool])
	case typeList:
		wanted = wants(x, "a list", isKind[[]any])
	case typeObject:
		wanted = wants(x, "an object", isKind[map[string]any])
	case "date":
		wanted = wants(x, "a date as a string such as 2026-01-31T12:00:00Z", isKind[string])
	}
	if wanted == "" {
		return nil
	}
	return failf("%s: %s must be %s, but it is %s", f.name(), p.name, wanted, aType(x))
}

func wants(x any, what string, is func(any) bool) string {
	if is(x) {
		return ""
	}
	return what
}

func isKind[T any](x any) bool {
	_, ok := x.(T)
	return ok
}

// call is one call of a function, its arguments checked against the signature.
type call struct {
	*machine
	function *function
	args     []any
	body     body // of map, filter and so on
}

// has reports whether an optional argument was given.
func (c *call) has(i int) bool { return i < len(c.args) && c.args[i] != nil }

func (c *call) arg(i int) any {
	if i < len(c.args) {
		return c.args[i]
	}
	return nil
}

func (c *call) string(i int) string {
	s, _ := c.arg(i).(string)
	return s
}

func (c *call) list(i int) []any {
	list, _ := c.arg(i).([]any)
	return list
}

func (c *call) object(i int) map[string]any {
	object, _ := c.arg(i).(map[string]any)
	return object
}

// int gives an integer argument, or missing where it was left out.
func (c *call) int(i int, missing int64) int64 {
	if n, ok := c.arg(i).(int64); ok {
		return n
	}
	return missing
}

// stringOr gives a string argument, or missing where it was left out.
func (c *call) stringOr(i int, missing string) string {
	if c.has(i) {
		return c.string(i)
	}
	return missing
}

func (c *call) fail(format string, args ...any) error {
	return failf("%s: %s", c.function.name(), fmt.Sprintf(format, args...))
}

// newText charges for a string that was made. Only what is at most a few times as long as the arguments may
// be made before it is charged.
func (c *call) newText(s string) (any, error) { return s, c.text(len(s)) }

// newTexts makes a list of strings that were cut from an argument.
func (c *call) newTexts(texts []string) (any, error) {
	if err := c.newList(len(texts)); err != nil {
		return nil, err
	}
	if err := c.allocate(len(texts) * boxSize); err != nil {
		return nil, err
	}
	list := make([]any, len(texts))
	for i, s := range texts {
		list[i] = s
	}
	return list, nil
}

func (c *call) newList(n int) error { return c.machine.list(n) }

func (c *call) newObject(n int) error { return c.machine.object(n) }

// size is the work of looking at an argument once.
func size(x any) int {
	switch x := x.(type) {
	case string:
		return len(x) / 32
	case []any:
		return len(x)
	case map[string]any:
		return len(x)
	}
	return 0
}

// unknownFunction says what may have been meant: names that other languages have are known to it.
func unknownFunction(name string) string {
	elsewhere := map[string]string{
		"string": "toString", "str": "toString", "float": "toNumber", "number": "toNumber", "parseInt": "int",
		"parseFloat": "toNumber", "uniq": "unique", "distinct": "unique", "toPairs": "entries", "items": "entries",
		"fromPairs": "fromEntries", "mean": "avg", "average": "avg", "length": "len", "size": "len", "strlen": "len",
		"toUpperCase": "upper", "toLowerCase": "lower", "uppercase": "upper", "lowercase": "lower",
		"parseJSON": "fromJSON", "json": "toJSON", "stringify": "toJSON", "some": "any", "every": "all",
		"bool": "toBool", "today": "now", "hmac": "hmacSha256", "base64": "toBase64", "typeof": "type",
		"substr": "substring", "strip": "trim", "ltrim": "trimStart", "rtrim": "trimEnd", "substringAfter": "split",
	}
	if known, ok := elsewhere[name]; ok {
		return fmt.Sprintf("there is no function %q: it is called %s here", name, known)
	}
	switch name {
	case "includes", "contains", "has":
		return fmt.Sprintf("there is no function %q: write a contains b, or a in b", name)
	case "startsWith", "endsWith", "matches":
		return fmt.Sprintf("%s is an operator: write a %s b", name, name)
	}
	guess := flowforge.DidYouMean(name, functionNames())
	if guess == "" {
		guess = "; docs/expressions.md lists all functions"
	}
	return fmt.Sprintf("there is no function %q%s", name, guess)
}
