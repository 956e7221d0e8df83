package expr

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// rewritten is a source with parentheses put in, and where they are, counted in characters.
type rewritten struct {
	source   string
	inserted []int
}

// wrapObjects puts parentheses around objects that are arguments. The language takes a { after the comma of
// map(list, {id: .id}) for the beginning of a body in braces; everyone else takes it for an object. No body can
// begin with a name and a colon, and elsewhere parentheses change nothing.
func wrapObjects(source string) rewritten {
	if !strings.Contains(source, "{") {
		return rewritten{source: source}
	}
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil {
		return rewritten{source: source} // the parser says what is wrong
	}
	var open []bool
	before, after := map[int]bool{}, map[int]bool{}
	for i, token := range tokens {
		switch {
		case token.Is(lexer.Bracket, "{"):
			wrap := i > 0 && (tokens[i-1].Is(lexer.Operator, ",") || tokens[i-1].Is(lexer.Bracket, "(")) && beginsObject(tokens[i+1:])
			if open = append(open, wrap); wrap {
				before[token.From] = true
			}
		case token.Is(lexer.Bracket, "}") && len(open) > 0:
			if open[len(open)-1] {
				after[token.From] = true
			}
			open = open[:len(open)-1]
		}
	}
	if len(before) == 0 || len(before) != len(after) {
		return rewritten{source: source}
	}
	var out []rune
	var inserted []int
	for i, r := range []rune(source) {
		if before[i] {
			inserted = append(inserted, len(out))
			out = append(out, '(')
		}
		out = append(out, r)
		if after[i] {
			inserted = append(inserted, len(out))
			out = append(out, ')')
		}
	}
	return rewritten{string(out), inserted}
}

// beginsObject tells whether the tokens after a { are the rest of an object: a key and a colon, or its end.
func beginsObject(tokens []lexer.Token) bool {
	if len(tokens) < 2 {
		return false
	}
	switch first := tokens[0]; {
	case first.Is(lexer.Bracket, "}"):
		return true
	case first.Is(lexer.Bracket, "("):
		depth := 0
		for i, token := range tokens[:len(tokens)-1] {
			switch {
			case token.Is(lexer.Bracket, "("):
				depth++
			case token.Is(lexer.Bracket, ")"):
				depth--
			}
			if depth == 0 {
				return tokens[i+1].Is(lexer.Operator, ":")
			}
		}
		return false
	case first.Is(lexer.String), first.Is(lexer.Identifier), first.Is(lexer.Number):
		return tokens[1].Is(lexer.Operator, ":")
	}
	return false
}

// column gives the place of a character in the source as it was written, counted from 1.
func (r rewritten) column(from int) int {
	n, _ := slices.BinarySearch(r.inserted, from)
	return from + 1 - n
}
