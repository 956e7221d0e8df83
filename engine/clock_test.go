package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// slowClock answers late what time it is.
type slowClock struct {
	store.Store

	late time.Duration
}

func (s slowClock) Now(ctx context.Context) (time.Time, error) {
	now, err := s.Store.Now(ctx)
	time.Sleep(s.late)
	return now, err
}

// A wait that begins where the store's time is known only about, and ends where it is known well, is not cut short.
func TestAWaitIsNotShorterForASlowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := memory.New(memory.Config{})
		work := func(over store.Store) (e *engine.Engine, end func()) {
			e, err := engine.New(engine.Config{Store: over})
			require.NoError(t, err)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- e.Run(ctx) }()
			synctest.Wait()
			return e, func() {
				stop()
				require.NoError(t, <-ended)
				require.NoError(t, e.Close(context.WithoutCancel(ctx)))
			}
		}
		document := &flowforge.Workflow{Name: "w", Graph: flowforge.Graph{Nodes: []flowforge.Node{{
			ID: "n", Type: "core.wait", Params: flowforge.MustValue(map[string]any{"duration": "1m"}),
		}}}}
		begins, end := work(slowClock{kept, 300 * time.Millisecond})
		run, err := begins.Start(t.Context(), engine.StartRequest{Document: document})
		require.NoError(t, err)
		began := time.Now()
		time.Sleep(10 * time.Second)
		end()
		goesOn, end := work(kept)
		defer end()
		run, err = goesOn.Wait(t.Context(), flowforge.Local, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunSucceeded, run.Status)
		require.GreaterOrEqual(t, time.Since(began), time.Minute)
	})
}
