package expr

import (
	"slices"
	"time"
)

// Dates are strings as of RFC 3339, since values are JSON. What makes a date gives it in UTC, unless a zone was
// named or the date that was given had another offset.

func dateFunctions() []function {
	return slices.Concat(makeDates(), changeDates(), readDates(), relateDates())
}

func makeDates() []function {
	return []function{
		{
			signature: "now() string",
			doc:       "Gives the present time in UTC.",
			examples:  []Example{gives(`now()`, `"2026-01-31T12:30:15Z"`)},
			impure:    true,
			call: func(c *call) (any, error) {
				if c.env.Now == nil {
					return nil, c.notHere()
				}
				return c.date(c.env.Now().UTC())
			},
		},
		{
			signature: "date(text string, layout? string, zone? string) string",
			doc: "Reads a date. Without a layout it knows RFC 3339, 2026-01-31, 2026-01-31 12:30:15, and the forms of HTTP and e-mail " +
				"headers. Where the text has no offset the zone counts (UTC by default).",
			examples: []Example{
				gives(`date("2026-01-31")`, `"2026-01-31T00:00:00Z"`),
				gives(`date("31.01.2026 12:30", "DD.MM.YYYY HH:mm", "Europe/Berlin")`, `"2026-01-31T12:30:00+01:00"`),
				gives(`date("Sat, 31 Jan 2026 12:30:15 GMT")`, `"2026-01-31T12:30:15Z"`),
			},
			call: readDate,
		},
		{
			signature: "fromUnix(seconds number) string",
			doc:       "Gives the date that is so many seconds after 1970 (UTC).",
			examples:  []Example{gives(`fromUnix(1769862615)`, `"2026-01-31T12:30:15Z"`), gives(`fromUnix(0.5)`, `"1970-01-01T00:00:00.5Z"`)},
			call:      func(c *call) (any, error) { return c.since1970(1e9) },
		},
		{
			signature: "fromUnixMillis(milliseconds number) string",
			doc:       "Gives the date that is so many milliseconds after 1970 (UTC).",
			examples:  []Example{gives(`fromUnixMillis(1769862615250)`, `"2026-01-31T12:30:15.25Z"`)},
			call:      func(c *call) (any, error) { return c.since1970(1e6) },
		},
	}
}

func changeDates() []function {
	return []function{
		{
			signature: "dateAdd(date date, amount number, unit string, zone? string) string",
			doc: "Moves a date by so many units: years, months, weeks, days, hours, minutes, seconds or milliseconds. Days and longer " +
				"ones go by the calendar of the date's offset, or of the zone: one day is 23 hours where summer time begins. A month " +
				"too short ends on its last day.",
			examples: []Example{
				gives(`dateAdd("2026-01-31T12:00:00Z", 1, "month")`, `"2026-02-28T12:00:00Z"`),
				gives(`dateAdd("2026-01-31T12:00:00Z", -90, "minutes")`, `"2026-01-31T10:30:00Z"`),
				gives(`dateAdd("2026-03-28T12:00:00+01:00", 1, "day", "Europe/Berlin")`, `"2026-03-29T12:00:00+02:00"`),
			},
			call: dateAdd,
		},
		{
			signature: "startOf(date date, unit string, zone? string) string",
			doc: "Gives the beginning of the year, quarter, month, week (Monday), day, hour or minute that a date is in, by the date's " +
				"offset or by a zone's calendar.",
			examples: []Example{
				gives(`startOf("2026-01-31T12:30:15Z", "month")`, `"2026-01-01T00:00:00Z"`),
				gives(`startOf("2026-01-31T23:30:00Z", "day", "Asia/Tokyo")`, `"2026-02-01T00:00:00+09:00"`),
			},
			call: func(c *call) (any, error) { return c.edgeOf(false) },
		},
		{
			signature: "endOf(date date, unit string, zone? string) string",
			doc:       "Gives the last millisecond of the unit that a date is in; see startOf.",
			examples:  []Example{gives(`endOf("2026-02-10T00:00:00Z", "month")`, `"2026-02-28T23:59:59.999Z"`)},
			call:      func(c *call) (any, error) { return c.edgeOf(true) },
		},
		{
			signature: "inZone(date date, zone string) string",
			doc:       "Writes the same moment with the offset it has in a time zone (IANA names such as Europe/Berlin, or UTC).",
			examples:  []Example{gives(`inZone("2026-07-01T12:00:00Z", "Europe/Berlin")`, `"2026-07-01T14:00:00+02:00"`)},
			call: func(c *call) (any, error) {
				t, err := c.moment(0, 1)
				if err != nil {
					return nil, err
				}
				return c.date(t)
			},
		},
	}
}

