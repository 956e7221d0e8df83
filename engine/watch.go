package engine

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowforge-go/flowforge"
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
		w := e.topics.subscribe(id)
		defer e.topics.unsubscribe(id, w)
		pause := watchPause
		for {
			more, last, err := e.passOn(ctx, workspace, id, after, w, yield)
			if err != nil {
				yield(flowforge.Event{}, err)
				return
			}
			if !more {
				return
			}
			if last > after {
				after, pause = last, watchPause
			}
			if err := w.wait(ctx, e.clock, pause); err != nil {
				yield(flowforge.Event{}, err)
				return
			}
			pause = min(2*pause, maxWatchPause)
		}
	}
}

// How long a watcher waits before it looks into the store without having been told to.
const (
	watchPause    = 25 * time.Millisecond
	maxWatchPause = time.Second
)

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

// topics are the runs that someone watches.
type topics struct {
	watched atomic.Int64 // how many, so that runs nobody watches pay nothing
	mu      sync.Mutex
	byRun   map[flowforge.RunID]*topic
}

// topic is a run that someone watches.
type topic struct {
	mu       sync.Mutex
	watchers []*watcher
}

// maxNotes bounds the live notes that wait for a slow watcher.
const maxNotes = 1_000

// watcher is one who watches.
type watcher struct {
	bell  chan struct{} // rung when there is something new
	mu    sync.Mutex
	notes []flowforge.Event
}

// of finds the topic of a run; nil where nobody watches it.
func (t *topics) of(id flowforge.RunID) *topic {
	if t.watched.Load() == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byRun[id]
}

func (t *topics) subscribe(id flowforge.RunID) *watcher {
	w := &watcher{bell: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byRun == nil {
		t.byRun = make(map[flowforge.RunID]*topic)
	}
	if t.byRun[id] == nil {
		t.byRun[id] = &topic{}
	}
	watched := t.byRun[id]
	watched.mu.Lock()
	defer watched.mu.Unlock()
	watched.watchers = append(watched.watchers, w)
	t.watched.Add(1)
	return w
}

func (t *topics) unsubscribe(id flowforge.RunID, w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	watched := t.byRun[id]
	watched.mu.Lock()
	defer watched.mu.Unlock()
	for i, other := range watched.watchers {
		if other == w {
			watched.watchers = append(watched.watchers[:i], watched.watchers[i+1:]...)
			break
		}
	}
	if len(watched.watchers) == 0 {
		delete(t.byRun, id)
	}
	t.watched.Add(-1)
}

// publish hands a live note to all watchers.
func (t *topic) publish(note flowforge.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.watchers {
		w.mu.Lock()
		if len(w.notes) < maxNotes {
			w.notes = append(w.notes, note)
		}
		w.mu.Unlock()
		w.ring()
	}
}

// wake tells all watchers that there are durable events.
func (t *topic) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.watchers {
		w.ring()
	}
}

func (w *watcher) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// takeBefore takes the notes that come before the durable event of a number, in order.
func (w *watcher) takeBefore(seq int64) []flowforge.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.notes) && w.notes[n].After < seq {
		n++
	}
	taken := w.notes[:n:n]
	w.notes = w.notes[n:]
	return taken
}

// wait waits for the bell, at most for the pause.
func (w *watcher) wait(ctx context.Context, clock Clock, pause time.Duration) error {
	timer := clock.AfterFunc(pause, w.ring)
	defer timer.Stop()
	select {
	case <-w.bell:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
