package doc

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
)

// Position is a place in a file. Both count from 1; a column is a character, not a byte.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Located is a problem and where in which file it is.
type Located struct {
	File string `json:"file"`
	Position
	flowforge.Problem
}

// String gives "file:line:column: error: sentence [code]".
func (l Located) String() string {
	kind := "error"
	if l.Warning {
		kind = "warning"
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s [%s]", l.File, l.Line, l.Column, kind, l.Message, l.Code)
}

// Problems are all things wrong with a file, in the order of its text; as an error it lists them a line each.
type Problems []Located

// Error lists the problems, a line each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, located := range p {
		lines[i] = located.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems without their places.
func (p Problems) Unwrap() error {
	plain := make(flowforge.Problems, len(p))
	for i, located := range p {
		plain[i] = located.Problem
	}
	return plain
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Located) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &flowforge.Error{Code: flowforge.CodeInvalidWorkflow, Msg: p.Error(), Err: p}
}

// Print writes each problem with the line it is on and a caret under the place.
func (f *File) Print(w io.Writer, problems Problems) error {
	var out bytes.Buffer
	lines := f.lines()
	for _, p := range problems {
		fmt.Fprintln(&out, p)
		if p.Line >= 1 && p.Line <= len(lines) {
			line, column := window(lines[p.Line-1], p.Column)
			number := fmt.Sprintf("%5d | ", p.Line)
			fmt.Fprintf(&out, "%s%s\n%s%s^\n", number, line, strings.Repeat(" ", len(number)-2)+"| ", blanks(line, column))
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// window cuts a line that is too long to be shown, so that the column remains in it.
func window(line string, column int) (cut string, columnInCut int) {
	const width, before = 120, 60
	runes := []rune(line)
	start := 0
	if len(runes) > width && column > before {
		start = min(column-before, len(runes)-width)
	}
	for i, r := range runes {
		if r != '\t' && (r < ' ' || r == utf8.RuneError || r >= 0x7f && r < 0xa0) {
			runes[i] = '\ufffd' // not for a terminal to act on
		}
	}
	return string(runes[start:min(len(runes), start+width)]), column - start
}

// blanks is what to write before a caret under a column of the line; tabs stay tabs.
func blanks(line string, column int) string {
	var text strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		text.WriteRune(r)
	}
	return text.String()
}

func splitLines(text []byte) []string {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// positionOf gives the place of a byte.
func positionOf(text []byte, at int) Position {
	before := text[:at]
	return Position{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1,
	}
}

// badByte finds what keeps a text from being UTF-8, or gives -1.
func badByte(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}
