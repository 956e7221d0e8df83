package expr

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known wherever the engine runs.
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// The units of the calendar.
const (
	unitYear        = "year"
	unitQuarter     = "quarter"
	unitMonth       = "month"
	unitWeek        = "week"
	unitDay         = "day"
	unitHour        = "hour"
	unitMinute      = "minute"
	unitSecond      = "second"
	unitMillisecond = "millisecond"
)

var errNoDate = errors.New("no date")

// parseDate reads what a parameter of type date takes.
func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errNoDate
}

// date writes a date; years that RFC 3339 cannot write are an error.
func (c *call) date(t time.Time) (any, error) {
	if t.Year() < 0 || t.Year() > 9999 {
		return nil, c.fail("the date is outside the years 0 to 9999")
	}
	return c.newText(t.Format(time.RFC3339Nano))
}

// moment reads the date of one argument, in the zone that another names where it is given.
func (c *call) moment(argument, zone int) (time.Time, error) {
	text := c.string(argument)
	t, err := parseDate(text)
	if err != nil {
		return t, c.fail("%q is not a date such as 2026-01-31T12:00:00Z; date(...) reads other forms", shorten(text, 40))
	}
	if zone < 0 || !c.has(zone) {
		return t, nil
	}
	location, err := c.zone(c.string(zone))
	if err != nil {
		return t, err
	}
	return t.In(location), nil
}

// zone finds a time zone by its IANA name. The host's own is none: it differs from host to host.
func (c *call) zone(name string) (*time.Location, error) {
	if location, ok := c.zones[name]; ok {
		return location, nil
	}
	if err := c.charge(1000); err != nil {
		return nil, err
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, c.fail("there is no time zone %q: use a name such as Europe/Berlin or UTC", shorten(name, 40))
	}
	if err := c.allocate(16 << 10); err != nil {
		return nil, err
	}
	if c.zones == nil {
		c.zones = map[string]*time.Location{}
	}
	c.zones[name] = location
	return location, nil
}

func readDate(c *call) (any, error) {
	text, zone := strings.TrimSpace(c.string(0)), time.UTC
	if c.has(2) {
		var err error
		if zone, err = c.zone(c.string(2)); err != nil {
			return nil, err
		}
	}
	layouts := []string{
		time.RFC3339Nano, time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04",
		"2006-01-02 15:04:05Z07:00", time.RFC1123, time.RFC1123Z,
		"Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700", time.RFC850, time.ANSIC,
	}
	if c.has(1) {
		layout, err := goLayout(c.string(1))
		if err != nil {
			return nil, c.fail("%v", err)
		}
		layouts = []string{layout}
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return c.date(t)
		}
	}
	if c.has(1) {
		return nil, c.fail("%q is not a date of the layout %q", shorten(text, 40), shorten(c.string(1), 40))
	}
	return nil, c.fail("%q is not a date of a form that is known: give its layout, as in date(text, \"DD.MM.YYYY\")", shorten(text, 40))
}

func (c *call) since1970(unit float64) (any, error) {
	if n, ok := c.args[0].(int64); ok {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return nil, c.fail("the date is outside the years 0 to 9999")
		}
		if unit == 1e9 {
			return c.date(time.Unix(n, 0).UTC())
		}
		return c.date(time.UnixMilli(n).UTC())
	}
	whole, fraction := math.Modf(toFloat(c.args[0]) * unit / 1e9)
	if math.Abs(whole) > 1e12 {
		return nil, c.fail("the date is outside the years 0 to 9999")
	}
	return c.date(time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1e3).UTC())
}

// unit gives the name of a unit in the singular.
func (c *call) unit(argument int, known ...string) (string, error) {
	unit := strings.TrimSuffix(strings.ToLower(shorten(c.string(argument), 40)), "s")
	if slices.Contains(known, unit) {
		return unit, nil
	}
	return "", c.fail("there is no %q here: there are %s", shorten(c.string(argument), 40), strings.Join(known, ", "))
}

// exactUnit gives the length of a unit that always has the same.
func exactUnit(unit string) time.Duration {
	switch unit {
	case unitMillisecond:
		return time.Millisecond
	case unitSecond:
		return time.Second
	case unitMinute:
		return time.Minute
	case unitHour:
		return time.Hour
	case unitDay:
		return day
	case unitWeek:
		return week
	}
	return 0
}

const maxAmount = 1e13

