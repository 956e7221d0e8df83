package expr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/flowforge-go/flowforge"
)

// The codes of problems.
const (
	codeSyntax = "bad_expression"
	codeName   = "unknown_name"
	codeLimit  = "expression_limit"
)

// maxCached bounds how many programs a Compiler keeps.
const maxCached = 10_000

// Compiler compiles templates and expressions. It keeps the programs it made by source and scope, so that many
// nodes with few different sources are compiled fast. It is for one goroutine; what it makes is for any number.
type Compiler struct {
	cache map[cacheKey]*code
}

type cacheKey struct {
	source string
	scope  Scope
}

// NewCompiler makes a Compiler.
func NewCompiler() *Compiler { return &Compiler{cache: map[cacheKey]*code{}} }

// code is a compiled expression, wherever it stands.
type code struct {
	source   string
	run      step
	whole    func(m *machine) flowforge.Value // set where a value is taken as it is: it is not looked through
	refs     []nodeField
	uses     map[string]bool
	impure   bool
	problems []problem
}

// compile never gives nil: what has problems fails when it is evaluated.
func (c *Compiler) compile(source string, scope Scope) *code {
	source = strings.TrimSpace(source)
	key := cacheKey{source, scope}
	if known, ok := c.cache[key]; ok {
		return known
	}
	if len(c.cache) >= maxCached {
		clear(c.cache)
	}
	made := compile(source, scope)
	c.cache[key] = made
	return made
}

func compile(source string, scope Scope) (made *code) {
	made = &code{source: source}
	defer func() {
		if r := recover(); r != nil {
			made.problems = []problem{{codeSyntax, fmt.Sprintf("{{ %s }} cannot be compiled: %v", shorten(source, 60), r)}}
		}
	}()
	tree, shown, err := parse(source)
	if err != nil {
		made.problems = []problem{{codeSyntax, err.Error()}}
		return made
	}
	t := &translator{source: shown, scope: scope, uses: map[string]bool{}}
	made.run = t.translate(tree)
	made.whole = t.whole(tree)
	made.refs, made.uses, made.impure, made.problems = t.refs, t.uses, t.impure, t.problems
	for i, p := range made.problems {
		made.problems[i].message = fmt.Sprintf("in {{ %s }} %s", shorten(source, 60), p.message)
	}
	return made
}

// parse reads a trimmed expression whose brackets expressionEnd has found to be nested within bounds.
func parse(source string) (ast.Node, rewritten, error) {
	switch {
	case source == "":
		return nil, rewritten{}, errors.New("{{ }} holds no expression")
	case len(source) > MaxSource:
		return nil, rewritten{}, fmt.Errorf("{{ %s }} is too long: an expression may have %d KiB", shorten(source, 40), MaxSource>>10)
	}
	shown := wrapObjects(source)
	tree, err := parser.Parse(shown.source)
	if err != nil {
		return nil, shown, syntaxError(source, shown, err)
	}
	return tree.Node, shown, nil
}

// syntaxError puts the parser's words into the user's.
func syntaxError(source string, shown rewritten, err error) error {
	message, at := err.Error(), 0
	if located, ok := err.(*file.Error); ok { //nolint:errorlint // the parser gives it as it is.
		message, at = located.Message, shown.column(located.From)
	}
	for _, kind := range []string{"Operator", "Bracket", "Identifier", "Number", "String", "Bytes"} {
		message = strings.ReplaceAll(message, "unexpected token "+kind+"(", "unexpected (")
	}
	message = strings.ReplaceAll(message, "literal not terminated", "a text is not closed with the quote it began with")
	message = strings.ReplaceAll(message, "invalid char escape",
		`a \ in a text is followed by something it cannot escape: write \\ for the character itself, or use backticks`)
	message = strings.ReplaceAll(message, "compilation failed: expression exceeds maximum allowed nodes",
		"it is too long: split it over several nodes")
	if rest, found := strings.CutPrefix(message, "unexpected ("); found {
		message = "unexpected " + strings.TrimSuffix(strings.TrimSuffix(rest, ")"), "(")
	}
	if strings.HasPrefix(message, "unexpected token EOF") || strings.HasPrefix(message, "unexpected end") {
		message = "it ends too early: something is missing"
	}
	if strings.Contains(message, "strconv.ParseInt") {
		message = "the number is too large: integers are written up to 9223372036854775807"
	}
	if strings.Contains(message, "cannot be mixed") {
		message = "?? must stand in parentheses beside other operators: (a ?? b) + c"
	}
	if strings.Contains(message, "U+003D '='") || message == `unexpected "="` {
		message = "= assigns nothing here: compare with =="
	}
	return fmt.Errorf("{{ %s }} cannot be read: %s, at character %d", shorten(source, 60), message, at)
}

// add appends an expression's problems, with their place.
func (c *code) addProblems(to flowforge.Problems, pointer string) flowforge.Problems {
	for _, p := range c.problems {
		to = append(to, flowforge.Problem{Code: p.code, Pointer: pointer, Message: p.message})
	}
	return to
}

// eval evaluates the expression.
func (c *code) eval(m *machine) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = failf("it cannot be evaluated: %v", r)
		}
		if err != nil {
			value, err = nil, report(c.source, err)
		}
	}()
	if len(c.problems) > 0 {
		return nil, failf("%s", c.problems[0].message)
	}
	m.locals, m.scope = m.locals[:0], scope{}
	value, err = c.run(m)
	if err == errNullChain { //nolint:errorlint // it is never wrapped.
		return nil, nil
	}
	return value, err
}
