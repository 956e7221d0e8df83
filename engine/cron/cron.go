// Package cron tells when a schedule is due: by a cron expression in a time zone, or at an interval. It is pure:
// what is due follows from the expression and the instant asked about, so that any process gives the same answer.
//
// Where a zone's clock jumps, the rule is that of Vixie cron. An expression whose hours begin with "*" or are all 24
// follows the clock: it is due whenever the clock shows a time that matches, so each real hour has its turn. All
// others name times of the day, each due once: one that the clock skips is due at the first instant after the gap
// (several as one), and one that it shows twice is due the first time.
package cron

import (
	"strings"
	"time"

	robfig "github.com/robfig/cron/v3"

	"github.com/flowforge-go/flowforge"
)

// A Spec is when something is due. The zero Spec never is.
type Spec struct {
	every  time.Duration // an interval; 0: by fields
	fields *robfig.SpecSchedule
	zone   *time.Location
	clock  bool // it follows the clock where that jumps
}

// horizon is how far ahead the next time is looked for. Of all dates the 29 February is the rarest: there are eight
// years between two of them around 2100.
const horizon = 9 // years

const format = "write five fields (minute hour day month weekday), six with seconds before them, " +
	"a word such as @hourly or @daily, or @every 10m; Sunday is 0"

// Parse reads a cron expression: five fields, six with seconds first, a descriptor such as @daily, or "@every 10m".
// The zone is a name of the IANA time zone database; empty: UTC. What cannot be read, or would never be due, is an
// Error with CodeInvalidInput.
func Parse(expression, zone string) (*Spec, error) {
	location, err := parseZone(zone)
	if err != nil {
		return nil, err
	}
	expression = strings.TrimSpace(expression)
	if interval, is := strings.CutPrefix(expression, "@every "); is {
		every, err := flowforge.ParseDuration(strings.TrimSpace(interval))
		if err != nil {
			return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the interval of %q: %w", expression, err)
		}
		return Every(every.Std())
	}
	fields, err := parseFields(expression)
	if err != nil {
		return nil, err
	}
	s := &Spec{fields: fields, zone: location, clock: followsClock(expression, fields)}
	if s.nextDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"the cron expression %q is never due: no year has such a day", expression)
	}
	return s, nil
}

// Every is due at each multiple of an interval since 1970-01-01T00:00:00Z, whatever the zone: every hour is due on
// the hour. Intervals shorter than a second are an Error with CodeInvalidInput.
func Every(interval time.Duration) (*Spec, error) {
	const longest = 10 * 365 * 24 * time.Hour
	if interval < time.Second || interval > longest {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"the interval is %s: it must be from 1s to %s", flowforge.Duration(interval), flowforge.Duration(longest))
	}
	return &Spec{every: interval}, nil
}

func parseZone(name string) (*time.Location, error) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"the time zone %q is not known: write a name of the IANA database, such as Europe/Berlin or UTC", name)
	}
	return location, nil
}

func parseFields(expression string) (*robfig.SpecSchedule, error) {
	if strings.HasPrefix(expression, "TZ=") || strings.HasPrefix(expression, "CRON_TZ=") {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"the cron expression %q names a time zone: that goes into time_zone", expression)
	}
	parser := robfig.NewParser(robfig.SecondOptional | robfig.Minute | robfig.Hour | robfig.Dom |
		robfig.Month | robfig.Dow | robfig.Descriptor)
	parsed, err := parser.Parse(expression)
	if err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the cron expression %q: %w; %s", expression, err, format)
	}
	fields, is := parsed.(*robfig.SpecSchedule)
	if !is {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "the cron expression %q has another form: %s", expression, format)
	}
	return fields, nil
}

// followsClock reports whether the hours are not named one by one.
func followsClock(expression string, fields *robfig.SpecSchedule) bool {
	const allHours = 1<<24 - 1
	if fields.Hour&allHours == allHours {
		return true
	}
	parts := strings.Fields(expression)
	return len(parts) >= 5 && strings.ContainsAny(parts[len(parts)-4][:1], "*?")
}

// Next gives the first instant after another one at which the spec is due, in UTC; zero: never within nine years.
func (s *Spec) Next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return time.Unix(0, (floor(after.UnixNano(), int64(s.every))+1)*int64(s.every)).UTC()
	case s.fields == nil:
		return time.Time{}
	}
	at := after.In(s.zone).Truncate(time.Second).Add(time.Second)
	for end := at.AddDate(horizon, 0, 0); at.Before(end); {
		p := periodOf(at)
		if due := s.within(p, at); !due.IsZero() {
			return due.UTC()
		}
		if p.to.IsZero() {
			break
		}
		at = p.to
	}
	return time.Time{}
}

func floor(n, unit int64) int64 {
	turns := n / unit
	if n%unit < 0 {
		turns--
	}
	return turns
}
