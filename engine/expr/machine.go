package expr

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
)

// checkEvery is the number of steps after which the context is looked at again.
const checkEvery = 1 << 14

// maxDepth bounds how deep a value is looked into; one that is to leave the expression has a like bound.
const maxDepth = 512

// Rough sizes of what evaluation allocates, in bytes.
const (
	slotSize   = 16  // an element of a list
	boxSize    = 16  // a string's or number's own header behind an interface
	entrySize  = 64  // an entry of an object
	objectSize = 256 // an object without entries
)

// step evaluates one node of an expression.
type step func(m *machine) (any, error)

// machine is the state of one evaluation.
type machine struct {
	ctx     context.Context //nolint:containedctx // a machine lives no longer than the call that made it.
	env     *Env
	steps   int // left
	check   int // when so many are left the context is looked at
	memory  int // left, in bytes
	depth   int // of lists and objects that are being looked through
	scope   scope
	locals  []any // the values of let, by slot
	regexps map[string]*pattern
	zones   map[string]*time.Location
}

// scope is the element that the body of map, filter and so on is being evaluated for.
type scope struct {
	item, acc any
	index     int
}

func newMachine(ctx context.Context, env *Env) *machine {
	if env == nil {
		env = &Env{}
	}
	return &machine{ctx: ctx, env: env, steps: MaxSteps, check: MaxSteps - checkEvery, memory: MaxMemory}
}

// charge takes steps off the budget.
func (m *machine) charge(steps int) error {
	m.steps -= steps
	if m.steps > m.check {
		return nil
	}
	if m.steps < 0 {
		return failf("it needs more than the %d steps that one evaluation may take: work on less data at once, or over several nodes", MaxSteps)
	}
	m.check = m.steps - checkEvery
	if err := m.ctx.Err(); err != nil {
		return &flowforge.Error{Code: flowforge.CodeCanceled, Msg: "the evaluation was canceled", Err: err}
	}
	return nil
}

// allocate takes bytes off the budget; it is asked before they are allocated.
func (m *machine) allocate(bytes int) error {
	if bytes < 0 || bytes > m.memory {
		return failf("it needs more than the %d MiB of memory that one evaluation may take: work on less data at once", MaxMemory>>20)
	}
	m.memory -= bytes
	return nil
}

// enter goes one level down into a value. An expression can nest a value deeper than a stack would bear.
func (m *machine) enter() error {
	if m.depth++; m.depth > maxDepth {
		return failf("it nests lists and objects more than %d deep", maxDepth)
	}
	return nil
}

func (m *machine) leave() { m.depth-- }

// list charges for a new list of n elements.
func (m *machine) list(n int) error {
	if n < 0 || n > MaxMemory {
		return m.allocate(-1)
	}
	if err := m.charge(n); err != nil {
		return err
	}
	return m.allocate(n * slotSize)
}

// object charges for a new object of n fields.
func (m *machine) object(n int) error {
	if err := m.charge(n + 4); err != nil {
		return err
	}
	return m.allocate(objectSize + n*entrySize)
}

// text charges for a string of n bytes that is made anew.
func (m *machine) text(n int) error {
	n = max(0, n)
	if n > flowforge.MaxValueSize {
		return failf("it makes a text of more than %d MiB", flowforge.MaxValueSize>>20)
	}
	if err := m.charge(n / 32); err != nil {
		return err
	}
	return m.allocate(n + boxSize)
}

// failure is what went wrong, in the user's words.
type failure struct {
	text   string
	column int // counted from 1; 0 where it is not known
}

func (f *failure) Error() string { return f.text }

func failf(format string, args ...any) error { return &failure{text: fmt.Sprintf(format, args...)} }

// locate adds a column to a failure that has none yet.
func locate(err error, column int) error {
	if f, ok := errors.AsType[*failure](err); ok && f.column == 0 {
		return &failure{text: f.text, column: column}
	}
	return err
}

// report makes of an evaluation's error the one that leaves the package.
func report(source string, err error) error {
	if coded, ok := errors.AsType[*flowforge.Error](err); ok && coded.Code == flowforge.CodeCanceled {
		return &flowforge.Error{Code: coded.Code, Msg: fmt.Sprintf("expression {{ %s }}: %s", shorten(source, 80), coded.Msg), Err: coded.Err}
	}
	at := ""
	if f, ok := errors.AsType[*failure](err); ok && f.column > 0 && utf8.RuneCountInString(source) > 40 {
		at = fmt.Sprintf(" (at character %d)", f.column)
	}
	return &flowforge.Error{
		Code: flowforge.CodeExpression,
		Msg:  fmt.Sprintf("expression {{ %s }} failed: %s%s", shorten(source, 80), err, at),
		Err:  codedCause(err),
	}
}

// codedCause keeps a cause that says more than its sentence, such as a value that is too large.
func codedCause(err error) error {
	if coded, ok := errors.AsType[*flowforge.Error](err); ok {
		return coded
	}
	return nil
}

// pattern is a compiled regular expression with the work that one byte of text may cost.
type pattern struct {
	*regexp.Regexp
	size int
}
