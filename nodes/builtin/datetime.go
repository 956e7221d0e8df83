package builtin

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type datetimeParams struct {
	Action string           `json:"action" jsonschema:"enum=format,enum=parse,enum=add,enum=diff" jsonschema_description:"format: write the time in another way or zone; parse: take it apart; add: a time later or earlier; diff: how long until another time."`
	Value  *flowforge.Value `json:"value,omitempty" jsonschema_description:"The time: text such as 2026-01-31T10:00:00Z or 2026-01-31, or a number of seconds since 1970 (Unix time). Without it: the input."`
	From   string           `json:"from,omitempty" jsonschema_description:"How the value is written, where that is not seen from it: a name or a pattern, as in format."`
	Format string           `json:"format,omitempty" jsonschema:"default=rfc3339" jsonschema_description:"How to write the result: rfc3339, date, time, rfc1123, unix, unix_ms, or a pattern such as dd.MM.yyyy HH:mm."`
	Zone   string           `json:"zone,omitempty" jsonschema_description:"The time zone of the result, and of values that do not say theirs: an IANA name such as Europe/Paris. Without it: the value's own, or else UTC."`
	Years  int              `json:"years,omitempty" jsonschema_description:"For add: calendar years, negative for earlier."`
	Months int              `json:"months,omitempty" jsonschema_description:"For add: calendar months, negative for earlier. 31 January plus a month is the last day of February."`
	Days   int              `json:"days,omitempty" jsonschema_description:"For add: calendar days, negative for earlier; the time of day stays, even when clocks change."`
	Span   string           `json:"span,omitempty" jsonschema_description:"For add: a duration such as 90m or 1h30m; with a minus before it for earlier."`
	To     flowforge.Value  `json:"to,omitzero" jsonschema_description:"For diff: the other time, written as the value may be."`
	Unit   string           `json:"unit,omitempty" jsonschema:"enum=seconds,enum=minutes,enum=hours,enum=days,enum=weeks,enum=months,enum=years,default=seconds" jsonschema_description:"For diff: seconds to weeks may have a fraction; months and years are whole ones that have passed."`
}

func runDatetime(_ context.Context, call *nodes.Call, p datetimeParams) (flowforge.Value, error) {
	zone, err := zoneOf(p.Zone)
	if err != nil {
		return flowforge.Value{}, err
	}
	at, err := readTime(given(call, p.Value), p.From, zone)
	if err != nil {
		return flowforge.Value{}, err
	}
	var result any
	switch p.Action {
	case "format":
		result, err = writeTime(at, p.Format)
	case actionParse:
		result = timeParts(at)
	case "add":
		if at, err = addTime(at, p); err == nil {
			result, err = writeTime(at, p.Format)
		}
	case "diff":
		var to time.Time
		if to, err = readTime(p.To.Any(), p.From, zone); err == nil {
			result, err = between(at, to, orDefault(p.Unit, "seconds"))
		}
	default:
		err = noAction(p.Action, "format", actionParse, "add", "diff")
	}
	if err != nil {
		return flowforge.Value{}, err
	}
	return freeze(result)
}

// zoneOf finds a time zone; nil where none is named.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no zone is no error
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, refuse(flowforge.CodeInvalidParams, `there is no time zone %q: write an IANA name such as "Europe/Paris", or "UTC"`, name)
	}
	return zone, nil
}

func timeParts(at time.Time) map[string]any {
	year, week := at.ISOWeek()
	name, offset := at.Zone()
	return map[string]any{
		"rfc3339": at.Format(time.RFC3339Nano), "unix": at.Unix(), "unix_ms": at.UnixMilli(),
		"year": at.Year(), "month": int(at.Month()), "day": at.Day(),
		"hour": at.Hour(), "minute": at.Minute(), "second": at.Second(), "millisecond": at.Nanosecond() / int(time.Millisecond),
		"weekday": isoWeekday(at), "day_of_year": at.YearDay(), "week": week, "week_year": year,
		"zone": name, "offset_seconds": offset,
	}
}

// isoWeekday counts from 1, Monday, to 7, Sunday (ISO 8601).
func isoWeekday(at time.Time) int {
	if at.Weekday() == time.Sunday {
		return 7
	}
	return int(at.Weekday())
}

// maxAdd bounds calendar steps, so that no time leaves the range of four-digit years by far.
const maxAdd = 1_000_000

