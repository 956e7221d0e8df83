package engine

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// Engines tell each other over the bus what would otherwise be found by looking into the store: that a run has new
// events, on a topic of its own, and on one that all engines listen to that a run has got a message or is watched.
// All of it may be lost. The first letter of a payload says what it is.
const (
	callsTopic = "calls"
	runTopic   = "runs/"

	newsEvents  = 's' // a run has events up to this number
	newsNote    = 'n' // a live note of a run, as JSON
	newsMail    = 'm' // a run has got a message
	newsWatched = 'w' // someone watches a run, who would like to have its live notes
)

const (
	watchedFor = 10 * time.Second // a run counts as watched since someone said so
	callPause  = time.Second      // before a watcher says so again
	// livePause is how long it takes before an engine looks into the store for events of watched runs, where the bus
	// works.
	livePause = 3 * time.Second
)

// news is an engine's end of the bus.
type news struct {
	once         sync.Once
	subscription queue.Subscription // nil: nothing is listened to
}

func topicOf(key store.RunKey) string {
	return runTopic + string(key.Workspace) + "\n" + string(key.Run)
}

func keyIn(text string) store.RunKey {
	workspace, run, _ := strings.Cut(text, "\n")
	return store.RunKey{Workspace: flowforge.Workspace(workspace), Run: flowforge.RunID(run)}
}

func newsOf(topic string, kind byte, text string) queue.Message {
	return queue.Message{Topic: topic, Payload: append([]byte{kind}, text...)}
}

func call(kind byte, key store.RunKey) queue.Message {
	return newsOf(callsTopic, kind, string(key.Workspace)+"\n"+string(key.Run))
}

// tuneIn begins to listen to what concerns all engines, and gives the subscription; nil: there is none.
func (e *Engine) tuneIn() queue.Subscription {
	if e.config.Bus == nil {
		return nil
	}
	e.news.once.Do(func() {
		subscription, err := e.config.Bus.Subscribe(queue.Listener{Receive: e.hear, Missed: e.missed})
		if err != nil {
			e.logger.Warn("listen to the bus: the store is looked into instead", "error", err)
			return
		}
		e.mu.Lock()
		e.news.subscription = subscription
		e.mu.Unlock()
		subscription.Add(callsTopic)
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.news.subscription
}

// tuneOut ends listening.
func (e *Engine) tuneOut() {
	e.news.once.Do(func() {})
	e.mu.Lock()
	subscription := e.news.subscription
	e.mu.Unlock()
	if subscription != nil {
		_ = subscription.Close() // there is nothing to be mended
	}
}

// publish tells other engines something.
func (e *Engine) publish(messages ...queue.Message) {
	if e.config.Bus != nil && len(messages) > 0 {
		e.config.Bus.Publish(messages...)
	}
}

// tell tells other engines what a commit has written.
func (e *Engine) tell(written []*store.Transition, answers []store.Committed) {
	if e.config.Bus == nil {
		return
	}
	messages := make([]queue.Message, 0, len(written))
	for i, transition := range written {
		if answers[i].Err != nil {
			continue
		}
		if len(transition.Events) > 0 {
			key := store.RunKey{Workspace: transition.Workspace, Run: transition.Run}
			messages = append(messages, newsOf(topicOf(key), newsEvents, strconv.FormatInt(transition.ToSeq, 10)))
		}
		for _, sent := range transition.Sends {
			messages = append(messages, call(newsMail, store.RunKey{Workspace: sent.Workspace, Run: sent.Run}))
		}
	}
	e.publish(messages...)
}

// hear takes what another engine tells, or this one.
func (e *Engine) hear(message queue.Message) {
	if len(message.Payload) == 0 {
		return
	}
	kind, text := message.Payload[0], string(message.Payload[1:])
	if run, is := strings.CutPrefix(message.Topic, runTopic); is {
		if watched := e.topics.of(keyIn(run)); watched != nil {
			e.hearOf(keyIn(run), watched, kind, text)
		}
		return
	}
	r := e.owned(keyIn(text).Run)
	if r == nil || r.key() != keyIn(text) {
		return
	}
	switch kind {
	case newsMail:
		e.readMailSoon()
	case newsWatched:
		r.watchedUntil.Store(e.clock.Now().Add(watchedFor).UnixNano())
	}
}

// hearOf takes what is told of a run that someone here watches.
func (e *Engine) hearOf(key store.RunKey, watched *topic, kind byte, text string) {
	if e.owned(key.Run) != nil {
		return // its watchers know already
	}
	switch kind {
	case newsEvents:
		if seq, err := strconv.ParseInt(text, 10, 64); err == nil && watched.behind(seq) {
			watched.wake()
		}
		if watched.callAgain(e.clock.Now()) { // another engine may own it since it was called the last time
			e.publish(call(newsWatched, key))
		}
	case newsNote:
		var note flowforge.Event
		if json.Unmarshal([]byte(text), &note) == nil {
			watched.publish(note)
		}
	}
}

// missed looks into the store for what may not have been heard.
func (e *Engine) missed(topic string) {
	run, is := strings.CutPrefix(topic, runTopic)
	if !is {
		e.readMailSoon()
		return
	}
	if watched := e.topics.of(keyIn(run)); watched != nil {
		watched.wake()
		e.publish(call(newsWatched, keyIn(run)))
	}
}

// callFor says that runs are watched, and reports whether news comes through.
func (e *Engine) callFor(keys []store.RunKey) (live bool) {
	subscription := e.tuneIn()
	if subscription == nil || !subscription.Live() {
		return false
	}
	now := e.clock.Now()
	var calls []queue.Message
	for _, key := range keys {
		if watched := e.topics.of(key); watched != nil && e.owned(key.Run) == nil && watched.callAgain(now) {
			calls = append(calls, call(newsWatched, key))
		}
	}
	e.publish(calls...)
	return true
}

// callAgain reports whether it is time to say again that the run is watched.
func (t *topic) callAgain(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.called) < callPause {
		return false
	}
	t.called = now
	return true
}

// isWatchedElsewhere reports whether another engine wants the live notes of the run.
func (r *run) isWatchedElsewhere() bool {
	until := r.watchedUntil.Load()
	return until > 0 && r.engine.clock.Now().UnixNano() < until
}

// tellNote passes a live note on to other engines.
func (r *run) tellNote(note flowforge.Event) {
	text, err := json.Marshal(note)
	if err != nil {
		return // it cannot be shown to anyone
	}
	r.engine.publish(newsOf(topicOf(r.key()), newsNote, string(text)))
}
