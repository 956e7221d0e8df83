package cron

import (
	"time"

	"github.com/flowforge-go/flowforge"
)

// Of makes the spec of what people write: either a cron expression or an interval, and the zone of the expression.
func Of(expression string, every time.Duration, zone string) (*Spec, error) {
	if expression == "" {
		return Every(every)
	}
	return Parse(expression, zone)
}

// Check finds what is wrong with what people write, with pointers to the fields cron, every and time_zone.
func Check(expression string, every time.Duration, zone string) flowforge.Problems {
	const code = "bad_schedule"
	var problems flowforge.Problems
	add := func(pointer, message string) {
		problems = append(problems, flowforge.Problem{Code: code, Pointer: pointer, Message: message})
	}
	_, err := parseZone(zone)
	if err != nil {
		add("/time_zone", err.Error())
	}
	switch {
	case expression == "" && every == 0:
		add("", "when it is due is not said: give cron, such as \"0 9 * * 1-5\", or every, such as \"10m\"")
	case expression != "" && every != 0:
		add("", "both cron and every are given: leave one of them out")
	case expression != "":
		if _, err := Parse(expression, ""); err != nil {
			add("/cron", err.Error())
		}
	default:
		if _, err := Every(every); err != nil {
			add("/every", err.Error())
		}
		if zone != "" {
			add("/time_zone", "an interval is the same in every zone: leave time_zone out, or write cron")
		}
	}
	return problems
}
