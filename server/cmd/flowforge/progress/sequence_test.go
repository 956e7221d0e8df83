package progress

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// recorder is a progress that remembers what it was told.
type recorder struct {
	mu   sync.Mutex
	told []string
}

func (r *recorder) Event(event flowforge.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, event.Reason)
}

func (r *recorder) Say(string)        {}
func (r *recorder) End(flowforge.Run) {}
func (r *recorder) Stop()             {}

// take gives what was told since the last time.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.told
	r.told = nil
	return told
}

func TestSequencePutsNotesBehindTheirEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told recorder
		s := InOrder(&told)
		note := func(after int64, name string) { s.Event(flowforge.Event{After: after, Reason: name}) }
		durable := func(seq int64, name string) { s.Event(flowforge.Event{Seq: seq, Reason: name}) }
		durable(1, "created")
		note(1, "started")
		note(3, "log after 3")
		note(2, "log behind it")
		require.Equal(t, []string{"created", "started"}, told.take())
		durable(2, "two")
		durable(3, "three")
		durable(4, "four")
		require.Equal(t, []string{"two", "three", "log after 3", "log behind it", "four"}, told.take())

		note(9, "in its midst")
		synctest.Wait()
		require.Empty(t, told.take())
		time.Sleep(patience) //nolint:forbidigo // The bubble's clock.
		synctest.Wait()
		require.Equal(t, []string{"in its midst"}, told.take())
		note(9, "last")
		s.Stop()
		require.Equal(t, []string{"last"}, told.take())
	})
}
