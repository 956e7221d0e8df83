package expr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPatternSize bounds the instructions a regular expression becomes: (a{1000}){1000} is short to write.
const maxPatternSize = 4000

func patternFunctions() []function { return slices.Concat(finders(), replacers()) }

func finders() []function {
	return []function{
		{
			signature: "regexFind(text string, pattern pattern) string",
			doc:       "Gives the first part of the text that matches, or null.",
			examples:  []Example{gives("regexFind(\"order 1234\", `\\d+`)", `"1234"`), gives(`regexFind("none", "[0-9]+")`, `null`)},
			call: func(c *call) (any, error) {
				re, err := c.matcher()
				if err != nil {
					return nil, err
				}
				at := re.FindStringIndex(c.string(0))
				if at == nil {
					return nil, nil
				}
				return c.string(0)[at[0]:at[1]], nil
			},
		},
		{
			signature: "regexGroups(text string, pattern pattern) object",
			doc: "Gives what the first match and its groups matched: under \"0\" the whole, under \"1\", \"2\" ... the groups, and " +
				"under their names those that have one. Null where nothing matches.",
			examples: []Example{gives("regexGroups(\"a=1\", `(?P<key>\\w)=(\\d)`)", `{"0":"a=1","1":"a","2":"1","key":"a"}`)},
			call:     regexGroups,
		},
		{
			signature: "regexFindAll(text string, pattern pattern, limit? int) list",
			doc:       "Gives all parts of the text that match, at most `limit`.",
			examples:  []Example{gives("regexFindAll(\"1 and 22\", `\\d+`)", `["1","22"]`)},
			call: func(c *call) (any, error) {
				found, err := c.findAll(c.int(2, -1))
				if err != nil {
					return nil, err
				}
				parts := make([]string, len(found))
				for i, at := range found {
					parts[i] = c.string(0)[at[0]:at[1]]
				}
				return c.newTexts(parts)
			},
		},
	}
}

func replacers() []function {
	return []function{
		{
			signature: "regexReplace(text string, pattern pattern, new string) string",
			doc: "Replaces all parts of the text that match. In `new`, ${1} stands for what the first group matched, ${name} for a " +
				"named one, and $$ for a $.",
			examples: []Example{gives("regexReplace(\"2026-01-31\", `(\\d+)-(\\d+)-(\\d+)`, \"${3}.${2}.${1}\")", `"31.01.2026"`)},
			call:     regexReplace,
		},
		{
			signature: "regexSplit(text string, pattern pattern) list",
			doc:       "Cuts the text wherever the pattern matches.",
			examples:  []Example{gives("regexSplit(\"a, b;c\", `[,;]\\s*`)", `["a","b","c"]`)},
			call: func(c *call) (any, error) {
				found, err := c.findAll(-1)
				if err != nil {
					return nil, err
				}
				parts, from := []string{}, 0
				for _, at := range found {
					if at[1] > 0 && at[0] < len(c.string(0)) {
						parts = append(parts, c.string(0)[from:at[0]])
						from = at[1]
					}
				}
				return c.newTexts(append(parts, c.string(0)[from:]))
			},
		},
	}
}

// compilePattern makes a regular expression (RE2) of bounded size.
func compilePattern(source string) (*pattern, error) {
	if len(source) > MaxPattern {
		return nil, fmt.Errorf("a pattern may have at most %d characters, but it has %d", MaxPattern, len(source))
	}
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, fmt.Errorf("the pattern %q is not valid: %s", shorten(source, 60), reason)
	}
	n := patternSize(tree)
	if n > maxPatternSize {
		return nil, fmt.Errorf("the pattern %q is too large: repetitions such as {1000} count that many times", shorten(source, 60))
	}
	compiled, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q is not valid: %w", shorten(source, 60), err)
	}
	return &pattern{compiled, n}, nil
}

// patternSize estimates how many instructions a pattern becomes, before they are made.
func patternSize(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)
	for _, sub := range tree.Sub {
		n += patternSize(sub)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(1, tree.Min, tree.Max)
	}
	return min(n, maxPatternSize+1)
}

// pattern gives what an argument compiles to; one that is worked out is compiled once in an evaluation.
func (m *machine) pattern(x any) (*pattern, error) {
	if compiled, ok := x.(*pattern); ok {
		return compiled, nil
	}
	source, ok := x.(string)
	if !ok {
		return nil, failf("a pattern must be a string, but it is %s", aType(x))
	}
	if compiled, ok := m.regexps[source]; ok {
		return compiled, nil
	}
	if err := m.charge(1000); err != nil {
		return nil, err
	}
	compiled, err := compilePattern(source)
	if err != nil {
		return nil, failf("%v", err)
	}
	if err := m.allocate(compiled.size * 200); err != nil {
		return nil, err
	}
	if m.regexps == nil {
		m.regexps = map[string]*pattern{}
	}
	m.regexps[source] = compiled
	return compiled, nil
}

// match charges for matching a text: in the worst case each byte costs the pattern's size.
func (m *machine) match(p *pattern, text string) error {
	return m.charge(1 + len(text)*p.size/4)
}

func (c *call) matcher() (*pattern, error) {
	p, err := c.machine.pattern(c.args[1])
	if err != nil {
		return nil, err
	}
	return p, c.match(p, c.string(0))
}

// matchCost is the number of steps that finding one more match costs beside its bytes.
const matchCost = 16

// findAll gives the places of all matches. How many there may be is limited by what is left of the budgets.
func (c *call) findAll(limit int64) ([][]int, error) {
	p, err := c.matcher()
	if err != nil {
		return nil, err
	}
	each := 24 + 16*(p.NumSubexp()+1)
	most := int64(min(c.memory/each, c.steps/matchCost))
	if limit < 0 || limit > most {
		limit = most + 1
	}
	found := p.FindAllStringSubmatchIndex(c.string(0), int(limit))
	if err := c.charge(len(found) * matchCost); err != nil {
		return nil, err
	}
	return found, c.allocate(len(found) * each)
}

func regexGroups(c *call) (any, error) {
	p, err := c.matcher()
	if err != nil {
		return nil, err
	}
	text := c.string(0)
	at := p.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, nil
	}
	if err := c.newObject(len(at)); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for i, name := range p.SubexpNames() {
		var matched any
		if at[2*i] >= 0 {
			matched = text[at[2*i]:at[2*i+1]]
		}
		out[strconv.Itoa(i)] = matched
		if name != "" {
			out[name] = matched
		}
	}
	return out, nil
}

func regexReplace(c *call) (any, error) {
	found, err := c.findAll(-1)
	if err != nil {
		return nil, err
	}
	p, err := c.machine.pattern(c.args[1])
	if err != nil {
		return nil, err
	}
	text, out, from := c.string(0), []byte{}, 0
	for _, at := range found {
		before := len(out)
		out = append(out, text[from:at[0]]...)
		// A template of a thousand $0 makes a thousand times the match: it is charged before it is made.
		if err := c.text(strings.Count(c.string(2), "$") * (at[1] - at[0])); err != nil {
			return nil, err
		}
		out = p.ExpandString(out, c.string(2), text, at)
		from = at[1]
		if err := c.text(2 * (len(out) - before)); err != nil {
			return nil, err
		}
	}
	out = append(out, text[from:]...)
	if !utf8.Valid(out) {
		return nil, c.fail("the result is no text")
	}
	return c.newText(string(out))
}
