package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

func newScaler() *scaler { return &scaler{min: 4, max: 100, size: 4, types: map[string]*pace{}} }

// load lets attempts that want so many slots meet a server that does so many at a time, for some rounds.
func (s *scaler) load(wanted, capacity, rounds int) (sizes []int) {
	for range rounds {
		used := min(wanted, s.size)
		took := 100 * time.Millisecond * time.Duration(max(used, capacity)) / time.Duration(capacity)
		for range used {
			s.note("slow", took)
			s.note("quick", took/50) // another type has a pace of its own
		}
		sizes = append(sizes, s.round(used))
	}
	return sizes
}

func TestScalerStaysNearWhatTheServerCanDo(t *testing.T) {
	t.Parallel()
	s := newScaler()
	for _, size := range s.load(1_000, 30, 200)[50:] {
		require.GreaterOrEqual(t, size, 24, "all of the server is used, nearly")
		require.LessOrEqual(t, size, 60, "it is not overrun")
	}
}

func TestScalerGrowsWhereNothingGetsSlower(t *testing.T) {
	t.Parallel()
	sizes := newScaler().load(1_000, 1_000, 40)
	require.Equal(t, 100, sizes[39])
	require.IsIncreasing(t, sizes[:10])
}

func TestScalerLearnsANewPace(t *testing.T) {
	t.Parallel()
	s := newScaler()
	s.load(1_000, 100, 30)
	for range 200 { // all takes four times as long from now on, however few there are
		s.note("slow", 400*time.Millisecond)
		s.round(s.size)
	}
	require.Greater(t, s.size, 50)
}

func TestScalerReturnsToTheMinimumWhenIdle(t *testing.T) {
	t.Parallel()
	s := newScaler()
	s.load(1_000, 1_000, 40)
	require.Equal(t, 4, s.load(0, 1_000, 60)[59])
	require.LessOrEqual(t, s.load(10, 1_000, 30)[29], 20, "what is used is kept, no more")
	require.GreaterOrEqual(t, s.size, 10)
}

func TestAWorkerGrowsWithItsWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		working := nodes.Define(nodes.Spec{Type: "test.work", Version: 1, Title: "Work", Category: "test", Kind: nodes.Effectful, Doc: "Works."},
			func(context.Context, *nodes.Call, struct{}) (int, error) {
				time.Sleep(500 * time.Millisecond)
				return 1, nil
			})
		types, err := nodes.NewRegistry(append(builtin.Types(), working)...)
		require.NoError(t, err)
		e, err := New(Config{Nodes: types, MinWorkers: 2, Workers: 50})
		require.NoError(t, err)
		require.Equal(t, 50, e.workerFigures().Slots, "only a worker loop scales")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 2, e.workerFigures().Slots)
		document := &flowforge.Workflow{Name: "w", Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "n", Type: "test.work"}}}}
		for range 400 {
			_, err := e.Start(t.Context(), StartRequest{Document: document})
			require.NoError(t, err)
		}
		time.Sleep(10 * time.Second)
		grown := e.workerFigures().Slots
		require.Greater(t, grown, 15)
		require.LessOrEqual(t, grown, 50)
		time.Sleep(5 * time.Minute)
		require.Equal(t, 2, e.workerFigures().Slots, "there is nothing to do")
		require.Equal(t, 2, e.workerFigures().Free)
		stop()
		require.NoError(t, <-ended)
		require.Equal(t, 50, e.workerFigures().Free, "all are there again")
		require.NoError(t, e.Close(context.Background()))
	})
}
