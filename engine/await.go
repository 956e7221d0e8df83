package engine

import (
	"encoding/json"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// awaited is what a node run waits for, as the journal keeps it.
type awaited struct {
	At     dag.Ref         `json:"at"`
	Until  time.Time       `json:"until,omitzero"`
	Then   flowforge.Ports `json:"then,omitempty"` // nil: the input on "out"
	Signal string          `json:"signal,omitempty"`
	Match  string          `json:"match,omitempty"`
	Child  flowforge.RunID `json:"child,omitempty"`
}

// signal is one that was sent to the run.
type signal struct {
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Data flowforge.Value `json:"data"`
}

// await lets a node run wait for something outside, and gives what the plan is to be told.
func (r *run) await(a *activity, wish *nodes.Await) dag.Event {
	waiting := dag.Event{Kind: dag.Waiting, At: a.ref}
	if a.stopped {
		return waiting
	}
	r.now = r.engine.now()
	w := &awaited{At: a.ref, Until: wish.Until, Then: wish.Then, Signal: wish.Signal, Match: wish.Match}
	if wish.For > 0 {
		w.Until = r.engine.after(r.now, wish.For)
	}
	switch {
	case wish.Child != nil && wish.Child.Detach:
		r.pending.starts = append(r.pending.starts, *a.child)
		a.ports = flowforge.Out(flowforge.MustValue(map[string]any{"run": string(a.child.Run.ID)}))
		return dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: onlyPort}
	case wish.Child != nil:
		r.pending.starts = append(r.pending.starts, *a.child)
		w.Child = a.child.Run.ID
	case w.Until.IsZero() && w.Signal == "":
		w.Until = r.now
	}
	a.awaits, a.child = w, nil
	r.noteEntry(entryAwait, w)
	facts := w.facts()
	r.record(flowforge.Event{Kind: flowforge.EventNodeWaiting, Node: a.node.Doc.ID, Element: a.path, Attempt: a.attempts, Data: facts})
	r.recordNode(flowforge.NodeRun{
		Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeWaiting, Attempts: a.attempts, Lost: a.losses,
		StartedAt: a.began, ResumeAt: w.Until, Awaits: facts,
	})
	r.waitFor(a)
	return waiting
}

// facts says what is awaited, for people.
func (w *awaited) facts() flowforge.Value {
	facts := make(map[string]any)
	if !w.Until.IsZero() {
		facts["until"] = w.Until.UTC().Format(time.RFC3339Nano)
	}
	if w.Signal != "" {
		facts["signal"] = w.Signal
	}
	if w.Child != "" {
		facts["run"] = string(w.Child)
	}
	return flowforge.MustValue(facts)
}

// waitFor sets the alarm of what is awaited, and looks whether it is there already.
func (r *run) waitFor(a *activity) {
	w := a.awaits
	if !w.Until.IsZero() {
		a.timer = r.engine.alarmAt(w.Until, func() { r.timeIsUp(a) })
	}
	if w.Signal == "" {
		return
	}
	for i := range r.signals {
		if r.signals[i].Name == w.Signal {
			r.ask(a, jobMatch)
			return
		}
	}
}

// timeIsUp lets what has waited long enough succeed.
func (r *run) timeIsUp(a *activity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.timer == nil || r.live[a.ref] != a || r.lost != nil {
		return
	}
	a.timer = nil
	r.apply(r.thenOf(a))
	r.kick()
}

// thenOf gives the event of a wait whose time has come.
func (r *run) thenOf(a *activity) dag.Event {
	a.ports = a.awaits.Then
	if a.ports == nil {
		input, err := r.inputUnder(a)
		if err != nil {
			return r.failed(a, err)
		}
		a.ports = flowforge.Out(input)
	}
	emitted, err := portsOf(a.node, a.ports)
	if err != nil {
		return r.failed(a, err)
	}
	return dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: emitted}
}

// failed notes a failure that trying again would not mend.
func (r *run) failed(a *activity, err error) dag.Event {
	a.failure = r.failureOf(a, err)
	return dag.Event{Kind: dag.Failed, At: a.ref, Code: a.failure.Code, Permanent: true}
}

// offer keeps a signal until a node run waits for it, and lets those that do look at it.
func (r *run) offer(s signal) {
	r.signals = append(r.signals, s)
	r.noteEntry(entrySignal, s)
	for _, a := range r.live {
		if a.awaits != nil && a.awaits.Signal == s.Name {
			r.ask(a, jobMatch)
		}
	}
}

