package engine_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/queue"
	queuememory "github.com/flowforge-go/flowforge/queue/memory"
	"github.com/flowforge-go/flowforge/store/memory"
)

// frail is a bus that loses everything while it is cut, and says nothing of it.
type frail struct {
	queue.Bus
	cut atomic.Bool
}

func (f *frail) Publish(messages ...queue.Message) {
	if !f.cut.Load() {
		f.Bus.Publish(messages...)
	}
}

// pair is a worker and another engine that watches, over one store and one bus.
type pair struct {
	worker, other *engine.Engine
	bus           *frail
	gate          chan struct{} // opened for the second node to end
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{bus: &frail{Bus: queuememory.NewBus()}, gate: make(chan struct{})}
	t.Cleanup(func() { require.NoError(t, p.bus.Close()) })
	shared := memory.New(memory.Config{})
	p.worker = looped(t, engine.Config{Store: shared, Bus: p.bus}, do("test.gate",
		func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			select {
			case <-p.gate:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			call.Log().InfoContext(ctx, "through")
			return flowforge.Out(flowforge.Value{}), nil
		}))
	p.other = newEngine(t, engine.Config{Store: shared, Bus: p.bus})
	return p
}

// start starts a run that waits at the gate.
func (p *pair) start(t *testing.T) flowforge.Run {
	t.Helper()
	return started(t, p.worker, workflow([]string{"a>b"}, flowforge.Node{ID: "a", Type: "core.noop"},
		flowforge.Node{ID: "b", Type: "test.gate"}), nil)
}

// watch collects the kinds of events that the other engine sees until the run ends, and closes the channel then.
func (p *pair) watch(t *testing.T, run flowforge.Run) <-chan flowforge.Event {
	t.Helper()
	seen := make(chan flowforge.Event, 100)
	go func() {
		defer close(seen)
		for event, err := range p.other.Watch(t.Context(), run.Workspace, run.ID, 0) {
			if err != nil {
				t.Error(err)
				return
			}
			seen <- event
		}
	}()
	return seen
}

// idle lets so much time pass that nobody is about to look into the store: the pause is half over.
func idle() {
	time.Sleep(31500 * time.Millisecond)
	synctest.Wait()
}

func TestAWatcherElsewhereIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		run := p.start(t)
		seen := p.watch(t, run)
		idle()
		close(p.gate)
		synctest.Wait() // no time passes
		var kinds []flowforge.EventKind
		for range len(seen) {
			kinds = append(kinds, (<-seen).Kind)
		}
		require.Contains(t, kinds, flowforge.EventNodeLog, "live notes too")
		require.Equal(t, flowforge.EventRunSucceeded, kinds[len(kinds)-1])
		_, open := <-seen
		require.False(t, open)
	})
}

func TestAMessageIsReadAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		run := p.start(t)
		time.Sleep(5500 * time.Millisecond) // between two looks into the inboxes
		synctest.Wait()
		require.NoError(t, p.other.Cancel(t.Context(), run.Workspace, run.ID, "enough"))
		synctest.Wait() // no time passes
		require.Equal(t, flowforge.RunCanceled, statusOf(t, p.worker, run))
	})
}

func TestNothingIsLostWhileTheBusIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		run := p.start(t)
		seen := p.watch(t, run)
		idle()
		p.bus.cut.Store(true)
		before := len(seen)
		close(p.gate)
		synctest.Wait()
		require.Len(t, seen, before, "the watcher has not been told")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		seq := int64(0)
		var last flowforge.Event
		for event := range seen {
			if event.Seq > 0 {
				seq++
				require.Equal(t, seq, event.Seq)
				last = event
			}
		}
		require.Equal(t, flowforge.EventRunSucceeded, last.Kind)
	})
}

func TestMessagesAreReadWithoutTheBus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.bus.cut.Store(true)
		run := p.start(t)
		require.NoError(t, p.other.Cancel(t.Context(), run.Workspace, run.ID, "enough"))
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, flowforge.RunCanceled, statusOf(t, p.worker, run))
	})
}
