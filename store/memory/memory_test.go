package memory_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/authtest"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
	"github.com/flowforge-go/flowforge/store/storetest"
)

// A clock goes on only when it is told to.
type clock struct {
	lock sync.Mutex
	now  time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.now = c.now.Add(d)
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Harness {
		c := newClock()
		return storetest.Harness{Store: memory.New(memory.Config{Now: c.Now}), Now: c.Now, Advance: c.Advance, Exact: true}
	})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	authtest.Run(t, func(*testing.T) auth.Stores { return memory.New(memory.Config{}) })
}

func TestTheOldestFinishedRunsAreForgotten(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{Keep: 2})
	waiting := create(t, s, newRun(0))[0].Run.ID
	for i := 1; i <= 4; i++ {
		n := eager(i)
		n.IdempotencyKey = n.Run.Workflow.Name + string(n.Run.ID)
		create(t, s, n)
		answers, err := s.Commit(t.Context(), []store.Transition{end(n.Run.ID)})
		require.NoError(t, err)
		require.NoError(t, answers[0].Err)
	}
	runs, err := s.List(t.Context(), workspace, store.Filter{})
	require.NoError(t, err)
	require.Len(t, runs, 3)
	for i, want := range []flowforge.RunID{newRun(4).Run.ID, newRun(3).Run.ID, waiting} {
		require.Equal(t, want, runs[i].ID)
	}
	_, err = s.Run(t.Context(), workspace, newRun(2).Run.ID)
	require.Equal(t, flowforge.CodeNotFound, flowforge.CodeOf(err))
	again := eager(2)
	again.IdempotencyKey = again.Run.Workflow.Name + string(again.Run.ID)
	require.False(t, create(t, s, again)[0].Existing, "forgotten whole: it may be made again")
}

func TestKeepMayBeAll(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{Keep: -1})
	for i := range 1_200 {
		create(t, s, eager(i))
		_, err := s.Commit(t.Context(), []store.Transition{end(newRun(i).Run.ID)})
		require.NoError(t, err)
	}
	_, err := s.Run(t.Context(), workspace, newRun(0).Run.ID)
	require.NoError(t, err)
}