func dateAdd(c *call) (any, error) {
	t, err := c.moment(0, 3)
	if err != nil {
		return nil, err
	}
	unit, err := c.unit(2, unitYear, unitMonth, unitWeek, unitDay, unitHour, unitMinute, unitSecond, unitMillisecond)
	if err != nil {
		return nil, err
	}
	amount := toFloat(c.args[1])
	if math.Abs(amount) > maxAmount {
		return nil, c.fail("the date is outside the years 0 to 9999")
	}
	switch unit {
	case unitYear, unitMonth, unitWeek, unitDay:
		n, ok := c.args[1].(int64)
		if !ok {
			return nil, c.fail("amount must be an integer for %ss, but it is %v", unit, amount)
		}
		if n > 1e7 || n < -1e7 {
			return nil, c.fail("the date is outside the years 0 to 9999")
		}
		return c.date(addCalendar(t, int(n), unit))
	}
	// In two parts: seconds and what is below, since a time.Duration ends at 292 years.
	seconds, fraction := math.Modf(amount * exactUnit(unit).Seconds())
	moved := time.Unix(t.Unix()+int64(seconds), int64(t.Nanosecond())+int64(math.Round(fraction*1e9))).In(t.Location())
	return c.date(moved)
}

// addCalendar moves a date by the calendar. A month too short ends on its last day, where time.AddDate would
// run over into the next.
func addCalendar(t time.Time, n int, unit string) time.Time {
	switch unit {
	case unitWeek:
		return t.AddDate(0, 0, 7*n)
	case unitDay:
		return t.AddDate(0, 0, n)
	case unitYear:
		n *= 12
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func (c *call) edgeOf(end bool) (any, error) {
	t, err := c.moment(0, 2)
	if err != nil {
		return nil, err
	}
	unit, err := c.unit(1, unitYear, unitQuarter, unitMonth, unitWeek, unitDay, unitHour, unitMinute)
	if err != nil {
		return nil, err
	}
	start := startOf(t, unit)
	if !end {
		return c.date(start)
	}
	return c.date(nextAfter(start, unit).Add(-time.Millisecond))
}

func startOf(t time.Time, unit string) time.Time {
	y, m, d := t.Date()
	switch unit {
	case unitYear:
		m, d = time.January, 1
	case unitQuarter:
		m, d = m-(m-1)%3, 1
	case unitMonth:
		d = 1
	case unitWeek:
		d -= isoWeekday(t) - 1
	case unitHour:
		return t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	case unitMinute:
		return t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	}
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

func nextAfter(start time.Time, unit string) time.Time {
	switch unit {
	case unitQuarter:
		return start.AddDate(0, 3, 0)
	case unitHour, unitMinute:
		return start.Add(exactUnit(unit))
	}
	return addCalendar(start, 1, unit)
}

func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

func dateDiff(c *call) (any, error) {
	from, err := c.moment(0, -1)
	if err != nil {
		return nil, err
	}
	to, err := c.moment(1, -1)
	if err != nil {
		return nil, err
	}
	unit, err := c.unit(2, unitYear, unitMonth, unitWeek, unitDay, unitHour, unitMinute, unitSecond, unitMillisecond)
	if err != nil {
		return nil, err
	}
	if exact := exactUnit(unit); exact > 0 {
		seconds := float64(to.Unix()-from.Unix()) + float64(to.Nanosecond()-from.Nanosecond())/1e9
		return normal(seconds / exact.Seconds())
	}
	months := monthsBetween(from, to.In(from.Location()))
	if unit == unitYear {
		return int64(months / 12), nil
	}
	return int64(months), nil
}

// monthsBetween counts whole months: n of them where adding n to one does not pass the other.
func monthsBetween(from, to time.Time) int {
	n := (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if n > 0 && addCalendar(from, n, unitMonth).After(to) {
		n--
	}
	if n < 0 && addCalendar(from, n, unitMonth).Before(to) {
		n++
	}
	return n
}

func datePart(c *call) (any, error) {
	t, err := c.moment(0, 2)
	if err != nil {
		return nil, err
	}
	part, err := c.unit(1, unitYear, unitQuarter, unitMonth, unitWeek, unitDay, "weekday", "yearday",
		unitHour, unitMinute, unitSecond, unitMillisecond)
	if err != nil {
		return nil, err
	}
	_, isoWeek := t.ISOWeek()
	return int64(map[string]int{
		unitYear: t.Year(), unitQuarter: (int(t.Month())-1)/3 + 1, unitMonth: int(t.Month()), unitWeek: isoWeek, unitDay: t.Day(),
		"weekday": isoWeekday(t), "yearday": t.YearDay(), unitHour: t.Hour(), unitMinute: t.Minute(), unitSecond: t.Second(),
		unitMillisecond: t.Nanosecond() / int(time.Millisecond),
	}[part]), nil
}

func (c *call) compareDates(is func(a, b time.Time) bool) (any, error) {
	a, err := c.moment(0, -1)
	if err != nil {
		return nil, err
	}
	b, err := c.moment(1, -1)
	return is(a, b), err
}
