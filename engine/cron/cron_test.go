package cron_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/cron"
)

func parse(tb testing.TB, expression, zone string) *cron.Spec {
	tb.Helper()
	spec, err := cron.Parse(expression, zone)
	require.NoError(tb, err)
	return spec
}

func instant(tb testing.TB, text string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(tb, err)
	return at
}

func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, expression, zone, after string
		want                          []string
	}{
		{"five fields", "30 9 * * *", "", "2027-03-01T09:30:00Z", []string{"2027-03-02T09:30:00Z", "2027-03-03T09:30:00Z"}},
		{"six fields", "*/20 * * * * *", "", "2027-03-01T09:30:00.5Z", []string{"2027-03-01T09:30:20Z", "2027-03-01T09:30:40Z"}},
		{"a zone", "0 9 * * *", "Asia/Tokyo", "2027-03-01T00:00:00Z", []string{"2027-03-02T00:00:00Z"}},
		{"@hourly", "@hourly", "Asia/Kathmandu", "2027-03-01T00:00:00Z", []string{"2027-03-01T00:15:00Z", "2027-03-01T01:15:00Z"}},
		{"@daily", "@daily", "", "2027-02-28T12:00:00Z", []string{"2027-03-01T00:00:00Z"}},
		{"@weekly", "@weekly", "", "2027-03-01T00:00:00Z", []string{"2027-03-07T00:00:00Z"}},
		{"@monthly", "@monthly", "", "2027-12-31T23:59:59Z", []string{"2028-01-01T00:00:00Z"}},
		{"@yearly", "@yearly", "", "2027-12-31T23:59:59Z", []string{"2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"}},
		{"@every", "@every 10m", "", "2027-03-01T09:37:12.3Z", []string{"2027-03-01T09:40:00Z", "2027-03-01T09:50:00Z"}},
		{"@every by days", "@every 1d12h", "", "1970-01-01T00:00:00Z", []string{"1970-01-02T12:00:00Z", "1970-01-04T00:00:00Z"}},
		{"@every before 1970", "@every 1h", "", "1969-12-31T22:30:00Z", []string{"1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"}},
		{"names", "0 12 * feb MON-fri", "", "2027-02-26T12:00:00Z", []string{"2028-02-01T12:00:00Z"}},
		{"day of the month or weekday", "0 0 13 * 5", "", "2027-08-01T00:00:00Z", []string{
			"2027-08-06T00:00:00Z", "2027-08-13T00:00:00Z", "2027-08-20T00:00:00Z",
		}},
		{"the 31st", "0 0 31 * *", "", "2027-03-31T00:00:00Z", []string{"2027-05-31T00:00:00Z", "2027-07-31T00:00:00Z"}},
		{"a leap day", "0 0 29 2 *", "", "2027-03-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"a leap day around 2100", "0 0 29 2 *", "", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			requireDue(t, parse(t, test.expression, test.zone), test.after, test.want)
		})
	}
}

func requireDue(t *testing.T, spec *cron.Spec, after string, want []string) {
	t.Helper()
	at := instant(t, after)
	for _, due := range want {
		at = spec.Next(at)
		require.Equal(t, due, at.Format(time.RFC3339))
	}
}

