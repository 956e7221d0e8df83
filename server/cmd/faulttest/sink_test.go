//go:build linux || darwin

package faulttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/faulttest"
)

// call is an effect that happened.
type call struct {
	faulttest.Effect

	at     time.Time
	failed bool      // it was answered with an error
	over   time.Time // shortly before the answer; zero: there is none
}

// sink is the world that effects happen in. No answer is like another one, so that a result that is not the recorded
// one is seen by what comes after it.
type sink struct {
	url string

	mu    sync.Mutex
	calls []call
	fails map[string]int           // answers that were errors, by key
	gates map[string]chan struct{} // closed when open
	lose  int                      // how many answers are still to be lost
	end   chan struct{}
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{fails: map[string]int{}, gates: map[string]chan struct{}{}, end: make(chan struct{})}
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() {
		close(s.end)
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// ServeHTTP notes an effect and answers with its number.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var effect faulttest.Effect
	if err := json.NewDecoder(r.Body).Decode(&effect); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	number, failed, lost := s.note(effect)
	if effect.Params.Gate != "" {
		select {
		case <-s.gate(effect.Params.Gate):
		case <-r.Context().Done():
			return
		case <-s.end:
		}
	}
	s.noteEnd(number)
	switch {
	case lost:
		panic(http.ErrAbortHandler) // it cuts the connection
	case failed:
		http.Error(w, "not this time", http.StatusServiceUnavailable)
	default:
		fmt.Fprintf(w, `{"n": %d}`, number)
	}
}

func (s *sink) note(effect faulttest.Effect) (number int, failed, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed = s.fails[effect.Key] < effect.Params.Fail; failed {
		s.fails[effect.Key]++
	} else if lost = s.lose > 0; lost {
		s.lose--
	}
	s.calls = append(s.calls, call{Effect: effect, at: time.Now(), failed: failed})
	return len(s.calls), failed, lost
}

func (s *sink) noteEnd(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[number-1].over = time.Now()
}

func (s *sink) gate(name string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gates[name] == nil {
		s.gates[name] = make(chan struct{})
	}
	return s.gates[name]
}

// open lets all through that wait at a gate, and those that will come.
func (s *sink) open(name string) { close(s.gate(name)) }

// all gives the effects until now.
func (s *sink) all() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

// of gives the effects of a node.
func (s *sink) of(node flowforge.NodeID) []call {
	var found []call
	for _, c := range s.all() {
		if c.Node == node {
			found = append(found, c)
		}
	}
	return found
}

// await waits until there were so many effects of a node.
func (s *sink) await(t *testing.T, node flowforge.NodeID, many int) {
	t.Helper()
	eventually(t, patience(), func() string {
		if got := len(s.of(node)); got < many {
			return fmt.Sprintf("%d effects of %s, want %d", got, node, many)
		}
		return ""
	})
}

// awaitKeys waits until there were so many effects of all nodes, repeated ones not counted.
func (s *sink) awaitKeys(t *testing.T, many int) {
	t.Helper()
	eventually(t, patience(), func() string {
		if got := s.keys(); got < many {
			return fmt.Sprintf("%d effects, want %d", got, many)
		}
		return ""
	})
}

// loseAnswers lets the next effects happen without an answer.
func (s *sink) loseAnswers(many int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = many
}

// keys gives how many effects there were, however often each was asked for.
func (s *sink) keys() int {
	keys := map[string]bool{}
	for _, c := range s.all() {
		keys[c.Key] = true
	}
	return len(keys)
}

// patience is how long effects are waited for.
func patience() time.Duration { return time.Duration(count(1, 20)) * recovery }

// eventually asks again and again until the complaint is empty.
func eventually(t *testing.T, limit time.Duration, complaint func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		said := complaint()
		if said == "" {
			return
		}
		require.True(t, time.Now().Before(deadline), "not within %s: %s", limit, said)
		time.Sleep(pause) //nolint:forbidigo // What other processes do is polled.
	}
}
