package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// crew makes runs, some at a time, until there were so many or the time is over.
type crew struct {
	engine   *engine.Engine
	document *flowforge.Workflow
	workers  int
	runs     int           // 0: not bounded
	time     time.Duration // 0: not bounded
	what     string
	tell     func(format string, args ...any)
}

// work gives how long each run took from its start to its result.
func (c *crew) work(ctx context.Context) ([]time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var ended, begun atomic.Int64
	telling := make(chan struct{})
	go func() {
		defer close(telling)
		c.report(ctx, &ended)
	}()
	began := time.Now()
	took := make([][]time.Duration, c.workers)
	failed := make([]error, c.workers)
	var crew sync.WaitGroup
	for i := range c.workers {
		crew.Go(func() {
			for c.more(began, begun.Add(1)) && failed[i] == nil && ctx.Err() == nil {
				since := time.Now()
				_, err := c.engine.DoRequest(ctx, engine.StartRequest{Document: c.document, Input: flowforge.MustValue(nil)})
				if err != nil {
					failed[i] = err
					stop()
				}
				took[i] = append(took[i], time.Since(since))
				ended.Add(1)
			}
		})
	}
	crew.Wait()
	stop()
	<-telling
	var all []time.Duration
	for _, one := range took {
		all = append(all, one...)
	}
	return all, errors.Join(failed...)
}

// more reports whether the run of a number may begin.
func (c *crew) more(began time.Time, number int64) bool {
	return (c.runs == 0 || number <= int64(c.runs)) && (c.time == 0 || time.Since(began) < c.time)
}

// report tells every second how many runs there were.
func (c *crew) report(ctx context.Context, ended *atomic.Int64) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := ended.Load()
			c.tell("%s: %d runs, %d in the last second", c.what, now, now-last)
			last = now
		}
	}
}
