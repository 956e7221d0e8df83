package human

import (
	"fmt"
	"time"
)

// Clock writes the time of day.
func Clock(at time.Time) string { return at.Local().Format("15:04:05.000") } //nolint:gosmopolitan // For who sits there.

// Duration writes a duration for people.
func Duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// Age says how long ago something was.
func Age(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	if d := now.Sub(at); d >= 0 {
		return Rough(d) + " ago"
	}
	return "in " + Rough(at.Sub(now))
}

// Rough writes a duration in its largest unit.
func Rough(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d/day))
}

// Took says how long something took, or has taken by now.
func Took(started, finished, now time.Time) string {
	switch {
	case started.IsZero():
		return "-"
	case finished.IsZero():
		return Rough(max(now.Sub(started), 0)) + " so far"
	}
	return Duration(finished.Sub(started))
}
