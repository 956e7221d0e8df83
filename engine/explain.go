package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Explanation answers why a run is not moving, or how it ended: a sentence, what would unblock it, and what lies
// behind it.
type Explanation struct {
	Text   string        `json:"text"`
	Action string        `json:"action,omitempty"` // what a person can do; empty: nothing needs to be done
	Causes []Explanation `json:"causes,omitempty"`
}

// maxCauses bounds how many node runs an explanation tells of.
const maxCauses = 20

// Explain answers why a run is not moving.
func (e *Engine) Explain(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) (Explanation, error) {
	if err := e.syncClock(ctx); err != nil {
		return Explanation{}, err
	}
	x := &explainer{engine: e, now: e.now(), workspace: workspace, seen: make(map[flowforge.RunID]bool)}
	return x.run(ctx, id)
}

// explainer gathers the causes of one explanation.
type explainer struct {
	engine    *Engine
	now       time.Time
	workspace flowforge.Workspace
	seen      map[flowforge.RunID]bool // runs told of, so that none is twice
	tasks     []store.TaskStanding     // of the run that is told of
}

func (x *explainer) run(ctx context.Context, id flowforge.RunID) (Explanation, error) {
	x.seen[id] = true
	run, err := x.engine.config.Store.Run(ctx, x.workspace, id)
	if err != nil {
		return Explanation{}, err
	}
	if run.Status.Terminal() {
		return x.ended(ctx, run)
	}
	standing, err := x.engine.config.Store.Standing(ctx, x.workspace, id)
	if err != nil {
		return Explanation{}, err
	}
	x.tasks = standing.Tasks
	told := Explanation{Text: fmt.Sprintf("The run is %s%s.", run.Status, since(x.now, run))}
	switch {
	case run.Status == flowforge.RunQueued:
		x.queued(&told, run, standing)
	case run.Status == flowforge.RunPaused:
		told.Text = "The run is paused" + because(run.Reason) + "."
		told.Action = "resume it: flowforge runs resume " + string(id)
	case standing.Worker == "" && standing.WakeAt.IsZero() && standing.Unread > 0:
		told.add("It has %d unread messages and waits for a worker to read them.", standing.Unread)
	case !standing.WakeAt.IsZero() && standing.WakeAt.After(x.now):
		told.add("It wakes by itself %s.", x.when(standing.WakeAt))
	}
	x.lease(&told, standing)
	err = x.nodes(ctx, &told, run)
	return told, err
}

