package progress

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// The escape sequences used here are those of ECMA-48, which every terminal of today knows.
const (
	up       = "\x1b[%dA" // so many lines
	clearEnd = "\x1b[J"   // from here to the end of the screen
	colorEnd = "\x1b[0m"
)

// color is the number of a colour, or 0 for none.
type color int

const (
	colorNone   color = 0
	colorFaint  color = 2
	colorRed    color = 31
	colorGreen  color = 32
	colorYellow color = 33
	colorBlue   color = 34
)

// span is a piece of a line in one colour.
type span struct {
	text  string
	color color
}

// screen draws lines at the bottom of a terminal, again and again in the same place.
type screen struct {
	file   *os.File
	colors bool
	drawn  int // lines that are there now
}

// size gives the columns and rows of the terminal.
func (s *screen) size() (width, height int) {
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// draw replaces the lines, and writes others above them that remain. Lines are cut to the width, since one that
// wraps would take more than its row.
func (s *screen) draw(above []string, lines [][]span) {
	width, _ := s.size()
	var out strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&out, "\r"+up, s.drawn)
	}
	out.WriteString(clearEnd)
	for _, line := range above {
		out.WriteString(line + "\n")
	}
	for _, line := range lines {
		s.write(&out, line, width-1)
		out.WriteString("\n")
	}
	s.drawn = len(lines)
	_, _ = s.file.WriteString(out.String()) // nobody can be told
}

func (s *screen) write(out *strings.Builder, line []span, width int) {
	for _, part := range line {
		text := fit(part.text, width)
		width -= columns(text)
		if s.colors && part.color != colorNone && text != "" {
			fmt.Fprintf(out, "\x1b[%dm%s%s", part.color, text, colorEnd)
		} else {
			out.WriteString(text)
		}
	}
}

// fit cuts a text to a number of columns.
func fit(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	used := 0
	for at, r := range text {
		if used += columnsOf(r); used > width-1 {
			if width < 1 {
				return ""
			}
			return text[:at] + "…"
		}
	}
	return text
}

func columns(text string) int {
	if len(text) == utf8.RuneCountInString(text) {
		return len(text)
	}
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

// columnsOf gives how many columns a character takes at most: from Hangul Jamo on, many take two, and a line that
// is taken for too long does no harm.
func columnsOf(r rune) int {
	const hangulJamo, punctuation, emoji = 0x1100, 0x2000, 0x2600
	if r < hangulJamo || r >= punctuation && r < emoji {
		return 1
	}
	return 2
}
