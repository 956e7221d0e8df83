package progress

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// live shows the nodes of a run as a list in place, those of loops below their loop; of a large graph only how far
// it is.
type live struct {
	mu     sync.Mutex
	screen screen
	board  *board
	rows   []*row // in the order of the document; none for a large graph
	byID   map[flowforge.NodeID]*row
	above  []string // to be written above
	logs   int
	faults int
	began  time.Time
	ended  bool

	quit, stopped chan struct{}
}

const redrawEvery = 100 * time.Millisecond

func newLive(file *os.File, workflow *dag.Workflow, colors bool) *live {
	l := &live{
		screen: screen{file: file, colors: colors}, board: newBoard(len(workflow.Graph.Nodes)),
		byID: make(map[flowforge.NodeID]*row), began: time.Now(),
		quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	if workflow.NodeCount <= manyNodes {
		l.addRows(workflow.Graph, 0)
	}
	go l.tick()
	return l
}

// Event tells of something that has happened.
func (l *live) Event(event flowforge.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.byID[event.Node]
	if status, ended := statusOf(event.Kind); ended {
		was := l.board.end(event, status)
		r.end(event, status, was)
		if r == nil && status == flowforge.NodeFailed {
			l.fault(human.Clock(event.At) + " " + endLine(event, status, was))
		}
		return
	}
	switch event.Kind {
	case flowforge.EventNodeStarted:
		r.begin(event, l.board.begin(event), l.board.elements(event))
	case flowforge.EventNodeRetrying:
		r.wait(flowforge.NodeRetrying, without(retryLine(event), event, "retrying"))
		if r == nil {
			l.fault(human.Clock(event.At) + " " + retryLine(event))
		}
	case flowforge.EventNodeWaiting:
		r.wait(flowforge.NodeWaiting, without(waitLine(event), event, "waiting"))
	case flowforge.EventNodeElements:
		if state, known := l.board.loop(event); known && r != nil {
			r.loop = state.String()
		}
	case flowforge.EventNodeProgress:
		r.progress(event)
	case flowforge.EventNodeLog:
		if l.logs++; l.logs <= maxLogs {
			l.above = append(l.above, human.Clock(event.At)+" "+logLine(event))
		}
	case flowforge.EventRunCanceling:
		l.above = append(l.above, human.Clock(event.At)+" run canceling: "+human.Line(event.Reason))
	default:
	}
}

// Say shows a line.
func (l *live) Say(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.above = append(l.above, human.Clock(time.Now())+" "+line)
	if l.ended {
		l.screen.draw(l.above, nil)
		l.above = nil
	}
}

// Stop ends the progress.
func (l *live) Stop() {
	close(l.quit)
	<-l.stopped
}

// End shows how the run ended.
func (l *live) End(run flowforge.Run) {
	l.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw(run.FinishedAt)
	l.ended = true
	l.screen.drawn = 0 // it stays
	l.screen.draw([]string{runLine(run, l.board)}, nil)
}

func (l *live) addRows(graph *dag.Graph, depth int) {
	for i := range graph.Nodes {
		node := &graph.Nodes[i]
		added := &row{id: node.Doc.ID, depth: depth, status: flowforge.NodePending}
		l.rows = append(l.rows, added)
		l.byID[node.Doc.ID] = added
		if node.Body != nil {
			l.addRows(node.Body, depth+1)
		}
	}
}

func (l *live) tick() {
	defer close(l.stopped)
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.quit:
			return
		case now := <-ticker.C:
			l.mu.Lock()
			l.draw(now)
			l.mu.Unlock()
		}
	}
}

// fault writes a failure of a large graph above the count.
func (l *live) fault(text string) {
	if l.faults++; l.faults <= maxFaults {
		l.above = append(l.above, text)
	}
}

// draw shows what there is now, within the height of the terminal.
func (l *live) draw(now time.Time) {
	_, height := l.screen.size()
	chosen := l.choose(max(1, height-2))
	lines := make([][]span, 0, len(chosen)+1)
	for _, r := range chosen {
		lines = append(lines, r.spans(now))
	}
	lines = append(lines, []span{{l.board.summary() + ", " + human.Duration(now.Sub(l.began)), colorFaint}})
	l.screen.draw(l.above, lines)
	l.above = nil
}

// choose picks the rows to be shown where not all fit: those that are under way or failed, then those that ended
// last, then those to come.
func (l *live) choose(most int) []*row {
	if len(l.rows) <= most {
		return l.rows
	}
	order := slices.Clone(l.rows)
	slices.SortStableFunc(order, func(a, b *row) int {
		if a.urgency() != b.urgency() {
			return a.urgency() - b.urgency()
		}
		return b.last.Compare(a.last)
	})
	chosen := make(map[*row]bool, most)
	for _, r := range order[:most] {
		chosen[r] = true
	}
	return slices.DeleteFunc(slices.Clone(l.rows), func(r *row) bool { return !chosen[r] })
}

