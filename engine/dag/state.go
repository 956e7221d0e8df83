package dag

import (
	"github.com/flowforge-go/flowforge"
)

// NoElement is the Element of a Ref that means the node itself.
const NoElement int32 = -1

// Ref names a node run within a run: a node of a frame, or one element of it. Frame 0 is the workflow's own
// graph; each pass through the body of a loop is a frame of its own.
type Ref struct {
	Frame   int32 `json:"frame"`
	Node    int32 `json:"node"`
	Element int32 `json:"element"`
}

// EventKind says what happened to a node run.
type EventKind uint8

// The events that a State takes. Those that do not fit what a node run is doing change nothing: they come too
// late, twice, or for a frame that is gone.
const (
	// Succeeded: the attempt or what it waited for succeeded, a pass's output was made, or a loop's elements
	// were gathered; Ports were emitted. Of a pass through a repeat's body, More says that another one follows.
	Succeeded EventKind = iota
	// Failed: the same failed, with Code; Permanent: it is not to be tried again.
	Failed
	// Lost: the attempt's worker was lost; or what waits for someone to tell whether its effect has happened is
	// told that it has not.
	Lost
	// Expanded: the loop has Count elements; Parallel of them at a time, 0 as the node says.
	Expanded
	// Waiting: the attempt is over, the node run waits for something outside that Succeeded or Failed tells of.
	Waiting
	// TimerFired: the backoff that Retry asked for has passed.
	TimerFired
	// TimedOut: all attempts and elements together took too long.
	TimedOut
	// Canceled: the attempt ended because Stop asked for it.
	Canceled
	// StopRun: the node run succeeded and ends the whole run with it, as succeeded, unless the run is ending
	// already.
	StopRun
	// CancelRun: the run is to end as canceled. The Ref is ignored.
	CancelRun
	// TimeOutRun: the run took too long. The Ref is ignored.
	TimeOutRun
	// TimeOutFinally: the finally nodes of the frame At.Frame took too long.
	TimeOutFinally
)

const lastEvent = TimeOutFinally

// Event is something that happened.
type Event struct {
	Kind      EventKind
	At        Ref
	Ports     []int32 // of Succeeded
	Code      flowforge.Code
	Permanent bool
	More      bool
	Count     int32
	Parallel  int32
}

// ActionKind says what is to be done, or what was decided.
type ActionKind uint8

// The actions that a State answers with, to be done in their order.
const (
	// Run: begin an attempt.
	Run ActionKind = iota
	// Expand: find the elements of a loop, and answer Expanded or Failed; or Succeeded, if its output is known
	// without them.
	Expand
	// Collect: gather what a loop's elements emitted, and answer Succeeded or Failed.
	Collect
	// Retry: wait for the backoff after Failures failed attempts, and answer TimerFired.
	Retry
	// Stop: end the attempt, the timer or the waiting, or finding the elements of a loop; for an attempt or a loop
	// answer Canceled, or what it came to.
	Stop
	// Enter: frame Frame begins, a pass through the body for the element At.
	Enter
	// Leave: frame Frame has ended with Status. If it succeeded, make its output and answer Succeeded or Failed
	// for the element At.
	Leave
	// Ended: the node run has ended with Status, for Reason.
	Ended
	// Finally: the finally nodes of frame Frame begin.
	Finally
	// Done: the run has ended with RunStatus.
	Done
)

// Action is something to be done, or that was decided.
type Action struct {
	Kind      ActionKind
	At        Ref
	Frame     int32
	Failures  int32
	Status    flowforge.NodeStatus
	Reason    flowforge.Reason
	Code      flowforge.Code // of a failure that the plan itself decided
	RunStatus flowforge.RunStatus
}

// State is where a run is. It is not safe for concurrent use.
type State struct {
	root    *frame
	passes  map[int32]*frame // the frames of bodies that have not ended, by number
	last    int32            // number of the newest frame
	actions []Action
	settled []settlement
	end     flowforge.RunStatus // decided by StopRun, TimeOutRun or CancelRun; "" otherwise
	done    bool
}