func (t *Explanation) add(format string, args ...any) *Explanation {
	t.Causes = append(t.Causes, Explanation{Text: fmt.Sprintf(format, args...)})
	return &t.Causes[len(t.Causes)-1]
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func since(now time.Time, run flowforge.Run) string {
	began := run.CreatedAt
	if !run.StartedAt.IsZero() {
		began = run.StartedAt
	}
	return because(run.Reason) + ", since " + now.Sub(began).Round(time.Second).String() + " ago"
}

func (x *explainer) when(at time.Time) string {
	return fmt.Sprintf("in %s, at %s", at.Sub(x.now).Round(time.Second), at.UTC().Format(time.RFC3339))
}

// queued tells what a run that has not begun waits for.
func (x *explainer) queued(told *Explanation, run flowforge.Run, standing store.Standing) {
	if standing.WakeAt.After(x.now) {
		told.add("It is to begin %s.", x.when(standing.WakeAt))
	}
	held := true
	for _, slot := range standing.Slots {
		if slot.Held {
			continue
		}
		held = false
		if slot.For > 0 {
			told.add("It waits for its turn under %q, behind %d others: no more than %d runs begin in %s.",
				slot.Key, slot.Ahead, slot.Limit, flowforge.Duration(slot.For))
			continue
		}
		names := make([]string, len(slot.Holders))
		for i, holder := range slot.Holders {
			names[i] = string(holder)
		}
		cause := told.add("It waits for one of %d places under %q, behind %d others; they are held by %s.",
			slot.Limit, slot.Key, slot.Ahead, strings.Join(names, ", "))
		cause.Action = "wait for one of these runs to end, or cancel one"
	}
	if held && !standing.WakeAt.After(x.now) && standing.Worker == "" {
		cause := told.add("No worker has claimed it. A worker must serve the pool %q and these node types: %s.",
			run.Pool, strings.Join(standing.NodeTypes, ", "))
		cause.Action = "start a worker on this store, such as: flowforge worker --store DSN"
	}
}

// lease tells who has the run.
func (x *explainer) lease(told *Explanation, standing store.Standing) {
	switch {
	case standing.Worker == "":
	case standing.LeaseEnds.After(x.now):
		told.add("Worker %s has it, and must show that it is alive within %s.",
			standing.Worker, standing.LeaseEnds.Sub(x.now).Round(time.Second))
	default:
		told.add("Worker %s had it and is lost: its lease ended %s ago. Any other worker goes on with it.",
			standing.Worker, x.now.Sub(standing.LeaseEnds).Round(time.Second)).Action = "start a worker on this store if there is none"
	}
	if standing.Lost > 0 {
		told.add("It has lost %d workers in a row; after %d it is ended as failed.", standing.Lost, maxLeasesLost)
	}
}

// nodes tells of node runs that have begun and not ended.
func (x *explainer) nodes(ctx context.Context, told *Explanation, run flowforge.Run) error {
	more := 0
	for n, err := range x.engine.NodeRuns(ctx, run.Workspace, run.ID) {
		if err != nil {
			return err
		}
		if n.Status.Terminal() {
			continue
		}
		if len(told.Causes) >= maxCauses {
			more++
			continue
		}
		cause, err := x.node(ctx, run, n)
		if err != nil {
			return err
		}
		told.Causes = append(told.Causes, cause)
	}
	if more > 0 {
		told.add("So do %d more node runs.", more)
	}
	return nil
}

func (x *explainer) node(ctx context.Context, run flowforge.Run, n flowforge.NodeRun) (Explanation, error) {
	title := string(n.Node)
	if n.Element != "" {
		title += "[" + n.Element + "]"
	}
	switch n.Status {
	case flowforge.NodeRetrying:
		told := Explanation{Text: fmt.Sprintf("Node %s failed at attempt %d and is tried again %s.", title, n.Attempts, x.when(n.ResumeAt))}
		if n.Error != nil {
			told.add("%s: %s", n.Error.Code, n.Error.Message)
		}
		return told, nil
	case flowforge.NodeInDoubt:
		told := Explanation{
			Text:   fmt.Sprintf("Node %s is in doubt: whether its effect has happened is not known, and it must not happen twice.", title),
			Action: fmt.Sprintf("find out and decide: flowforge runs decide %s %s", run.ID, n.Node),
		}
		if n.Error != nil {
			told.add("%s: %s", n.Error.Code, n.Error.Message)
		}
		return told, nil
	case flowforge.NodeWaiting:
		return x.waiting(ctx, run, n, title)
	default:
		return Explanation{Text: fmt.Sprintf("Node %s runs, attempt %d, since %s.",
			title, n.Attempts, x.now.Sub(n.StartedAt).Round(time.Second))}, nil
	}
}

// waiting tells what a node run waits for.
func (x *explainer) waiting(ctx context.Context, run flowforge.Run, n flowforge.NodeRun, title string) (Explanation, error) {
	facts, _ := n.Awaits.Any().(map[string]any)
	if name, is := facts["signal"].(string); is {
		told := Explanation{
			Text:   fmt.Sprintf("Node %s waits for the signal %q.", title, name),
			Action: fmt.Sprintf("send it: flowforge runs signal %s %s", run.ID, name),
		}
		if !n.ResumeAt.IsZero() {
			told.add("It stops waiting %s.", x.when(n.ResumeAt))
		}
		return told, nil
	}
	if pool, is := facts["pool"].(string); is {
		id, _ := facts["task"].(string)
		return x.task(title, pool, flowforge.TaskID(id)), nil
	}
	if child, is := facts["run"].(string); is {
		told := Explanation{Text: fmt.Sprintf("Node %s waits for the end of run %s.", title, child)}
		id := flowforge.RunID(child)
		if x.seen[id] {
			return told, nil
		}
		cause, err := x.run(ctx, id)
		if flowforge.CodeOf(err) == flowforge.CodeNotFound {
			return told, nil
		}
		told.Causes = append(told.Causes, cause)
		return told, err
	}
	return Explanation{Text: fmt.Sprintf("Node %s waits; it goes on %s.", title, x.when(n.ResumeAt))}, nil
}

// task tells what becomes of an attempt that was handed to another pool.
func (x *explainer) task(title, pool string, id flowforge.TaskID) Explanation {
	i := slices.IndexFunc(x.tasks, func(t store.TaskStanding) bool { return t.ID == id })
	switch {
	case i < 0:
		return Explanation{Text: fmt.Sprintf("Node %s has run in pool %q; its result waits to be read.", title, pool)}
	case x.tasks[i].Worker == "":
		return Explanation{
			Text:   fmt.Sprintf("Node %s waits for a worker of pool %q; none has taken it.", title, pool),
			Action: "start a worker of the pool, such as: flowforge worker --store DSN --pools " + pool,
		}
	case x.tasks[i].LeaseEnds.After(x.now):
		return Explanation{Text: fmt.Sprintf("Node %s runs on worker %s of pool %q, which must show that it is alive within %s.",
			title, x.tasks[i].Worker, pool, x.tasks[i].LeaseEnds.Sub(x.now).Round(time.Second))}
	default:
		return Explanation{
			Text: fmt.Sprintf("Node %s ran on worker %s of pool %q, which is lost: its lease ended %s ago. Any other worker of the pool goes on.",
				title, x.tasks[i].Worker, pool, x.now.Sub(x.tasks[i].LeaseEnds).Round(time.Second)),
			Action: "start a worker of the pool if there is none",
		}
	}
}

// ended tells how a run has ended.
func (x *explainer) ended(ctx context.Context, run flowforge.Run) (Explanation, error) {
	told := Explanation{Text: fmt.Sprintf("The run has ended: %s%s.", run.Status, because(run.Reason))}
	if run.Status == flowforge.RunSucceeded {
		return told, nil
	}
	told.Action = "mend the cause and retry it: flowforge runs retry " + string(run.ID)
	if run.Error != nil {
		told.add("%s: %s", run.Error.Code, run.Error.Message)
	}
	for n, err := range x.engine.NodeRuns(ctx, run.Workspace, run.ID) {
		if err != nil {
			return told, err
		}
		if n.Status == flowforge.NodeFailed && n.Error != nil && len(told.Causes) < maxCauses {
			told.add("Node %s failed: %s: %s", n.Node, n.Error.Code, n.Error.Message)
		}
	}
	return told, nil
}
