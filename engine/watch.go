package engine

import (
	"context"
	"iter"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Watch gives the events of a run: the durable ones after a sequence number, each once and in order, and
// between them the live notes as they come. It ends after the run's last event. A watcher that is too slow
// misses live notes, never durable events.
func (e *Engine) Watch(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, after int64,
) iter.Seq2[flowforge.Event, error] {
	return func(yield func(flowforge.Event, error) bool) {
		if _, err := e.config.Store.Run(ctx, workspace, id); err != nil {
			yield(flowforge.Event{}, err)
			return
		}
		key := store.RunKey{Workspace: workspace, Run: id}
		w := e.topics.subscribe(key)
		defer e.topics.unsubscribe(key, w)
		if subscription := e.tuneIn(); subscription != nil {
			subscription.Add(topicOf(key))
			defer subscription.Remove(topicOf(key))
		}
		e.pollSoon()
		for {
			more, last, err := e.passOn(ctx, workspace, id, after, w, yield)
			if err != nil {
				yield(flowforge.Event{}, err)
				return
			}
			if !more {
				return
			}
			after = last
			w.topic.read(after)
			if err := w.wait(ctx, e.base.Done()); err != nil {
				yield(flowforge.Event{}, err)
				return
			}
		}
	}
}

// passOn gives the durable events there are, and the live notes each after the event it follows; more is false
// after the run's last event, or where the receiver has had enough.
func (e *Engine) passOn(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, after int64, w *watcher,
	yield func(flowforge.Event, error) bool,
) (more bool, last int64, err error) {
	const page = 500
	for {
		events, err := e.config.Store.Events(ctx, workspace, id, after, page)
		if err != nil {
			return false, after, err
		}
		// Read before the notes are looked at: a note is there before the events that come after it.
		for _, event := range events {
			for _, note := range w.takeBefore(event.Seq) {
				if !yield(note, nil) {
					return false, after, nil
				}
			}
			after = event.Seq
			if !yield(event, nil) || isEnd(event.Kind) {
				return false, after, nil
			}
		}
		if len(events) < page {
			break
		}
	}
	for _, note := range w.takeBefore(after + 1) {
		if !yield(note, nil) {
			return false, after, nil
		}
	}
	return true, after, nil
}

func isEnd(kind flowforge.EventKind) bool {
	switch kind {
	case flowforge.EventRunSucceeded, flowforge.EventRunFailed, flowforge.EventRunCanceled, flowforge.EventRunTimedOut:
		return true
	default:
		return false
	}
}
