package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// board knows how far a run is.
type board struct {
	total   int // nodes of the document, without those inside loops
	counts  map[flowforge.NodeStatus]int
	inside  int // node runs inside loops that have ended
	running map[nodeKey]*begun
	over    map[nodeKey]bool // those that have ended: news of a beginning may come after that of the end
}

// maxFollowed bounds the node runs that are followed one by one; beyond, they are counted as they end.
const maxFollowed = 20_000

// nodeKey names a node run.
type nodeKey struct {
	node    flowforge.NodeID
	element string
}

// begun is a node run that has begun and not ended.
type begun struct {
	since    time.Time
	elements int // of an each, that have begun
	loop     loopState
}

// loopState is how far a loop is, as an event tells now and then.
type loopState struct {
	Done   int `json:"done"`
	Failed int `json:"failed"`
	Total  int `json:"total"`
}

func (l loopState) String() string {
	text := fmt.Sprintf("%d of %s", l.Done, human.Count(l.Total, "element"))
	if l.Failed > 0 {
		text += fmt.Sprintf(", %d failed", l.Failed)
	}
	return text
}

// loop notes how far a loop is.
func (b *board) loop(event flowforge.Event) (loopState, bool) {
	was := b.running[nodeKey{event.Node, event.Element}]
	var now loopState
	if was == nil || event.Data.Decode(&now) != nil {
		return now, false
	}
	was.loop = now
	return now, true
}

func newBoard(total int) *board {
	return &board{
		total: total, counts: make(map[flowforge.NodeStatus]int),
		running: make(map[nodeKey]*begun), over: make(map[nodeKey]bool),
	}
}

// begin notes that an attempt has begun, and reports whether that is news of a node run, not of an element of its
// each.
func (b *board) begin(event flowforge.Event) bool {
	if len(b.over) > maxFollowed {
		if len(b.running) > 0 {
			b.running = make(map[nodeKey]*begun) // clearing a map takes as long as it once was large
		}
		return false
	}
	if event.Element != "" {
		each := nodeKey{event.Node, event.Element[:max(strings.LastIndexByte(event.Element, '/'), 0)]}
		if of := b.running[each]; of != nil {
			if event.Attempt == 1 {
				of.elements++
			}
			return false
		}
		if b.over[each] {
			return false
		}
	}
	key := nodeKey{event.Node, event.Element}
	if b.running[key] != nil || b.over[key] {
		return false
	}
	b.running[key] = &begun{since: event.At}
	return true
}

// end notes that a node run has ended, and gives what is known of its beginning; nil: nothing.
func (b *board) end(event flowforge.Event, status flowforge.NodeStatus) *begun {
	key := nodeKey{event.Node, event.Element}
	was := b.running[key]
	delete(b.running, key)
	if len(b.over) <= maxFollowed {
		b.over[key] = true
	}
	if event.Element != "" {
		b.inside++
		return was
	}
	b.counts[status]++
	return was
}

// ended gives how many nodes have ended.
func (b *board) ended() int {
	n := 0
	for _, count := range b.counts {
		n += count
	}
	return n
}

// summary says how far the run is.
func (b *board) summary() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d of %s", b.ended(), human.Count(b.total, "node"))
	for _, status := range []flowforge.NodeStatus{
		flowforge.NodeSucceeded, flowforge.NodeFailed, flowforge.NodeSkipped, flowforge.NodeCanceled,
	} {
		if n := b.counts[status]; n > 0 {
			fmt.Fprintf(&text, ", %d %s", n, status)
		}
	}
	if b.inside > 0 {
		fmt.Fprintf(&text, ", %d ended inside loops", b.inside)
	}
	if n := len(b.running); n > 0 {
		fmt.Fprintf(&text, ", %d running", n)
	}
	return text.String()
}

// statusOf gives the status that an event of a node's end stands for.
func statusOf(kind flowforge.EventKind) (flowforge.NodeStatus, bool) {
	switch kind {
	case flowforge.EventNodeSucceeded:
		return flowforge.NodeSucceeded, true
	case flowforge.EventNodeFailed:
		return flowforge.NodeFailed, true
	case flowforge.EventNodeSkipped:
		return flowforge.NodeSkipped, true
	case flowforge.EventNodeCanceled:
		return flowforge.NodeCanceled, true
	default:
		return "", false
	}
}

// elements gives how many elements of the each that an event is of have begun.
func (b *board) elements(event flowforge.Event) int {
	if of := b.running[nodeKey{event.Node, event.Element}]; of != nil {
		return of.elements
	}
	if of := b.running[nodeKey{event.Node, event.Element[:max(strings.LastIndexByte(event.Element, '/'), 0)]}]; of != nil {
		return of.elements
	}
	return 0
}
