package flowforge

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a span of time, written in documents as a string: "1.5s", "250ms", "2h30m", "7d", "1d12h".
// Beside the units of time.ParseDuration it knows d, a day of 24 hours.
type Duration time.Duration

// ParseDuration reads a duration as documents write it.
func ParseDuration(text string) (Duration, error) {
	const day = 24 * time.Hour
	rest := text
	var days time.Duration
	if number, tail, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n > uint64(math.MaxInt64/day) {
			return 0, durationError(text)
		}
		days, rest = time.Duration(n)*day, tail
		if rest == "" {
			return Duration(days), nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || strings.HasPrefix(rest, "+") || d < 0 || d+days < 0 {
		return 0, durationError(text)
	}
	return Duration(days + d), nil
}

func durationError(text string) error {
	return fmt.Errorf("%q is not a duration: write a number with its unit, such as \"30s\", \"1h30m\" or \"7d\"", shorten(text))
}

// Std gives the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes the duration as ParseDuration reads it, without what is zero at its end: "5m", not "5m0s".
func (d Duration) String() string {
	const day = 24 * time.Hour
	if d < 0 { // no document can say so, a message may
		return d.Std().String()
	}
	days, rest := d.Std()/day, d.Std()%day
	text := rest.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	switch {
	case days == 0:
		return text
	case rest == 0:
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dd%s", days, text)
}

// MarshalJSON writes the duration as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads a string; a number is refused, since it does not say its unit.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return durationError(string(data))
	}
	parsed, err := ParseDuration(text)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
