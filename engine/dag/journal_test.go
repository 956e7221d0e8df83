package dag_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

func TestAJournalGivesTheEventsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dag.Event {
			return dag.Event{
				Kind:      dag.EventKind(rapid.ByteMax(byte(dag.TimeOutFinally)).Draw(t, "kind")),
				At:        dag.Ref{Frame: rapid.Int32().Draw(t, "frame"), Node: rapid.Int32().Draw(t, "node"), Element: rapid.Int32Min(-1).Draw(t, "element")},
				Ports:     rapid.SliceOf(rapid.Int32()).Draw(t, "ports"),
				Code:      flowforge.Code(rapid.String().Draw(t, "code")),
				Permanent: rapid.Bool().Draw(t, "permanent"),
				More:      rapid.Bool().Draw(t, "more"),
				Count:     rapid.Int32().Draw(t, "count"),
				Parallel:  rapid.Int32().Draw(t, "parallel"),
			}
		}), 0, 20).Draw(t, "events")
		var journal []byte
		for i := range events {
			journal = events[i].Append(journal)
			if len(events[i].Ports) == 0 {
				events[i].Ports = nil
			}
		}
		for i := range events {
			var event dag.Event
			var err error
			event, journal, err = dag.ReadEvent(journal)
			require.NoError(t, err)
			require.Equal(t, events[i], event)
		}
		require.Empty(t, journal)
	})
}

func FuzzReadEvent(f *testing.F) {
	whole := dag.Event{Kind: dag.Failed, At: dag.Ref{Frame: 1, Node: 2, Element: 3}, Ports: []int32{0, 1}, Code: "boom", Count: 7}
	f.Add(whole.Append(nil))
	f.Fuzz(func(t *testing.T, journal []byte) {
		event, rest, err := dag.ReadEvent(journal)
		if err != nil {
			require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidValue})
			return
		}
		again, _, err := dag.ReadEvent(event.Append(nil))
		require.NoError(t, err)
		require.Equal(t, event, again)
		require.Less(t, len(rest), len(journal))
	})
}
