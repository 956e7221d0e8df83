package memory_test

import (
	"sync"
	"testing"
	"time"

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
		return storetest.Harness{Store: memory.New(memory.Config{Now: c.Now}), Now: c.Now, Advance: c.Advance}
	})
}
