package store

import (
	"time"

	"github.com/flowforge-go/flowforge"
)

// Transition is one step of a run's life: everything that changes in it at once.
type Transition struct {
	Workspace flowforge.Workspace
	Run       flowforge.RunID
	Epoch     int64
	For       time.Duration // the lease goes on for so long from now, or up to a tenth less; 0: it ends when it did

	// FromSeq and ToSeq are the sequence numbers of the newest durable event before and after. Where they are
	// equal there are no events, and applying the transition twice is the same as once, except that its log
	// lines may be there twice.
	FromSeq, ToSeq int64
	Events         []flowforge.Event // FromSeq+1 to ToSeq

	// Journal is appended to the run's journal, which JournalAt bytes are in before: what going on with the run
	// needs beside its node runs, opaque to the store. Where there are more bytes it is there already. Once the run
	// has ended the store may forget its journal.
	JournalAt int64
	Journal   []byte

	Status    flowforge.RunStatus // of the run afterwards: terminal with End, and only then
	Reason    string              // why it has that status, where the status does not say
	StartedAt time.Time           // zero: unchanged
	Input     *flowforge.Value    // what it begins with, where it has gathered inputs; nil: unchanged
	End       *End                // the run ends; its lease and slots with it
	Park      *Park               // the run waits without a worker; its lease ends

	Nodes   []flowforge.NodeRun // set, by node and element, each once; a terminal one never changes again
	Dropped []NodeKey           // also with AllElements: outputs that going on will not read, so that Claim need not load them
	Logs    []LogLine           // to be appended

	Read        []string           // ids of messages this transition applies
	Tasks       []Task             // to be created
	CancelTasks []flowforge.TaskID // nobody claims them any more, and who has one is told
	Starts      []NewRun           // runs to be created with it, as Create does: children, handlers
	Sends       []Message          // to other runs of the workspace, as Send does; one that has ended or is unknown gets none
}

// NodeKey names a node run within its run.
type NodeKey struct {
	Node    flowforge.NodeID
	Element string
}

// AllElements as the Element of a NodeKey in Dropped means all elements of the node.
const AllElements = "*"

// End is how a run ended. The transition's last event is the flowforge.RunEnd of its status.
type End struct {
	Output     flowforge.Value
	Error      *flowforge.Failure
	FinishedAt time.Time
}

// Park is a run that waits.
type Park struct {
	WakeAt time.Time // by the store's clock; zero: only a message wakes it
}

// LogLine is a line that a node logged.
type LogLine struct {
	At      time.Time        `json:"at"`
	Node    flowforge.NodeID `json:"node"`
	Element string           `json:"element,omitempty"`
	Attempt int              `json:"attempt"`
	Level   string           `json:"level"` // as slog.Level writes it: "INFO"
	Message string           `json:"message"`
	Fields  flowforge.Value  `json:"fields,omitzero"`
}

// Committed answers a Transition.
type Committed struct {
	Err    error // CodeStaleEpoch where the lease was lost; other errors are of this transition alone
	Unread bool  // the run has messages that no transition has read
	Freed  bool  // slots were given back that others wait for

	Started []Created // answers the transition's Starts
}

// Renewed answers a Lease to be renewed.
type Renewed struct {
	Lost   bool
	Unread bool // the run has messages that no transition has read
}
