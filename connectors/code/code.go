// Package code holds the node type code.js: JavaScript written by the author of a workflow. A script runs in a
// process of its own, which has no environment, no files and no network, is bounded in memory and killed at its
// deadline: an interpreter in our own process could not be stopped within "a".repeat(4e8), nor could its memory
// be counted. Therefore the type is off until the program says how to start such a process (Config.Command).
package code

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// Config says how scripts are run. The zero Config runs none.
type Config struct {
	// Command starts a process that does nothing but call Child on its standard input and output: a program and
	// its arguments, such as the own executable and a hidden subcommand. Empty: code.js is off.
	Command []string

	Memory   int64         // bytes that the data of one script may take; default 128 MiB
	Time     time.Duration // most that one script may take; default 10 s
	Parallel int           // processes at a time; default GOMAXPROCS
}

// The default limits.
const (
	DefaultMemory = 128 << 20
	DefaultTime   = 10 * time.Second
)

// The codes of errors.
const (
	CodeDisabled flowforge.Code = "code_disabled" // the program runs no scripts
	CodeSyntax   flowforge.Code = "code_syntax"   // the script cannot be read
	CodeFailed   flowforge.Code = "code_failed"   // the script threw, or gave what is not JSON
	CodeTimeout  flowforge.Code = "code_timeout"
	CodeMemory   flowforge.Code = "code_memory" // the script took more memory, or called itself deeper, than it may
	CodeProcess  flowforge.Code = "code_process"
)

const (
	maxCode   = 64 << 10 // bytes
	minMemory = 16       // MiB
	category  = "code"
)

type params struct {
	Code    string             `json:"code" jsonschema:"minLength=1,maxLength=65536" jsonschema_description:"The body of a function with input in scope (and items: input, or [input] where it is no list). What it returns is the output."`
	Timeout flowforge.Duration `json:"timeout,omitempty" jsonschema_description:"At most the operator's limit (10s)."`
	Memory  int                `json:"memory,omitempty" jsonschema:"minimum=16" jsonschema_description:"MiB; at most the operator's limit (128)."`
}

// Types gives the node type of this package: code.js. Where the Config has no Command it is there all the same,
// and says at save time that it is off and how to turn it on.
func Types(config Config) []nodes.Type {
	if config.Memory <= 0 {
		config.Memory = DefaultMemory
	}
	if config.Time <= 0 {
		config.Time = DefaultTime
	}
	if config.Parallel <= 0 {
		config.Parallel = runtime.GOMAXPROCS(0)
	}
	r := &runner{config: config, slots: make(chan struct{}, config.Parallel)}
	t := nodes.Define(nodes.Spec{
		Type:     "code.js",
		Version:  1,
		Title:    "JavaScript",
		Category: category,
		Icon:     category,
		Kind:     nodes.Effectful, // Date and Math.random are the real ones: a result is recorded, not worked out again
		Doc: `Runs JavaScript (ES2015 and much of what followed) on the input and puts out what it returns.

The script is the body of a function: input is in scope, items too (the input, or a list of it where it is no list). It
returns JSON, or a promise of it; undefined is null. console.log writes to the run's log. There is no require, network,
file, timer or environment, and nothing lasts from one run to the next. Integers beyond 2^53 come as BigInt, and go back
exactly. Data never becomes code: {{ }} is refused in the script. It is off unless the operator turns it on.`,
		Examples: []nodes.Example{
			{
				Title:  "Change each item",
				Params: flowforge.MustValue(map[string]any{"code": "return items.map(item => ({...item, total: item.price * item.count}))"}),
				Input:  flowforge.MustValue([]any{map[string]any{"price": 2, "count": 3}}),
			},
			{
				Title: "Log and fail",
				Params: flowforge.MustValue(map[string]any{
					"code": "console.log('checking', input.id)\nif (!input.id) throw new Error('no id')\nreturn input",
				}),
				Input: flowforge.MustValue(map[string]any{"id": 7}),
			},
		},
	}, r.execute)
	t.Check = r.check
	return []nodes.Type{t}
}

// runner runs scripts in processes.
type runner struct {
	config Config
	slots  chan struct{}
}

func disabled() error {
	return flowforge.Errorf(CodeDisabled,
		"code.js is off on this server: an operator can turn it on (--enable-code; code.Config.Command in Go)")
}

// check says at save time what is wrong with a script.
func (r *runner) check(value flowforge.Value) flowforge.Problems {
	if len(r.config.Command) == 0 {
		return flowforge.Problems{{Code: string(CodeDisabled), Message: disabled().Error()}}
	}
	object, _ := value.Any().(map[string]any)
	source, _ := object["code"].(string)
	if source == "" {
		return nil
	}
	if strings.Contains(source, "{{") {
		return flowforge.Problems{{
			Code: "bad_params", Pointer: "/code",
			Message: "a script cannot hold {{ }}: read what it needs from input (and put a space between two opening braces)",
		}}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := r.run(ctx, job{Code: source, CheckOnly: true, Timeout: time.Second, Memory: r.config.Memory}, nil)
	if problem, ok := errors.AsType[*flowforge.Error](err); ok && problem.Code == CodeSyntax {
		return flowforge.Problems{{Code: string(CodeSyntax), Pointer: "/code", Message: problem.Error()}}
	}
	return nil // anything else is no fault of the script
}

func (r *runner) execute(ctx context.Context, call *nodes.Call, p params) (flowforge.Value, error) {
	if len(r.config.Command) == 0 {
		return flowforge.Value{}, nodes.NotDone(nodes.Permanent(disabled()))
	}
	if len(p.Code) > maxCode {
		return flowforge.Value{}, nodes.Permanent(flowforge.Errorf(flowforge.CodeInvalidParams, "the script is longer than %d KiB", maxCode>>10))
	}
	j := job{Code: p.Code, Input: call.Input.JSON(), Timeout: r.config.Time, Memory: r.config.Memory}
	if p.Timeout > 0 {
		j.Timeout = min(j.Timeout, p.Timeout.Std())
	}
	if p.Memory > 0 {
		j.Memory = min(j.Memory, int64(max(p.Memory, minMemory))<<20)
	}
	return r.run(ctx, j, call.Log())
}
