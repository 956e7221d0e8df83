package builtin

import (
	"strconv"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
)

// The names of formats, beside patterns.
const (
	formatUnix   = "unix"
	formatUnixMS = "unix_ms"
)

// namedFormat gives the layout of a named format, in Go's way; "" where there is none.
func namedFormat(name string) string {
	switch name {
	case "", "rfc3339":
		return time.RFC3339Nano
	case "date":
		return time.DateOnly
	case "time":
		return time.TimeOnly
	case "rfc1123":
		return time.RFC1123Z
	}
	return ""
}

// readTime reads a time. Where the text does not say its zone it is in the one given, or in UTC; the result is
// in the one given, or in the text's own.
func readTime(x any, format string, zone *time.Location) (time.Time, error) {
	at, err := readTimeText(x, format, zone)
	if err == nil && zone != nil {
		at = at.In(zone)
	}
	return at, err
}

func readTimeText(x any, format string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	text, isText := x.(string)
	if format == formatUnix || format == formatUnixMS || (!isText && format == "") {
		return readUnix(x, format)
	}
	if !isText {
		return time.Time{}, refuse(codeInvalidData, "a time is text or a number of seconds since 1970, not %s", describe(x))
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", time.DateOnly} {
		if format != "" {
			break
		}
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return fixedZone(at), nil
		}
	}
	if format == "" {
		return time.Time{}, refuse(codeInvalidData,
			"%q is not a time like 2026-01-31T10:00:00Z: say in the parameter \"from\" how it is written", shorten(text))
	}
	layout, err := readingLayout(format)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		return time.Time{}, refuse(codeInvalidData, "%q is not a time written as %q", shorten(text), format)
	}
	return fixedZone(at), nil
}

// fixedZone takes the host's own zone, which time.Parse puts in where the offsets agree, out of a time.
func fixedZone(at time.Time) time.Time {
	if at.Location() == time.Local { //nolint:gosmopolitan // to get rid of it
		_, offset := at.Zone()
		return at.In(time.FixedZone("", offset))
	}
	return at
}

func readUnix(x any, format string) (time.Time, error) {
	if text, ok := x.(string); ok {
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return time.Time{}, refuse(codeInvalidData, "%q is not a number of seconds or milliseconds", shorten(text))
		}
		if x = number; number == float64(int64(number)) {
			x = int64(number)
		}
	}
	if n, ok := x.(int64); ok && format == formatUnixMS {
		return time.UnixMilli(n).UTC(), nil
	}
	if n, ok := x.(float64); ok && format == formatUnixMS {
		x = n / 1000
	}
	at, ok := unixTime(x)
	if !ok {
		return time.Time{}, refuse(codeInvalidData, "a time is text or a number of seconds since 1970, not %s", describe(x))
	}
	return at, nil
}

// writeTime writes a time: text, or a number with unix and unix_ms.
func writeTime(at time.Time, format string) (any, error) {
	switch format {
	case formatUnix:
		return at.Unix(), nil
	case formatUnixMS:
		return at.UnixMilli(), nil
	}
	if layout := namedFormat(format); layout != "" {
		return at.Format(layout), nil
	}
	parts, err := patternParts(format)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, part := range parts {
		if part.layout == "" {
			text.WriteString(part.literal)
		} else {
			text.WriteString(strings.TrimPrefix(at.Format(part.layout), part.drop))
		}
	}
	return text.String(), nil
}

// readingLayout makes a layout for time.Parse of a format.
func readingLayout(format string) (string, error) {
	if layout := namedFormat(format); layout != "" {
		return layout, nil
	}
	parts, err := patternParts(format)
	if err != nil {
		return "", err
	}
	var layout strings.Builder
	for _, part := range parts {
		text := part.layout
		if text == "" {
			text = part.literal
			// In a layout, digits and some letters would stand for a part of the time.
			if strings.ContainsAny(text, "0123456789_") || (text != "T" && strings.ContainsFunc(text, isLetter)) {
				return "", refuse(flowforge.CodeInvalidParams,
					"the text %q in the pattern %q cannot be read over: only signs and 'T' can", text, format)
			}
		}
		if part.drop != "" && !strings.HasSuffix(layout.String(), ".") {
			return "", refuse(flowforge.CodeInvalidParams, "SSS in the pattern %q must follow a point to be read", format)
		}
		layout.WriteString(strings.TrimPrefix(text, part.drop))
	}
	return layout.String(), nil
}

// patternPart is a letter group of a pattern, or text between them.
type patternPart struct {
	layout  string // Go's layout; "": literal
	drop    string // what the layout puts before what is meant
	literal string
}

// patternParts takes a pattern apart. The letters are those of Unicode TR 35.
func patternParts(pattern string) ([]patternPart, error) {
	var parts []patternPart
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, length := quoted(pattern[i:])
			if length == 0 {
				return nil, refuse(flowforge.CodeInvalidParams, "the quote in the pattern %q does not end", pattern)
			}
			parts = append(parts, patternPart{literal: text})
			i += length
		case isLetter(rune(c)):
			end := i
			for end < len(pattern) && pattern[end] == c {
				end++
			}
			part, found := patternLetters(pattern[i:end])
			if !found {
				return nil, refuse(flowforge.CodeInvalidParams,
					"%q in the pattern %q stands for nothing: text belongs between single quotes, as in yyyy-MM-dd'T'HH:mm", pattern[i:end], pattern)
			}
			parts = append(parts, part)
			i = end
		default:
			parts = append(parts, patternPart{literal: pattern[i : i+1]})
			i++
		}
	}
	return parts, nil
}

// quoted reads a quoted text, in which two quotes stand for one; alone they stand for one too. The length is that
// in the pattern, 0 where the text does not end.
func quoted(pattern string) (text string, length int) {
	if strings.HasPrefix(pattern, "''") {
		return "'", 2
	}
	for i := 1; i < len(pattern); i++ {
		switch {
		case pattern[i] != '\'':
			text += pattern[i : i+1]
		case strings.HasPrefix(pattern[i:], "''"):
			text += "'"
			i++
		default:
			return text, i + 1
		}
	}
	return "", 0
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func patternLetters(group string) (patternPart, bool) {
	layouts := map[string]string{
		"yyyy": "2006", "yy": "06", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "dd": "02", "d": "2",
		"EEEE": "Monday", "EEE": "Mon", "HH": "15", "hh": "03", "h": "3", "mm": "04", "m": "4", "ss": "05", "s": "5",
		"a": "PM", "XXX": "Z07:00", "Z": "-0700", "z": "MST",
	}
	if group == "SSS" {
		return patternPart{layout: ".000", drop: "."}, true
	}
	layout, found := layouts[group]
	return patternPart{layout: layout}, found
}
