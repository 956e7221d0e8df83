package code

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/flowforge-go/flowforge"
)

// maxCalls bounds how deep functions of a script may call each other.
const maxCalls = 2000

// script is one script in an interpreter of its own.
type script struct {
	vm    *goja.Runtime
	nonce string // before the digits of integers that a JavaScript number cannot hold, as strings
	log   *writer

	parse, stringify goja.Callable // as they were before the script began
}

// runScript runs a script and gives its result as JSON.
func runScript(j job, log *writer) ([]byte, error) {
	// All on one line, so that the lines of errors are those of the script.
	program, err := goja.Compile("script", "(function(input, items) {\"use strict\"; "+j.Code+"\n})", false)
	if err != nil {
		return nil, syntaxError(err)
	}
	if j.CheckOnly {
		return []byte("null"), nil
	}
	s := &script{vm: goja.New(), nonce: "\x00" + rand.Text(), log: log}
	s.vm.SetMaxCallStackSize(maxCalls)
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	timer := time.AfterFunc(j.Timeout, func() { s.vm.Interrupt(errTime) })
	defer timer.Stop()
	result, err := s.call(program, j.Input)
	if err != nil {
		return nil, s.describe(err, j.Timeout)
	}
	return result, nil
}

var errTime = errors.New("time")

// prepare keeps the functions that we need before the script can change them, and adds the console.
func (s *script) prepare() error {
	codec := s.vm.Get("JSON").ToObject(s.vm)
	for name, into := range map[string]*goja.Callable{"parse": &s.parse, "stringify": &s.stringify} {
		function, ok := goja.AssertFunction(codec.Get(name))
		if !ok {
			return fmt.Errorf("there is no JSON.%s", name)
		}
		*into = function
	}
	console := s.vm.NewObject()
	for method, level := range map[string]string{"log": "info", "info": "info", "debug": "debug", "warn": "warn", "error": "error"} {
		if err := console.Set(method, func(call goja.FunctionCall) goja.Value { return s.print(level, call.Arguments) }); err != nil {
			return err
		}
	}
	return s.vm.Set("console", console)
}

// print writes the arguments as text; what is not text as JSON.
func (s *script) print(level string, args []goja.Value) goja.Value {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = arg.String()
		if _, isObject := arg.(*goja.Object); isObject {
			if text, err := s.encode(arg); err == nil {
				texts[i] = string(text)
			}
		}
	}
	s.log.log(level, strings.Join(texts, " "))
	return goja.Undefined()
}

func (s *script) call(program *goja.Program, text []byte) ([]byte, error) {
	function, err := s.vm.RunProgram(program)
	if err != nil {
		return nil, err
	}
	body, ok := goja.AssertFunction(function)
	if !ok {
		return nil, failedAt(CodeSyntax, 0, "the script closes its function")
	}
	input, err := s.decode(text)
	if err != nil {
		return nil, err
	}
	items := input
	if object, ok := input.(*goja.Object); !ok || object.ClassName() != "Array" {
		items = s.vm.NewArray(input)
	}
	result, err := body(goja.Undefined(), input, items)
	if err != nil {
		return nil, err
	}
	if promise, ok := promiseOf(result); ok {
		switch promise.State() {
		case goja.PromiseStateFulfilled:
			result = promise.Result()
		case goja.PromiseStateRejected:
			return nil, failedAt(CodeFailed, 0, "the script's promise is rejected: %s", sentence(promise.Result()))
		case goja.PromiseStatePending:
			return nil, failedAt(CodeFailed, 0, "the script's promise is never settled: there is nothing to wait for here")
		}
	}
	return s.encode(result)
}

// promiseOf does not export other objects, which would copy them and call their getters.
func promiseOf(value goja.Value) (*goja.Promise, bool) {
	object, ok := value.(*goja.Object)
	if !ok || object.ExportType() != reflect.TypeFor[*goja.Promise]() {
		return nil, false
	}
	promise, ok := object.Export().(*goja.Promise)
	return promise, ok
}

// maxSafe is the largest integer that a JavaScript number tells from its neighbours.
const maxSafe = 1<<53 - 1

// decode makes a JavaScript value of canonical JSON.
func (s *script) decode(text []byte) (goja.Value, error) {
	quoted, found := quoteIntegers(text, s.nonce)
	if !found {
		return s.parse(goja.Undefined(), s.vm.ToValue(string(text)))
	}
	revive := func(call goja.FunctionCall) goja.Value {
		text, ok := primitive(call.Argument(1)).(string)
		if digits, marked := strings.CutPrefix(text, s.nonce); ok && marked {
			if integer, ok := new(big.Int).SetString(digits, 10); ok {
				return s.vm.ToValue(integer)
			}
		}
		return call.Argument(1)
	}
	return s.parse(goja.Undefined(), s.vm.ToValue(quoted), s.vm.ToValue(revive))
}

// quoteIntegers turns the integers of JSON that a JavaScript number cannot hold into strings.
func quoteIntegers(text []byte, nonce string) (quoted string, found bool) {
	var out strings.Builder
	mark := strings.Trim(strconv.Quote(nonce), `"`)
	mark = strings.ReplaceAll(mark, `\x00`, `\u0000`)
	done := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte("0123456789+-.eE", text[end]) >= 0 {
				end++
			}
			if isUnsafe(string(text[i:end])) {
				out.Write(text[done:i])
				out.WriteString(`"` + mark + string(text[i:end]) + `"`)
				done, found = end, true
			}
			i = end - 1
		}
	}
	out.Write(text[done:])
	return out.String(), found
}

func isUnsafe(number string) bool {
	if len(number) < len("9007199254740992") || strings.ContainsAny(number, ".eE") {
		return false
	}
	integer, err := strconv.ParseInt(number, 10, 64)
	return err != nil || integer > maxSafe || integer < -maxSafe
}

// primitive gives the Go form of what is no object, nil of an object.
func primitive(value goja.Value) any {
	if _, isObject := value.(*goja.Object); isObject {
		return nil
	}
	return value.Export()
}

// encode makes JSON of a JavaScript value; undefined is null.
func (s *script) encode(value goja.Value) ([]byte, error) {
	found := false
	text, err := s.stringify(goja.Undefined(), value)
	if err != nil { // it refuses a BigInt
		text, err = s.stringify(goja.Undefined(), value, s.vm.ToValue(func(call goja.FunctionCall) goja.Value {
			integer, ok := primitive(call.Argument(1)).(*big.Int)
			if !ok {
				return call.Argument(1)
			}
			found = true
			return s.vm.ToValue(s.nonce + integer.String())
		}))
	}
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(text) {
		return []byte("null"), nil
	}
	encoded := text.String()
	if len(encoded) > flowforge.MaxValueSize {
		return nil, failedAt(flowforge.CodeValueTooLarge, 0, "the script's result is larger than %d MiB", flowforge.MaxValueSize>>20)
	}
	if found {
		mark := regexp.MustCompile(`"\\u0000` + regexp.QuoteMeta(s.nonce[1:]) + `(-?[0-9]+)"`)
		encoded = mark.ReplaceAllString(encoded, "$1")
	}
	return []byte(encoded), nil
}
