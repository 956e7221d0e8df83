package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// topics are the runs that someone watches.
type topics struct {
	watched atomic.Int64 // how many, so that runs nobody watches pay nothing
	mu      sync.Mutex
	byRun   map[store.RunKey]*topic
	poll    Timer         // looks whether there are new events of them
	pause   time.Duration // before it does so again
}

// topic is a run that someone watches.
type topic struct {
	mu       sync.Mutex
	watchers []*watcher
	seq      int64     // of the newest event that a watcher has seen
	called   time.Time // when other engines were last told that it is watched
}

// read notes up to which event a watcher has seen the run's.
func (t *topic) read(seq int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq = max(t.seq, seq)
}

// maxNotes bounds the live notes that wait for a slow watcher.
const maxNotes = 1_000

// watcher is one who watches.
type watcher struct {
	topic *topic
	bell  chan struct{} // rung when there is something new
	mu    sync.Mutex
	notes []flowforge.Event
}

// of finds the topic of a run; nil where nobody watches it.
func (t *topics) of(key store.RunKey) *topic {
	if t.watched.Load() == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byRun[key]
}

func (t *topics) subscribe(key store.RunKey) *watcher {
	w := &watcher{bell: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byRun == nil {
		t.byRun = make(map[store.RunKey]*topic)
	}
	if t.byRun[key] == nil {
		t.byRun[key] = &topic{}
	}
	watched := t.byRun[key]
	watched.mu.Lock()
	defer watched.mu.Unlock()
	watched.watchers = append(watched.watchers, w)
	w.topic = watched
	t.watched.Add(1)
	return w
}

func (t *topics) unsubscribe(key store.RunKey, w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	watched := t.byRun[key]
	watched.mu.Lock()
	defer watched.mu.Unlock()
	for i, other := range watched.watchers {
		if other == w {
			watched.watchers = append(watched.watchers[:i], watched.watchers[i+1:]...)
			break
		}
	}
	if len(watched.watchers) == 0 {
		delete(t.byRun, key)
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

// wait waits for the bell, at most until the engine is closed.
func (w *watcher) wait(ctx context.Context, closed <-chan struct{}) error {
	select {
	case <-w.bell:
		return nil
	case <-closed:
		return flowforge.Errorf(flowforge.CodeClosed, "the engine is closed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// How long it takes before an engine looks into the store for events of runs that are elsewhere. It doubles while
// there are none.
const (
	watchPause    = 25 * time.Millisecond
	maxWatchPause = time.Second
)

// pollSoon looks for new events of the watched runs soon, and from then on as long as any is watched.
func (e *Engine) pollSoon() {
	t := &e.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pause = watchPause
	if t.poll != nil {
		t.poll.Stop()
	}
	t.poll = e.clock.AfterFunc(t.pause, e.pollWatched)
}

// pollWatched wakes the watchers of runs with new events: one statement for all of them.
func (e *Engine) pollWatched() {
	t := &e.topics
	t.mu.Lock()
	keys := make([]store.RunKey, 0, len(t.byRun))
	for key := range t.byRun {
		keys = append(keys, key)
	}
	t.mu.Unlock()
	if len(keys) == 0 || e.base.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(e.base, e.config.Lease/4)
	seqs, err := e.config.Store.Seqs(ctx, keys)
	cancel()
	if err != nil && e.base.Err() == nil {
		e.logger.Error("look for events", "runs", len(keys), "error", err)
	}
	live := e.callFor(keys)
	changed := false
	for i := range seqs {
		if watched := t.of(keys[i]); watched != nil && watched.behind(seqs[i]) {
			watched.wake()
			changed = true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byRun) == 0 {
		return
	}
	switch t.pause = min(2*t.pause, maxWatchPause); {
	case live:
		t.pause = livePause
	case changed:
		t.pause = watchPause
	}
	t.poll = e.clock.AfterFunc(t.pause, e.pollWatched)
}

// behind reports whether there are events that no watcher has seen. A run that is gone is behind too: its watchers
// are to learn of it.
func (t *topic) behind(seq int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return seq > t.seq || seq == 0
}