// In Berlin the clock goes from 02:00 to 03:00 on 2027-03-28 (01:00 UTC), and from 03:00 back to 02:00 on 2027-10-31
// (01:00 UTC).
func TestWhereTheClockJumps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, expression, zone, after string
		want                          []string
	}{
		{"a skipped time is due at the end of the gap", "30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", []string{
			"2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z",
		}},
		{"several skipped times are due as one", "*/15 2 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", []string{
			"2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z",
		}},
		{"a skipped time and the end of the gap are due as one", "0 2,3 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", []string{
			"2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z", "2027-03-29T01:00:00Z",
		}},
		{"a time shown twice is due the first time", "30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", []string{
			"2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z",
		}},
		{"a time shown twice, asked within the second time", "30 2 * * *", "Europe/Berlin", "2027-10-31T01:10:00Z", []string{
			"2027-11-01T01:30:00Z",
		}},
		{"each hour in spring", "30 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", []string{
			"2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z", "2027-03-28T02:30:00Z",
		}},
		{"each hour in autumn", "30 * * * *", "Europe/Berlin", "2027-10-31T00:00:00Z", []string{
			"2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z", "2027-10-31T02:30:00Z",
		}},
		{"all 24 hours are each hour", "0 0-23 * * *", "Europe/Berlin", "2027-10-30T23:30:00Z", []string{
			"2027-10-31T00:00:00Z", "2027-10-31T01:00:00Z", "2027-10-31T02:00:00Z",
		}},
		{"steps follow the clock in spring", "0 */2 * * *", "Europe/Berlin", "2027-03-27T22:30:00Z", []string{
			"2027-03-27T23:00:00Z", "2027-03-28T02:00:00Z",
		}},
		{"steps follow the clock in autumn", "0 */2 * * *", "Europe/Berlin", "2027-10-30T22:30:00Z", []string{
			"2027-10-31T00:00:00Z", "2027-10-31T01:00:00Z", "2027-10-31T03:00:00Z",
		}},
		{"each minute", "* * * * *", "Europe/Berlin", "2027-03-28T00:58:00Z", []string{"2027-03-28T00:59:00Z", "2027-03-28T01:00:00Z"}},
		{"intervals know no zone", "@every 1h", "Europe/Berlin", "2027-10-31T00:00:00Z", []string{"2027-10-31T01:00:00Z", "2027-10-31T02:00:00Z"}},
		{"a gap at midnight", "@daily", "Africa/Cairo", "2027-04-29T12:00:00Z", []string{"2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z"}},
		{"a jump of half an hour", "15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00:00Z", []string{
			"2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z",
		}},
		{"the end of a leap year past the zone's table", "0 9 1 1 *", "Europe/Berlin", "2040-12-31T12:00:00Z", []string{
			"2041-01-01T08:00:00Z", "2042-01-01T08:00:00Z",
		}},
		{"over the ends of leap years past the zone's table", "49 19 * 1 *", "Australia/Lord_Howe", "2096-10-02T07:06:40Z", []string{
			"2097-01-01T08:49:00Z", "2097-01-02T08:49:00Z",
		}},
		{"a day that was skipped", "0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", []string{"2011-12-30T10:00:00Z", "2012-12-29T19:00:00Z"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			requireDue(t, parse(t, test.expression, test.zone), test.after, test.want)
		})
	}
}

func TestWhatCannotBeDueIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, expression, zone, want string }{
		{"the 30 February", "0 0 30 2 *", "", "never due"},
		{"the 31 of short months", "0 0 31 4,6,9,11 *", "", "never due"},
		{"no values", "0 , * * *", "", "never due"},
		{"four fields", "0 0 * *", "", "write five fields"},
		{"nothing", "", "", "write five fields"},
		{"a minute too many", "60 * * * *", "", "above maximum (59)"},
		{"a word", "@fortnightly", "", "unrecognized descriptor"},
		{"a zone in the expression", "TZ=UTC", "", "goes into time_zone"},
		{"an unknown zone", "@daily", "Mars/Olympus", `time zone "Mars/Olympus" is not known`},
		{"the zone of the host", "@daily", "Local", `time zone "Local" is not known`},
		{"no interval", "@every soon", "", `"soon" is not a duration`},
		{"too short an interval", "@every 10ms", "", "it must be from 1s"},
		{"too long an interval", "@every 4000d", "", "it must be from 1s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := cron.Parse(test.expression, test.zone)
			require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestTheZeroSpecIsNeverDue(t *testing.T) {
	t.Parallel()
	require.Zero(t, new(cron.Spec).Next(time.Now()))
}
