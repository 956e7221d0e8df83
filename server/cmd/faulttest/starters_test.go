//go:build linux || darwin

package faulttest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// starters is a process that starts runs and owns none, as one that answers requests, and all those before it that
// were killed.
type starters struct {
	w       *world
	way     string // to the store
	keys    string
	many    int
	file    string
	options []string
	now     *process
	gone    []*process
}

// newStarters begins to start so many runs of a workflow, with keys that begin with a word.
func (w *world) newStarters(way, keys string, workflow *flowforge.Workflow, many int, options ...string) *starters {
	w.t.Helper()
	text, err := json.Marshal(workflow)
	require.NoError(w.t, err)
	s := &starters{w: w, way: way, keys: keys, many: many, file: filepath.Join(w.t.TempDir(), "workflow.json"), options: options}
	require.NoError(w.t, os.WriteFile(s.file, text, 0o600))
	s.begin()
	return s
}

// begin starts a process that goes on where the one before it was known to be.
func (s *starters) begin() {
	s.w.t.Helper()
	s.now = s.w.spawnOn(s.way, "", append([]string{
		"-start", s.file, "-count", strconv.Itoa(s.many), "-keys", s.keys, "-from", strconv.Itoa(s.from()),
	}, s.options...)...)
}

// from gives the first key that was not acknowledged.
func (s *starters) from() int {
	known := s.acknowledged()
	for n := range s.many {
		if known[s.keys+strconv.Itoa(n)] == "" {
			return n
		}
	}
	return s.many
}

// kill ends the process as kill -9 does, and begins another one.
func (s *starters) kill() {
	s.w.t.Helper()
	s.now.kill()
	s.again()
}

func (s *starters) again() {
	s.w.t.Helper()
	s.gone = append(s.gone, s.now)
	s.begin()
}

// acknowledged gives the runs by their keys: a key has one run, whoever asked for it.
func (s *starters) acknowledged() map[string]flowforge.RunID {
	s.w.t.Helper()
	known := map[string]flowforge.RunID{}
	for _, line := range s.lines("started") {
		key, id, _ := strings.Cut(line, " ")
		if was := known[key]; was != "" {
			require.Equal(s.w.t, was, flowforge.RunID(id), "I1: key %s was answered with two runs", key)
		}
		known[key] = flowforge.RunID(id)
	}
	return known
}

// lines gives what all processes have said that begins with a word.
func (s *starters) lines(word string) []string {
	var lines []string
	for _, p := range s.gone {
		lines = append(lines, p.out.whole(word)...)
	}
	if s.now != nil {
		lines = append(lines, s.now.out.whole(word)...)
	}
	return lines
}

// whole is lines without one that its process could not finish.
func (o *output) whole(word string) []string {
	text := o.String()
	end := strings.LastIndexByte(text, '\n') + 1
	var finished output
	finished.text.WriteString(text[:end])
	return finished.lines(word)
}

// await waits until all runs were started, and those that are watched have ended, and gives them.
func (s *starters) await(limit time.Duration) []flowforge.RunID {
	s.w.t.Helper()
	s.now.awaitEnd(s.w.t, limit)
	require.NoError(s.w.t, s.now.err, "%s", tail(s.now.log.String()))
	known := s.acknowledged()
	require.Len(s.w.t, known, s.many, "I1: each key was acknowledged")
	ids := make([]flowforge.RunID, 0, len(known))
	for _, id := range known {
		ids = append(ids, id)
	}
	return ids
}

// requireNoneLost requires that what was canceled is, and that what was seen by those who watched is so.
func (s *starters) requireNoneLost() {
	s.w.t.Helper()
	for _, line := range s.lines("ended") {
		id, status, _ := strings.Cut(line, " ")
		require.Equal(s.w.t, status, string(s.w.run(flowforge.RunID(id)).Status), "who watched run %s saw another end", id)
	}
	for _, id := range s.lines("canceled") {
		status := s.w.run(flowforge.RunID(id)).Status
		require.Contains(s.w.t, []flowforge.RunStatus{flowforge.RunCanceled, flowforge.RunSucceeded}, status, "I6: run %s", id)
	}
}

// TestRedisIsKilled kills Redis while runs are started and done through it, leaves it away, and starts it again empty:
// no start fails, no process is started again, and all runs finish. It is emptied, too.
func TestRedisIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	redis := newRedis(t)
	many := count(60, 2_000)
	workers := []*process{
		w.spawn("", redis.arguments()...), w.spawn("", redis.arguments("-pools", "gpu")...),
	}
	s := w.newStarters(w.address, "k", document(t, pooled), many, redis.arguments("-watch", "20", "-pause", "50ms")...)
	w.sink.awaitKeys(t, many/4)
	redis.kill()
	before := len(s.lines("started"))
	w.wait(time.Duration(count(3, 30)) * time.Second)
	require.Greater(t, len(s.lines("started")), before, "runs are started without Redis")
	redis.start()
	redis.flush()
	runs := s.await(recovery + time.Duration(count(0, 600))*time.Second)
	require.Empty(t, s.lines("unavailable"), "a start failed")
	redis.flush()
	w.check(recovery, runs, pooledEffects*len(runs))
	s.requireNoneLost()
	w.requireClean()
	redis.requireNoHints()
	for _, p := range workers {
		p.signal(syscall.SIGTERM)
		p.awaitEnd(t, recovery)
		require.NoError(t, p.err, "a worker that went on all the time drains")
	}
}
