// Package human writes things for people: one line each, with nothing in it that a terminal would act on.
package human

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/flowforge-go/flowforge"
)

// Line takes out of a text what a terminal would act on, and makes it one line.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', isDirection(r):
			return '\ufffd'
		}
		return r
	}, text)
}

// isDirection reports whether a character changes the direction of the text after it, which can hide what is
// really there.
func isDirection(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Lines is Line for a text of several lines.
func Lines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Line(line)
	}
	return strings.Join(lines, "\n")
}

// Failure says what failed: the node, its element, the code and the message.
func Failure(f *flowforge.Failure) string {
	if f == nil {
		return "it does not say why"
	}
	var text strings.Builder
	if f.Node != "" {
		text.WriteString("node " + Label(f.Node, f.Element) + ": ")
	}
	text.WriteString(string(f.Code) + ": " + Shorten(Line(f.Message), MaxMessage))
	return text.String()
}

// MaxMessage bounds the message of a failure on the screen, in characters.
const MaxMessage = 2_000

// Shorten cuts a text.
func Shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// Label names a node run: "fetch", or "fetch[3/0]" for an element.
func Label(node flowforge.NodeID, element string) string {
	if element == "" {
		return string(node)
	}
	return string(node) + "[" + element + "]"
}

// MaxLine bounds the message in a line of progress, in characters.
const MaxLine = 500

// Count writes a number with its noun.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Status writes a status for people.
func Status(status flowforge.RunStatus) string {
	if status == flowforge.RunTimedOut {
		return "timed out"
	}
	return string(status)
}

// Workflow names a workflow and, where it is a saved one, its version.
func Workflow(name string, version int) string {
	if version > 0 {
		return Line(name) + " v" + strconv.Itoa(version)
	}
	return Line(name)
}