func addTime(at time.Time, p datetimeParams) (time.Time, error) {
	for _, n := range []int{p.Years, p.Months, p.Days} {
		if n > maxAdd || n < -maxAdd {
			return at, refuse(flowforge.CodeInvalidParams, "%d is too far away: %d is the most", n, maxAdd)
		}
	}
	span, err := spanOf(p.Span)
	if err != nil {
		return at, err
	}
	return addMonths(at, 12*p.Years+p.Months).AddDate(0, 0, p.Days).Add(span), nil
}

// addMonths moves by calendar months; a day that the month does not have becomes its last.
func addMonths(at time.Time, months int) time.Time {
	year, month, day := at.Date()
	last := time.Date(year, month+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	hour, minute, second := at.Clock()
	return time.Date(year, month+time.Month(months), min(day, last), hour, minute, second, at.Nanosecond(), at.Location())
}

func spanOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	number, earlier := strings.CutPrefix(text, "-")
	span, err := flowforge.ParseDuration(number)
	if err != nil {
		return 0, refuse(flowforge.CodeInvalidParams, "span: %w", err)
	}
	if earlier {
		return -span.Std(), nil
	}
	return span.Std(), nil
}

// between gives how long it is from one time to another, negative where that is earlier.
func between(from, to time.Time, unit string) (any, error) {
	switch unit {
	case "months":
		return monthsBetween(from, to), nil
	case "years":
		return monthsBetween(from, to) / 12, nil
	}
	lengths := map[string]float64{"seconds": 1, "minutes": 60, "hours": 3600, "days": 24 * 3600, "weeks": 7 * 24 * 3600}
	length, found := lengths[unit]
	if !found {
		return nil, refuse(flowforge.CodeInvalidParams, "there is no unit %q", unit)
	}
	// time.Duration ends at 292 years.
	seconds := float64(to.Unix()-from.Unix()) + float64(to.Nanosecond()-from.Nanosecond())/float64(time.Second)
	return seconds / length, nil
}

// monthsBetween counts the whole months that have passed, in from's zone.
func monthsBetween(from, to time.Time) int {
	if to.Before(from) {
		return -monthsBetween(to, from)
	}
	to = to.In(from.Location())
	months := 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
	if addMonths(from, months).After(to) {
		months--
	}
	return months
}

// unixTime reads seconds since 1970, with a fraction.
func unixTime(x any) (time.Time, bool) {
	const most = 253402300799 // the last second of the year 9999
	switch x := x.(type) {
	case int64:
		return time.Unix(x, 0).UTC(), x <= most && x >= -most
	case float64:
		if math.Abs(x) > most {
			return time.Time{}, false
		}
		whole, part := math.Modf(x)
		return time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3).UTC(), true // microseconds: what a float can tell
	}
	return time.Time{}, false
}

func datetimeType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.datetime", Version: 1, Title: "Date and time", Category: categoryData, Icon: "calendar-clock", Kind: nodes.Pure,
		Doc: "Reads, writes, moves and compares dates and times.\n\n" +
			"For the present time give it `{{ now() }}`. Patterns are made of yyyy yy MMMM MMM MM M dd d EEEE EEE HH hh h mm " +
			"ss SSS a XXX Z z; all other letters stand in single quotes: `yyyy-MM-dd'T'HH:mm`. Names of months and days are English.",
		Outputs: []nodes.PortSpec{{
			Name: flowforge.PortOut,
			Doc: "format and add: text (a number with unix and unix_ms). parse: an object of year, month, day, hour, minute, " +
				"second, weekday (1 is Monday) and more. diff: a number.",
		}},
		Examples: []nodes.Example{
			{
				Title:  "In Paris, as people write it",
				Params: flowforge.MustValue(map[string]any{"action": "format", "zone": "Europe/Paris", "format": "d MMMM yyyy, HH:mm"}),
				Input:  flowforge.MustValue("2026-07-01T10:30:00Z"),
				Want:   flowforge.Out(flowforge.MustValue("1 July 2026, 12:30")),
			},
			{
				Title:  "A month later",
				Params: flowforge.MustValue(map[string]any{"action": "add", "value": "{{ input.due }}", "months": 1, "format": "date"}),
				Input:  flowforge.MustValue(map[string]any{"due": "2026-01-31"}),
				Want:   flowforge.Out(flowforge.MustValue("2026-02-28")),
			},
			{
				Title: "How many days until then",
				Params: flowforge.MustValue(map[string]any{
					"action": "diff", "value": "{{ input.from }}", "to": "{{ input.until }}", "unit": "days",
				}),
				Input: flowforge.MustValue(map[string]any{"from": "2026-01-01", "until": "2026-01-15T12:00:00Z"}),
				Want:  flowforge.Out(flowforge.MustValue(14.5)),
			},
		},
	}, runDatetime)
}
