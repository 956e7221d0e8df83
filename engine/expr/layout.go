package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// layoutTokens are what a date's layout may hold, longer ones first, with what Go's time package calls them.
// Years and days may be written in lower case too, as some products do.
var layoutTokens = []struct{ token, layout string }{
	{"YYYY", "2006"},
	{"yyyy", "2006"},
	{"MMMM", "January"},
	{"dddd", "Monday"},
	{"MMM", "Jan"},
	{"ddd", "Mon"},
	{"SSS", "000"},
	{"YY", "06"},
	{"yy", "06"},
	{"MM", "01"},
	{"DD", "02"},
	{"dd", "02"},
	{"HH", "15"},
	{"hh", "03"},
	{"mm", "04"},
	{"ss", "05"},
	{"ZZ", "-0700"},
	{"M", "1"},
	{"D", "2"},
	{"d", "2"},
	{"h", "3"},
	{"m", "4"},
	{"s", "5"},
	{"H", "H"},
	{"A", "PM"},
	{"a", "pm"},
	{"Z", "Z07:00"},
}

// goWords are what Go's time package would not read as it stands.
var goWords = []string{"Jan", "Mon", "MST", "PM", "pm"}

// layoutPart is a token of a layout, or text that stands as it is.
type layoutPart struct{ text, layout string }

// layoutParts takes a layout apart. Text in [brackets] stands as it is.
func layoutParts(layout string) []layoutPart {
	var parts []layoutPart
	for layout != "" {
		if end := strings.IndexByte(layout, ']'); layout[0] == '[' && end > 0 {
			parts = append(parts, layoutPart{text: layout[1:end]})
			layout = layout[end+1:]
			continue
		}
		part := layoutPart{text: layout[:1]}
		for _, t := range layoutTokens {
			if strings.HasPrefix(layout, t.token) {
				part = layoutPart{t.token, t.layout}
				break
			}
		}
		parts = append(parts, part)
		layout = layout[len(part.text):]
	}
	return parts
}

// writeLayout writes a date by a layout.
func writeLayout(t time.Time, layout string) string {
	var out strings.Builder
	for _, part := range layoutParts(layout) {
		switch part.layout {
		case "":
			out.WriteString(part.text)
		case "H":
			fmt.Fprint(&out, t.Hour())
		case "000":
			fmt.Fprintf(&out, "%03d", t.Nanosecond()/int(time.Millisecond))
		default:
			out.WriteString(t.Format(part.layout))
		}
	}
	return out.String()
}

// goLayout gives the layout by which Go's time package reads a date.
func goLayout(layout string) (string, error) {
	if len(layout) > 200 {
		return "", errors.New("the layout is too long")
	}
	var out strings.Builder
	for _, part := range layoutParts(layout) {
		switch {
		case part.layout == "H":
			out.WriteString("15")
		case part.layout == "000":
			if !strings.HasSuffix(out.String(), ".") && !strings.HasSuffix(out.String(), ",") {
				return "", fmt.Errorf("SSS must follow a point or a comma in %q", shorten(layout, 40))
			}
			out.WriteString("000")
		case part.layout != "":
			out.WriteString(part.layout)
		case strings.ContainsAny(part.text, "0123456789_") || slices.ContainsFunc(goWords, func(word string) bool {
			return strings.Contains(part.text, word)
		}):
			return "", fmt.Errorf("the layout %q holds %q, which cannot be read as it stands: use YYYY, MM, DD, HH, mm, ss",
				shorten(layout, 40), shorten(part.text, 20))
		default:
			out.WriteString(part.text)
		}
	}
	return out.String(), nil
}
