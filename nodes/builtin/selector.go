package builtin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// cssSelector is a group of CSS selectors. Its parts are matched by cascadia; how they combine is decided here,
// set by set, so that the time is bounded by the size of the page times the length of the selector, whatever
// both hold.
type cssSelector struct{ chains [][]cssPart }

// cssPart is a compound selector such as "a.b[c]" and how it combines with the one before.
type cssPart struct {
	combinator byte // ' ', '>', '+', '~'
	matcher    cascadia.Matcher
}

const (
	maxSelector      = 1000 // bytes
	maxSelectorParts = 50
)

// parseSelector reads a group of selectors.
func parseSelector(text string) (*cssSelector, error) {
	if len(text) > maxSelector {
		return nil, fmt.Errorf("the selector has %d bytes: %d are the most", len(text), maxSelector)
	}
	chains, err := splitSelector(text)
	if err != nil {
		return nil, fmt.Errorf("the selector %q cannot be read: %w", shorten(text), err)
	}
	selector := &cssSelector{}
	parts := 0
	for _, chain := range chains {
		var compiled []cssPart
		for _, part := range chain {
			if parts++; parts > maxSelectorParts {
				return nil, fmt.Errorf("the selector has more than %d parts", maxSelectorParts)
			}
			matcher, err := cascadia.Parse(part.text)
			if err != nil {
				return nil, fmt.Errorf("the selector %q cannot be read at %q: %w", shorten(text), shorten(part.text), err)
			}
			compiled = append(compiled, cssPart{part.combinator, matcher})
		}
		selector.chains = append(selector.chains, compiled)
	}
	return selector, nil
}

// rawPart is a compound selector as text.
type rawPart struct {
	combinator byte
	text       string
}

// splitSelector cuts a group of selectors at its commas and combinators.
func splitSelector(text string) ([][]rawPart, error) {
	var chains [][]rawPart
	var chain []rawPart
	combinator := byte(' ')
	for rest := strings.TrimSpace(text); ; {
		end, err := compoundEnd(rest)
		if err != nil {
			return nil, err
		}
		if end == 0 {
			return nil, errors.New("something is missing before or after a comma or a combinator")
		}
		chain = append(chain, rawPart{combinator, rest[:end]})
		rest = rest[end:]
		next := strings.TrimLeft(rest, " \t\r\n\f")
		switch {
		case next == "":
			return append(chains, chain), nil
		case next[0] == ',':
			chains, chain, combinator = append(chains, chain), nil, ' '
			next = next[1:]
		case strings.IndexByte(">+~", next[0]) >= 0:
			combinator = next[0]
			next = next[1:]
		default:
			combinator = ' '
		}
		rest = strings.TrimLeft(next, " \t\r\n\f")
	}
}

// compoundEnd gives where the compound selector at the start of text ends. Brackets within brackets are refused:
// what they hold would be matched by cascadia alone, which may take for ever.
func compoundEnd(text string) (int, error) {
	var quote byte
	bracket := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case bracket != 0:
			switch {
			case c == bracket:
				bracket = 0
			case bracket == ')' && (c == '(' || strings.IndexByte(">~", c) >= 0 && !isNth(text[:i])):
				return 0, errors.New("within brackets only a simple selector can stand, such as .ad")
			case bracket == ')' && strings.IndexByte(" \t\r\n\f", c) >= 0 && !isNth(text[:i]) && !isContains(text[:i]):
				return 0, errors.New("within brackets there can be no spaces")
			}
		case c == '[':
			bracket = ']'
		case c == '(':
			bracket = ')'
		case strings.IndexByte(" \t\r\n\f,>+~", c) >= 0:
			return i, nil
		}
	}
	if quote != 0 || bracket != 0 {
		return 0, errors.New("a quote or a bracket does not end")
	}
	return len(text), nil
}

// isNth reports whether the last bracket that text opens belongs to an :nth- class, as in "2n + 1".
func isNth(text string) bool {
	open := strings.LastIndexByte(text, '(')
	return open >= 0 && strings.Contains(text[strings.LastIndexByte(text[:open], ':')+1:open], "nth-")
}

func isContains(text string) bool {
	open := strings.LastIndexByte(text, '(')
	name := strings.ToLower(text[strings.LastIndexByte(text[:max(open, 0)], ':')+1 : max(open, 0)])
	return strings.HasPrefix(name, "contains") || strings.HasPrefix(name, "matches")
}

// find gives the elements below root that the selector picks, in the order of the page.
func (s *cssSelector) find(ctx context.Context, root *html.Node) ([]*html.Node, error) {
	picked := make(map[*html.Node]bool)
	for _, chain := range s.chains {
		set, err := findChain(ctx, root, chain)
		if err != nil {
			return nil, err
		}
		for node := range set {
			picked[node] = true
		}
	}
	var found []*html.Node
	for node := range root.Descendants() {
		if picked[node] {
			found = append(found, node)
		}
	}
	return found, nil
}

// findChain follows a chain of compound selectors from the left, one set of elements after the other.
func findChain(ctx context.Context, root *html.Node, chain []cssPart) (map[*html.Node]bool, error) {
	var before map[*html.Node]bool
	for i, part := range chain {
		now := make(map[*html.Node]bool)
		reached := reachable(root, part.combinator, before)
		for node := range root.Descendants() {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if node.Type == html.ElementNode && (i == 0 || reached[node]) && part.matcher.Match(node) {
				now[node] = true
			}
		}
		before = now
	}
	return before, nil
}

// reachable gives the elements below root that a combinator leads to from a set of them.
func reachable(root *html.Node, combinator byte, from map[*html.Node]bool) map[*html.Node]bool {
	reached := make(map[*html.Node]bool, len(from))
	if len(from) == 0 {
		return reached
	}
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		previous := previousElement(node)
		switch combinator {
		case '>':
			reached[node] = from[node.Parent]
		case '+':
			reached[node] = from[previous]
		case '~':
			reached[node] = from[previous] || reached[previous]
		default:
			reached[node] = from[node.Parent] || reached[node.Parent]
		}
	}
	return reached
}

// previousElement gives the sibling before, texts and comments passed over.
func previousElement(node *html.Node) *html.Node {
	node = node.PrevSibling
	for node != nil && node.Type != html.ElementNode {
		node = node.PrevSibling
	}
	return node
}
