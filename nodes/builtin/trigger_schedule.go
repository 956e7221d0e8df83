package builtin

import (
	"context"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/cron"
	"github.com/flowforge-go/flowforge/nodes"
)

// scheduleParams are also read by the engine, which makes a schedule of them when the workflow is published.
type scheduleParams struct {
	Cron     string             `json:"cron,omitempty" jsonschema_description:"When it is due: five fields (minute hour day month weekday), six with seconds first, or a word such as @daily."`
	Every    flowforge.Duration `json:"every,omitempty" jsonschema_description:"How often it is due, instead of cron: a number with its unit, such as 10m. Every hour is due on the hour."`
	TimeZone string             `json:"time_zone,omitempty" jsonschema_description:"The zone that cron is read in, a name of the IANA database such as Europe/Berlin. Without it UTC."`
	Overlap  string             `json:"overlap,omitempty" jsonschema:"enum=skip,enum=queue,enum=all" jsonschema_description:"What happens if the run before has not ended: the new one is skipped (the default), waits for it in a queue, or all run at once."`
	CatchUp  flowforge.Duration `json:"catch_up,omitempty" jsonschema_description:"How late a run may start, if no worker was there when it was due; what is later is missed. Without it 10m."`
	Jitter   flowforge.Duration `json:"jitter,omitempty" jsonschema_description:"Runs begin up to so much later than they are due, each a little differently, so that not all begin at once."`
	Input    map[string]any     `json:"input,omitempty" jsonschema_description:"What the runs get as input, beside schedule and scheduled_at."`
}

func scheduleTrigger() nodes.Type {
	fired := flowforge.MustValue(map[string]any{
		"schedule": "report/daily", "scheduled_at": "2027-03-01T08:00:00Z", "region": "north",
	})
	made := nodes.Define(nodes.Spec{
		Type: "trigger.schedule", Version: 1, Title: "Schedule", Category: categoryTrigger, Icon: "clock", Kind: nodes.Control,
		Doc: "Starts the workflow at times, from when it is published.\n\n" +
			"It emits the input of the run: what `input` says, with `schedule` (the schedule's id) and `scheduled_at` " +
			"(when the run was due). Each node of this type makes a schedule; publishing a version without it removes it. " +
			"The parameters cannot hold expressions.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The input of the run."}},
		Examples: []nodes.Example{{
			Title: "Every morning",
			Params: flowforge.MustValue(map[string]any{
				"cron": "0 9 * * *", "time_zone": "Europe/Berlin", "input": map[string]any{"region": "north"},
			}),
			Input: fired, Want: flowforge.Out(fired),
		}, {
			Title:  "Every ten minutes, one after the other",
			Params: flowforge.MustValue(map[string]any{"every": "10m", "overlap": "queue"}),
		}},
	}, func(_ context.Context, call *nodes.Call, _ scheduleParams) (flowforge.Value, error) {
		return call.Input, nil
	})
	made.Check = checkSchedule
	return made
}

// checkSchedule finds what is wrong with the times of a schedule, and expressions, which nobody would evaluate.
func checkSchedule(params flowforge.Value) flowforge.Problems {
	fields, _ := params.Any().(map[string]any)
	var problems flowforge.Problems
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if hasTemplate(fields[name]) {
			problems = append(problems, problem("/"+name,
				"a schedule is made when the workflow is published, so that expressions cannot be used here"))
		}
	}
	if len(problems) > 0 {
		return problems
	}
	text := func(name string) string {
		text, _ := fields[name].(string)
		return text
	}
	every, err := flowforge.ParseDuration(text("every"))
	if err != nil && text("every") != "" {
		return nil // the schema of the parameters has told it
	}
	return cron.Check(text("cron"), every.Std(), text("time_zone"))
}