func readDates() []function {
	return []function{
		{
			signature: "formatDate(date date, layout string, zone? string) string",
			doc:       "Writes a date by a layout, see the table above; in a time zone where one is named.",
			examples: []Example{
				gives(`formatDate("2026-01-31T12:30:15Z", "DD.MM.YYYY HH:mm")`, `"31.01.2026 12:30"`),
				gives(`formatDate("2026-01-31T23:30:00Z", "dddd, MMMM D [at] h:mm A", "Asia/Tokyo")`, `"Sunday, February 1 at 8:30 AM"`),
			},
			call: func(c *call) (any, error) {
				t, err := c.moment(0, 2)
				if err != nil {
					return nil, err
				}
				if err := c.text(4 * len(c.string(1))); err != nil {
					return nil, err
				}
				return writeLayout(t, c.string(1)), nil
			},
		},
		{
			signature: "datePart(date date, part string, zone? string) int",
			doc: "Gives the year, quarter, month (1 to 12), week (ISO 8601), day, weekday (Monday is 1, Sunday 7), yearday, hour, " +
				"minute, second or millisecond of a date.",
			examples: []Example{
				gives(`datePart("2026-01-31T12:30:15Z", "weekday")`, `6`),
				gives(`datePart("2026-01-31T23:30:00Z", "hour", "Asia/Tokyo")`, `8`),
			},
			call: datePart,
		},
		{
			signature: "unix(date date) int",
			doc:       "Gives the whole seconds since 1970 (UTC).",
			examples:  []Example{gives(`unix("2026-01-31T12:30:15Z")`, `1769862615`)},
			call: func(c *call) (any, error) {
				t, err := c.moment(0, -1)
				return t.Unix(), err
			},
		},
		{
			signature: "unixMillis(date date) int",
			doc:       "Gives the whole milliseconds since 1970 (UTC).",
			examples:  []Example{gives(`unixMillis("2026-01-31T12:30:15.25Z")`, `1769862615250`)},
			call: func(c *call) (any, error) {
				t, err := c.moment(0, -1)
				return t.UnixMilli(), err
			},
		},
	}
}

func relateDates() []function {
	return []function{
		{
			signature: "dateDiff(from date, to date, unit string) number",
			doc: "Counts the units between two dates, negative where `to` is earlier: years and months are whole ones, any other unit " +
				"may have a fraction.",
			examples: []Example{
				gives(`dateDiff("2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z", "hours")`, `12`),
				gives(`dateDiff("2026-01-31", "2026-03-30", "months")`, `1`),
				gives(`dateDiff("2026-01-02T12:00:00Z", "2026-01-01T00:00:00Z", "days")`, `-1.5`),
			},
			call: dateDiff,
		},
		{
			signature: "isBefore(a date, b date) bool",
			doc:       "Tells whether a is an earlier moment than b, whatever their offsets. (With < strings are compared letter by letter.)",
			examples:  []Example{gives(`isBefore("2026-01-31T12:00:00+02:00", "2026-01-31T11:00:00Z")`, `true`)},
			call:      func(c *call) (any, error) { return c.compareDates(time.Time.Before) },
		},
		{
			signature: "isAfter(a date, b date) bool",
			doc:       "Tells whether a is a later moment than b, whatever their offsets.",
			examples:  []Example{gives(`isAfter("2026-02-01", "2026-01-31")`, `true`)},
			call:      func(c *call) (any, error) { return c.compareDates(time.Time.After) },
		},
		{
			signature: "isDate(value any) bool",
			doc:       "Tells whether a value is a date that these functions take.",
			examples:  []Example{gives(`isDate("2026-01-31")`, `true`), gives(`isDate("soon")`, `false`)},
			call: func(c *call) (any, error) {
				text, _ := c.args[0].(string)
				_, err := parseDate(text)
				return err == nil, nil
			},
		},
	}
}