// match takes the first signal that fits what a node run waits for.
func (r *run) match(a *activity) (event dag.Event, told bool) {
	r.mu.Lock()
	w := a.awaits
	offered := append([]signal(nil), r.signals...)
	r.mu.Unlock()
	for _, s := range offered {
		if w == nil || s.Name != w.Signal {
			continue
		}
		fits, err := r.fits(a, w, s)
		r.mu.Lock()
		if r.live[a.ref] != a || a.awaits != w {
			r.mu.Unlock()
			return dag.Event{}, false
		}
		if err != nil {
			event = r.failed(a, err)
			r.mu.Unlock()
			return event, true
		}
		if fits && r.takeSignal(s.ID) {
			a.ports = flowforge.Out(s.Data)
			a.timer.stop()
			a.awaits, a.timer = nil, nil
			r.mu.Unlock()
			return dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: []int32{a.node.Port(flowforge.PortOut)}}, true
		}
		r.mu.Unlock()
	}
	return dag.Event{}, false
}

// fits evaluates the match expression of a wait for a signal.
func (r *run) fits(a *activity, w *awaited, s signal) (bool, error) {
	program := a.node.Lambda[w.Match]
	if program == nil {
		return true, nil
	}
	env := r.env(a)
	env.Item = s.Data.Any()
	result, err := program.Eval(a.frame.ctx, env)
	if err != nil {
		return false, err
	}
	fits, ok := result.(bool)
	if !ok {
		return false, flowforge.Errorf(flowforge.CodeInvalidParams, "match of %s must be true or false: compare something", a.title())
	}
	return fits, nil
}

// takeSignal takes a signal out of those offered; false where another node run has it.
func (r *run) takeSignal(id string) bool {
	for i := range r.signals {
		if r.signals[i].ID == id {
			r.signals = append(r.signals[:i:i], r.signals[i+1:]...)
			r.noteEntry(entryTaken, id)
			return true
		}
	}
	return false
}

// forsake tells a child that its result is not wanted.
func (r *run) forsake(a *activity) {
	if a.awaits == nil || a.awaits.Child == "" {
		return
	}
	r.pending.sends = append(r.pending.sends, store.Message{
		Workspace: r.info.Workspace, Run: a.awaits.Child, ID: "cancel", Kind: store.MessageCancel,
		Payload: flowforge.MustValue(map[string]any{"reason": "run " + string(r.info.ID) + ", which started it, does not wait for it any more"}),
		At:      r.engine.now(),
	})
}

// childDone is what a child tells the run that started it.
type childDone struct {
	Run    flowforge.RunID     `json:"run"`
	Status flowforge.RunStatus `json:"status"`
	Output flowforge.Value     `json:"output"`
	Error  *flowforge.Failure  `json:"error,omitempty"`
}

// hear lets the node run that waits for a child end as the child has.
func (r *run) hear(payload flowforge.Value) {
	var done childDone
	if json.Unmarshal(payload.JSON(), &done) != nil {
		return
	}
	for _, a := range r.live {
		if a.awaits == nil || a.awaits.Child != done.Run {
			continue
		}
		a.awaits = nil
		if done.Status == flowforge.RunSucceeded {
			a.ports = flowforge.Out(done.Output)
			r.apply(dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: onlyPort})
			return
		}
		code := flowforge.CodeNodeFailed
		text := string(done.Status)
		if done.Error != nil {
			code, text = done.Error.Code, text+": "+done.Error.Message
		}
		a.failure = r.failureOf(a, flowforge.Errorf(code, "run %s %s", done.Run, text))
		r.apply(dag.Event{Kind: dag.Failed, At: a.ref, Code: code})
		return
	}
}

// tellParent sends how the run ended to the one that waits for it.
func (r *run) tellParent(end *store.End) {
	origin := r.info.Origin
	if origin == nil || origin.Kind != flowforge.OriginParent {
		return
	}
	payload, err := flowforge.ValueOf(childDone{Run: r.info.ID, Status: r.info.Status, Output: end.Output, Error: end.Error})
	if err != nil {
		payload = flowforge.MustValue(childDone{
			Run: r.info.ID, Status: flowforge.RunFailed, Error: nodes.FailureOf(err),
		})
	}
	r.pending.sends = append(r.pending.sends, store.Message{
		Workspace: r.info.Workspace, Run: origin.Run, ID: "child:" + string(r.info.ID),
		Kind: store.MessageChildDone, Payload: payload, At: r.now,
	})
}
