package engine

import (
	"encoding/json"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/store"
)

// readInbox applies the messages that others have sent to the run.
func (r *run) readInbox() {
	if r.isTooEarly() {
		return
	}
	messages, err := r.engine.config.Store.Messages(r.ctx, r.info.Workspace, r.info.ID)
	if err != nil {
		if r.ctx.Err() == nil {
			r.engine.logger.Error("read inbox", "run", r.info.ID, "error", err)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.receive(messages)
	r.kick()
}

// isTooEarly reports whether nothing can be asked of the run yet. Who comes too early need not come again.
func (r *run) isTooEarly() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed = r.missed || !r.begun
	return !r.begun
}

// receive applies messages, each once.
func (r *run) receive(messages []store.Message) {
	for i := range messages {
		if r.lost != nil || r.ending != nil || !r.pending.read(messages[i].ID) {
			continue
		}
		r.now = r.engine.now()
		payload := messages[i].Payload
		switch messages[i].Kind {
		case store.MessageCancel:
			r.requestCancel(reasonIn(payload))
		case store.MessagePause:
			r.requestPause(reasonIn(payload))
		case store.MessageResume:
			r.requestResume()
		case store.MessageSignal:
			var sent signal
			if json.Unmarshal(payload.JSON(), &sent) == nil {
				sent.ID = messages[i].ID
				r.offer(sent)
			}
		case store.MessageChildDone:
			r.hear(payload)
		case store.MessageDecide:
			r.decide(payload)
		case store.MessageTaskDone:
			r.taskDone(payload)
		case store.MessageInput: // it is read before the run begins
		}
	}
}

func reasonIn(payload flowforge.Value) string {
	fields, _ := payload.Any().(map[string]any)
	reason, _ := fields["reason"].(string)
	return reason
}

// requestCancel asks the run to end as canceled.
func (r *run) requestCancel(reason string) {
	if r.canceling || r.ending != nil || r.info.Status.Terminal() {
		return
	}
	r.now = r.engine.now()
	r.goOn()
	r.canceling = true
	r.info.Status, r.info.Reason = flowforge.RunCanceling, reason
	r.record(flowforge.Event{Kind: flowforge.EventRunCanceling, Reason: reason})
	r.apply(dag.Event{Kind: dag.CancelRun})
}

// requestPause begins nothing new in the run.
func (r *run) requestPause(reason string) {
	if r.paused || r.canceling || r.info.Status.Terminal() {
		return
	}
	r.paused = true
	r.info.Status, r.info.Reason = flowforge.RunPaused, reason
	r.record(flowforge.Event{Kind: flowforge.EventRunPaused, Reason: reason})
}

// requestResume goes on with a paused run.
func (r *run) requestResume() {
	if !r.paused {
		return
	}
	r.goOn()
	r.info.Status, r.info.Reason = flowforge.RunRunning, ""
	r.record(flowforge.Event{Kind: flowforge.EventRunResumed})
}

// goOn begins what was held back while the run was paused.
func (r *run) goOn() {
	r.paused = false
	for _, j := range r.later {
		r.ready.push(j)
	}
	r.later = nil
}