// frame is one pass through a graph.
type frame struct {
	number     int32
	graph      *Graph
	owner      Ref // the element it is a pass for; meaningless in the root
	nodes      []nodeState
	loops      map[int32]*loop
	open       int32 // nodes that have not ended, finally nodes aside
	openFinals int32
	phase      phase
	failed     bool
	reason     flowforge.Reason // why its nodes are being canceled; "" if they are not
}

type phase uint8

const (
	working    phase = iota
	finalizing       // the finally nodes run
	over
)

// nodeState is one node of a frame.
type nodeState struct {
	try
	seen      outcome // how connections settled: a set
	expired   bool    // it took too long; it fails once its attempt has ended
	unsettled int32   // incoming connections
	winner    int32   // which one started it under join first; -1: none yet
}

// try is how the attempts of a node run go.
type try struct {
	status   status
	failures int32
	lost     int32
}

type status uint8

const (
	pending    status = iota
	running           // an attempt, or a loop
	retrying          // until the backoff has passed
	waiting           // for something outside
	stopping          // an attempt that was asked to
	collecting        // what a loop's elements emitted
	succeeded
	failed
	skipped
	canceled
)

func (s status) terminal() bool { return s >= succeeded }

// loop is a node that runs for a number of elements.
type loop struct {
	count, next int32
	parallel    int32
	active      map[int32]*element
	failed      bool // an element did
	stop        bool // start no more
	canceled    bool
}

// element is one that runs.
type element struct {
	try
	frame int32 // its pass through the body; -1: none
}

// outcome is how a connection settled, as a bit.
type outcome uint8

const (
	delivered outcome = 1 << iota
	notTaken
	failedUp
)

// settlement is a node whose outgoing connections are to be settled.
type settlement struct {
	node    int32
	ports   []int32 // those emitted; nil: none
	outcome outcome // of the others
}

// NewState makes the state of a run that has not started.
func NewState(graph *Graph) *State {
	s := &State{}
	s.root = newFrame(graph, 0, Ref{})
	return s
}

// Start begins the run.
func (s *State) Start() []Action {
	s.actions = s.actions[:0]
	s.enter(s.root)
	return s.actions
}

// Done reports whether the run has ended.
func (s *State) Done() bool { return s.done }

// Winner gives which incoming connection of a node with join first started it, by its index; -1: none.
func (s *State) Winner(frame, node int32) int32 {
	if f := s.frame(frame); f != nil {
		return f.nodes[node].winner
	}
	return -1
}

// Reaches reports whether a node's input came, through others or not, from the node `from`, counting of first
// joins only the winners.
func (s *State) Reaches(frame, node, from int32) bool {
	f := s.frame(frame)
	if f == nil {
		return false
	}
	seen := map[int32]bool{node: true}
	for stack := []int32{node}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := &f.graph.Nodes[at]
		edges := n.In
		if n.choosesFirst() {
			winner := f.nodes[at].winner
			if winner < 0 {
				continue
			}
			edges = edges[winner : winner+1]
		}
		for _, edge := range edges {
			if edge.Node == from {
				return true
			}
			if !seen[edge.Node] {
				seen[edge.Node] = true
				stack = append(stack, edge.Node)
			}
		}
	}
	return false
}

// frame finds a frame by its number; nil where it has ended.
func (s *State) frame(number int32) *frame {
	if number == 0 {
		return s.root
	}
	return s.passes[number]
}

func newFrame(graph *Graph, number int32, owner Ref) *frame {
	f := &frame{number: number, graph: graph, owner: owner, nodes: make([]nodeState, len(graph.Nodes))}
	for i := range graph.Nodes {
		f.nodes[i].unsettled = count(graph.Nodes[i].In)
		f.nodes[i].winner = -1
	}
	f.openFinals = count(graph.Finals)
	f.open = count(graph.Nodes) - f.openFinals
	return f
}

// newPass makes a frame for a pass through a body. Numbers are never used again, so that what comes late for
// a frame that has ended finds none.
func (s *State) newPass(body *Graph, owner Ref) *frame {
	s.last++
	if s.passes == nil {
		s.passes = make(map[int32]*frame)
	}
	f := newFrame(body, s.last, owner)
	s.passes[s.last] = f
	return f
}

func (s *State) act(a Action) { s.actions = append(s.actions, a) }
