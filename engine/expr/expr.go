// Package expr compiles and evaluates the {{ expressions }} in a workflow's parameters.
//
// It parses the expr-lang language and evaluates it itself, since values must keep their exact integers, errors
// must speak the user's words, and every step and byte must be counted: an expression always ends, within the
// limits below. The package is pure: it has no clock, randomness or I/O of its own, and no host objects are in
// reach of an expression.
package expr

import (
	"time"

	"github.com/flowforge-go/flowforge"
)

// The limits of what is compiled and evaluated. Steps and memory are counted for one call of Eval.
const (
	// MaxSource bounds the source of one expression, in bytes.
	MaxSource = 16 << 10
	// MaxNesting bounds how deep brackets and operators of one expression are nested.
	MaxNesting = 200
	// MaxNodes bounds the operators, names, literals and calls of one expression.
	MaxNodes = 4000
	// MaxSteps bounds the work of one evaluation; a step is roughly one operator applied to one element.
	MaxSteps = 5_000_000
	// MaxMemory bounds what one evaluation allocates over its whole course, in bytes.
	MaxMemory = 64 << 20
	// MaxPattern bounds the source of one regular expression, in bytes.
	MaxPattern = 1000
)

// Scope is a set of names that an expression may use beyond the ones that are always there: input, trigger,
// nodes, run and vars.
type Scope uint8

const (
	// ScopeElement adds item and index, what a node run with each and a body of core.foreach sees.
	ScopeElement Scope = 1 << iota
	// ScopeOutput adds output, what the body of core.repeat gave.
	ScopeOutput
)

// Options say how a template is compiled.
type Options struct {
	// Scope is the set of additional names.
	Scope Scope
	// Literal reports whether the string or subtree at a JSON pointer relative to the template's value is left
	// as it is; nil means that nothing is.
	Literal func(pointer string) bool
}

// Ref is what an expression reads of another node.
type Ref struct {
	// Node is the node's id.
	Node string
	// Field is "output", "error" or "errors", or "" where the expression takes the three as an object.
	Field string
	// Pointer says where the reference stands: the base pointer, and the string's place in the template.
	Pointer string
}

// Env is what an expression can read while it is evaluated. A value is decoded only when an expression asks
// for it.
type Env struct {
	Input, Trigger, Vars, Run flowforge.Value
	// Item and Output are in Go form, see flowforge.Value.
	Item, Output any
	// Index counts from 0.
	Index int
	// Nodes gives what other nodes ended with; nil means that none ran.
	Nodes NodeSource
	// Now, Random (in [0, 1)) and UUID may be nil where the expression is deterministic.
	Now    func() time.Time
	Random func() float64
	UUID   func() string
}

// NodeSource gives what nodes ended with.
type NodeSource interface {
	// Node gives the zero NodeView for a node that did not run.
	Node(id string) NodeView
}

// NodeView is what an expression sees of a node.
type NodeView struct{ Output, Error, Errors flowforge.Value }
