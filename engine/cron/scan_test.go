package cron_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge/engine/cron"
)

// jumps are places and days where clocks jump: forward and back, by an hour, half an hour, two, a whole day, and not
// at all.
var jumps = []struct{ zone, around string }{
	{"Europe/Berlin", "2027-03-28"},
	{"Europe/Berlin", "2027-10-31"},
	{"America/New_York", "2027-03-14"},
	{"America/New_York", "2027-11-07"},
	{"Australia/Lord_Howe", "2027-04-04"},
	{"Australia/Lord_Howe", "2027-10-03"},
	{"Africa/Cairo", "2027-04-30"},
	{"America/Sao_Paulo", "2018-11-04"},
	{"America/Sao_Paulo", "2018-02-18"},
	{"Antarctica/Troll", "2027-03-28"},
	{"Antarctica/Troll", "2027-10-31"},
	{"Pacific/Apia", "2011-12-30"},
	{"Asia/Kathmandu", "2027-02-28"},
	{"UTC", "2028-02-29"},
}

// A field is written text and the values it means; nil: all.
type field struct {
	text   string
	values []int
}

func (f field) has(value int) bool { return f.values == nil || slices.Contains(f.values, value) }

func drawField(t *rapid.T, name string, low, high int, mostlyAny bool) field {
	kind := rapid.IntRange(0, 3).Draw(t, name+" kind")
	if mostlyAny && kind > 0 {
		return field{text: "*"}
	}
	switch kind {
	case 0:
		values := rapid.SliceOfNDistinct(rapid.IntRange(low, high), 1, 4, rapid.ID).Draw(t, name)
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = strconv.Itoa(value)
		}
		return field{strings.Join(texts, ","), values}
	case 1:
		step := rapid.IntRange(2, high).Draw(t, name+" step")
		f := field{text: fmt.Sprintf("*/%d", step)}
		for value := low; value <= high; value += step {
			f.values = append(f.values, value)
		}
		return f
	case 2:
		from := rapid.IntRange(low, high).Draw(t, name+" from")
		to := rapid.IntRange(from, high).Draw(t, name+" to")
		f := field{text: fmt.Sprintf("%d-%d", from, to)}
		for value := from; value <= to; value++ {
			f.values = append(f.values, value)
		}
		return f
	default:
		return field{text: "*"}
	}
}

// A table is an expression, told apart into its fields.
type table struct{ minute, hour, day, month, weekday field }

func drawTable(t *rapid.T) table {
	return table{
		drawField(t, "minute", 0, 59, false), drawField(t, "hour", 0, 23, false),
		drawField(t, "day", 1, 28, true), drawField(t, "month", 1, 12, true), drawField(t, "weekday", 0, 6, true),
	}
}

func (x *table) String() string {
	return strings.Join([]string{x.minute.text, x.hour.text, x.day.text, x.month.text, x.weekday.text}, " ")
}

// shows reports whether a clock that shows a time shows one of the table.
func (x *table) shows(at time.Time) bool {
	day, weekday := x.day.has(at.Day()), x.weekday.has(int(at.Weekday()))
	onDay := day && weekday
	if x.day.values != nil && x.weekday.values != nil {
		onDay = day || weekday
	}
	return onDay && x.minute.has(at.Minute()) && x.hour.has(at.Hour()) && x.month.has(int(at.Month()))
}

func (x *table) followsClock() bool {
	return strings.HasPrefix(x.hour.text, "*") || len(x.hour.values) == 24
}

// scan looks at each minute from one instant to another, as a person with a clock on the wall would: a time that
// was shown before is not due again, and those that the clock skipped are due at once.
func (x *table) scan(from, to time.Time) (due []time.Time) {
	wallOf := func(at time.Time) time.Time {
		_, ahead := at.Zone()
		return at.UTC().Add(time.Duration(ahead) * time.Second)
	}
	shown := wallOf(from).Add(-time.Minute)
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		wall := wallOf(at)
		if x.followsClock() {
			shown = wall.Add(-time.Minute)
		}
		is := false
		for ; shown.Before(wall); is = x.shows(shown) || is {
			shown = shown.Add(time.Minute)
		}
		if is {
			due = append(due, at.UTC())
		}
	}
	return due
}

func TestNextIsWhatAScanOfAllMinutesFinds(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps {
		t.Run(jump.zone+" "+jump.around, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(jump.zone)
			require.NoError(t, err)
			around, err := time.ParseInLocation(time.DateOnly, jump.around, zone)
			require.NoError(t, err)
			from, to := around.Add(-48*time.Hour), around.Add(72*time.Hour)
			rapid.Check(t, func(t *rapid.T) {
				expression := drawTable(t)
				spec, err := cron.Parse(expression.String(), jump.zone)
				require.NoError(t, err)
				var due []time.Time
				for at := spec.Next(from.Add(-time.Nanosecond)); !at.IsZero() && at.Before(to); at = spec.Next(at) {
					due = append(due, at)
				}
				require.Equal(t, expression.scan(from, to), due, "%s", expression.String())
			})
		})
	}
}

func TestNextIsLaterAndLeavesNothingOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		expression := drawTable(t)
		seconds := drawField(t, "second", 0, 59, false)
		zone := rapid.SampledFrom(jumps).Draw(t, "zone").zone
		spec, err := cron.Parse(seconds.text+" "+expression.String(), zone)
		require.NoError(t, err)
		after := time.Unix(0, rapid.Int64Range(0, 4e18).Draw(t, "after"))
		next := spec.Next(after)
		if next.IsZero() {
			return
		}
		require.True(t, next.After(after))
		between := after.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(after))-1).Draw(t, "between")))
		require.Equal(t, next, spec.Next(between), "what is next is so from any instant before it")
	})
}
