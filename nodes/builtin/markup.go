package builtin

import (
	"errors"
	"strings"

	"golang.org/x/net/html"

	"github.com/flowforge-go/flowforge"
)

// wordsOf gives the text of an element as people read it, white space made single. Scripts and styles are none.
func wordsOf(element *html.Node) string {
	var text strings.Builder
	gatherWords(element, &text)
	return strings.Join(strings.Fields(text.String()), " ")
}

// gatherWords goes as deep as the parser lets elements nest, 512.
func gatherWords(node *html.Node, into *strings.Builder) {
	switch {
	case node.Type == html.TextNode:
		into.WriteString(node.Data)
		return
	case node.Type == html.ElementNode && (node.Data == "script" || node.Data == "style" || node.Data == "template"):
		return
	}
	for child := range node.ChildNodes() {
		gatherWords(child, into)
	}
	if node.Type == html.ElementNode && breaksLine(node.Data) {
		into.WriteByte(' ')
	}
}

// breaksLine reports whether the words before and after the end of an element are apart without a space.
func breaksLine(name string) bool {
	switch name {
	case "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q",
		"s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr":
		return false
	}
	return true
}

func attributeOf(element *html.Node, name string) (string, bool) {
	for _, attr := range element.Attr {
		if strings.EqualFold(attr.Key, name) {
			return attr.Val, true
		}
	}
	return "", false
}

// boundedText is a strings.Builder that takes no more than a value may hold.
type boundedText struct{ strings.Builder }

var errTextTooLarge = errors.New("the text is too large")

func (b *boundedText) Write(p []byte) (int, error) {
	if b.Len()+len(p) > flowforge.MaxValueSize {
		return 0, errTextTooLarge
	}
	return b.Builder.Write(p)
}

func markupOf(element *html.Node) (string, error) {
	var text boundedText
	err := html.Render(&text, element)
	return text.String(), renderError(err)
}

func innerMarkupOf(element *html.Node) (string, error) {
	var text boundedText
	for child := range element.ChildNodes() {
		if err := html.Render(&text, child); err != nil {
			return "", renderError(err)
		}
	}
	return text.String(), nil
}

func renderError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTextTooLarge):
		return refuse(flowforge.CodeValueTooLarge, "the text is larger than %d MiB", flowforge.MaxValueSize>>20)
	}
	return refuse(codeInvalidData, "write HTML: %w", err)
}