// without takes off a line what its row says already.
func without(line string, event flowforge.Event, status string) string {
	return strings.TrimSpace(strings.TrimPrefix(line, human.Label(event.Node, event.Element)+" "+status))
}

// row is a node on the screen.
type row struct {
	id       flowforge.NodeID
	depth    int
	status   flowforge.NodeStatus
	since    time.Time // it began
	last     time.Time // something happened
	took     time.Duration
	open     int    // runs of it that are under way
	elements int    // of an each, that have begun
	loop     string // how far it is, where it says
	ended    map[flowforge.NodeStatus]int
	note     string
}

// begin notes that an attempt has begun; isNew says that its node run has.
func (r *row) begin(event flowforge.Event, isNew bool, elements int) {
	if r == nil {
		return
	}
	r.last, r.elements = event.At, max(r.elements, elements)
	if isNew {
		r.open++
	}
	if r.since.IsZero() {
		r.since = event.At
	}
	if r.open > 0 {
		r.status, r.note = flowforge.NodeRunning, ""
	}
}

func (r *row) end(event flowforge.Event, status flowforge.NodeStatus, was *begun) {
	if r == nil {
		return
	}
	if r.ended == nil {
		r.ended = make(map[flowforge.NodeStatus]int)
	}
	r.ended[status]++
	r.last = event.At
	if was != nil {
		r.open--
		r.took = event.At.Sub(was.since)
	}
	if r.open <= 0 {
		r.status = status
	}
	r.note = ""
	switch {
	case event.Error != nil:
		r.note = string(event.Error.Code) + ": " + human.Shorten(human.Line(event.Error.Message), human.MaxLine)
	case event.Reason != "":
		r.note = event.Reason
	}
}

func (r *row) wait(status flowforge.NodeStatus, note string) {
	if r != nil {
		r.status, r.note = status, note
	}
}

func (r *row) progress(event flowforge.Event) {
	var told struct {
		Fraction float64 `json:"fraction"`
		Message  string  `json:"message"`
	}
	if r == nil || event.Data.Decode(&told) != nil {
		return
	}
	r.note = human.Line(told.Message)
	if told.Fraction >= 0 {
		r.note = fmt.Sprintf("%.0f %% %s", 100*told.Fraction, r.note)
	}
}

// urgency orders rows where not all can be shown: the smallest first.
func (r *row) urgency() int {
	switch r.status {
	case flowforge.NodeRunning, flowforge.NodeRetrying, flowforge.NodeWaiting, flowforge.NodeInDoubt, flowforge.NodeReady:
		return 0
	case flowforge.NodeFailed:
		return 1
	case flowforge.NodeSucceeded, flowforge.NodeSkipped, flowforge.NodeCanceled:
		return 2
	case flowforge.NodePending:
	}
	return 3
}

// look gives the sign and the colour of a status.
func look(status flowforge.NodeStatus) (string, color) {
	switch status {
	case flowforge.NodeRunning:
		return "▶", colorBlue
	case flowforge.NodeRetrying, flowforge.NodeWaiting, flowforge.NodeInDoubt:
		return "…", colorYellow
	case flowforge.NodeSucceeded:
		return "✓", colorGreen
	case flowforge.NodeFailed:
		return "✗", colorRed
	case flowforge.NodeSkipped, flowforge.NodeCanceled:
		return "-", colorFaint
	case flowforge.NodePending, flowforge.NodeReady:
	}
	return "·", colorFaint
}

// spans writes the row.
func (r *row) spans(now time.Time) []span {
	sign, shade := look(r.status)
	line := []span{{strings.Repeat("  ", r.depth) + sign + " ", shade}, {string(r.id), colorNone}}
	if r.status == flowforge.NodePending {
		return line
	}
	var facts []string
	if r.depth > 0 {
		facts = append(facts, r.tally())
	} else {
		facts = append(facts, string(r.status))
	}
	if !r.status.Terminal() && !r.since.IsZero() {
		facts = append(facts, human.Duration(now.Sub(r.since)))
	} else if r.took > 0 {
		facts = append(facts, human.Duration(r.took))
	}
	switch {
	case r.loop != "" && !r.status.Terminal():
		facts = append(facts, r.loop)
	case r.elements > 0:
		facts = append(facts, human.Count(r.elements, "element"))
	}
	line = append(line, span{"  " + strings.Join(facts, "  "), shade})
	if r.note != "" {
		line = append(line, span{"  " + r.note, colorNone})
	}
	return line
}

// tally counts the runs of a node inside a loop.
func (r *row) tally() string {
	var parts []string
	for _, status := range []flowforge.NodeStatus{
		flowforge.NodeSucceeded, flowforge.NodeFailed, flowforge.NodeSkipped, flowforge.NodeCanceled,
	} {
		if n := r.ended[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if r.open > 0 {
		parts = append(parts, fmt.Sprintf("%d running", r.open))
	}
	return strings.Join(parts, ", ")
}
