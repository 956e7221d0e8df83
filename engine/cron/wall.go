package cron

import "time"

// Wall times are what clocks show, kept as an instant of UTC, where each exists once.

// A period is a time between two jumps of a zone's clock.
type period struct {
	from, to time.Time     // to is not part of it; zero: for ever
	ahead    time.Duration // of UTC
	before   time.Duration // how far the clock was ahead before the period
}

func periodOf(at time.Time) period {
	from, to := at.ZoneBounds()
	// Past the end of a zone's table the bounds are reckoned by years of 365 days: on 31 December of a leap year
	// the end that is told lies behind.
	for day := at; !to.IsZero() && !to.After(at); {
		day = day.AddDate(0, 0, 1)
		_, to = day.ZoneBounds()
	}
	p := period{from: from, to: to, ahead: aheadOfUTC(at)}
	p.before = p.ahead
	if !from.IsZero() {
		p.before = aheadOfUTC(from.Add(-time.Nanosecond))
	}
	return p
}

func aheadOfUTC(at time.Time) time.Duration {
	_, seconds := at.Zone()
	return time.Duration(seconds) * time.Second
}

// within gives the first instant of a period, not before `at`, at which the spec is due.
func (s *Spec) within(p period, at time.Time) time.Time {
	wall := at.UTC().Add(p.ahead)
	if jump := p.ahead - p.before; !s.clock && !p.from.IsZero() {
		began := p.from.UTC().Add(p.before) // what the clock would have shown without the jump
		switch {
		case jump > 0 && at.Equal(p.from): // skipped: the times from began on
			if due := s.nextDate(began); !due.IsZero() && due.Before(began.Add(jump)) {
				return p.from
			}
		case jump < 0 && wall.Before(began): // shown again: the times up to began
			wall = began
		}
	}
	due := s.nextDate(wall)
	if due.IsZero() {
		return due
	}
	if due = due.Add(-p.ahead); !p.to.IsZero() && !due.Before(p.to) {
		return time.Time{}
	}
	return due
}

// nextDate gives the first wall time from one on that the fields match; zero: none in nine years.
func (s *Spec) nextDate(wall time.Time) time.Time {
	for end := wall.AddDate(horizon, 0, 0); wall.Before(end); {
		year, month, day := wall.Date()
		switch {
		case !has(s.fields.Month, int(month)):
			wall = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.hasDay(wall):
			wall = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !has(s.fields.Hour, wall.Hour()):
			wall = wall.Truncate(time.Hour).Add(time.Hour)
		case !has(s.fields.Minute, wall.Minute()):
			wall = wall.Truncate(time.Minute).Add(time.Minute)
		case !has(s.fields.Second, wall.Second()):
			wall = wall.Add(time.Second)
		default:
			return wall
		}
	}
	return time.Time{}
}

// anyValue marks a field that was written "*" or "?".
const anyValue = 1 << 63

// hasDay reports whether a day matches: where both the day of the month and the weekday are restricted, one of them
// is enough.
func (s *Spec) hasDay(wall time.Time) bool {
	inMonth, inWeek := has(s.fields.Dom, wall.Day()), has(s.fields.Dow, int(wall.Weekday()))
	if (s.fields.Dom|s.fields.Dow)&anyValue != 0 {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

func has(field uint64, value int) bool { return field&(1<<value) != 0 }
