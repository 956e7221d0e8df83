package progress

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

func TestBoardFollowsNodeRunsAndElements(t *testing.T) {
	t.Parallel()
	b := newBoard(2)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	note := func(node flowforge.NodeID, element string, attempt int) flowforge.Event {
		return flowforge.Event{Kind: flowforge.EventNodeStarted, Node: node, Element: element, Attempt: attempt, At: at}
	}
	require.True(t, b.begin(note("each", "", 1)))
	require.False(t, b.begin(note("each", "0", 1)), "an element is no node run of its own")
	require.False(t, b.begin(note("each", "1", 1)))
	require.False(t, b.begin(note("each", "1", 2)), "another attempt is no other element")
	require.True(t, b.begin(note("inner", "3/0", 1)))
	require.Equal(t, "0 of 2 nodes, 2 running", b.summary())

	end := flowforge.Event{Node: "each", At: at.Add(1500 * time.Millisecond)}
	require.Equal(t, "each succeeded 1.5s, 2 elements", endLine(end, flowforge.NodeSucceeded, b.end(end, flowforge.NodeSucceeded)))
	require.False(t, b.begin(note("each", "", 1)), "news of a beginning may come after that of the end")
	require.False(t, b.begin(note("each", "2", 1)))
	b.end(flowforge.Event{Node: "inner", Element: "3/0"}, flowforge.NodeFailed)
	require.Equal(t, "1 of 2 nodes, 1 succeeded, 1 ended inside loops", b.summary())
}

// Of a large run only numbers are kept.
func TestBoardFollowsOnlySoMany(t *testing.T) {
	t.Parallel()
	b := newBoard(3 * maxFollowed)
	for i := range 3 * maxFollowed {
		event := flowforge.Event{Node: flowforge.NodeID(fmt.Sprint("n", i))}
		b.begin(event)
		if i%2 == 0 {
			b.end(event, flowforge.NodeSucceeded)
		}
	}
	require.Equal(t, 3*maxFollowed/2, b.ended())
	require.LessOrEqual(t, len(b.over), maxFollowed+1)
	require.Empty(t, b.running)
}
