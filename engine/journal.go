package engine

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// The journal of a run is what its plan was told, in order, and between that what else going on with the run
// needs beside its node runs. Each transition carries the part of what it writes, so that journal and node runs
// always tell of the same moment: what a crash leaves is exactly a moment of the run's past.

// The entries that are no events of the plan. They have a length and JSON.
const (
	entryStopOutput byte = 128 + iota // what core.stop gave
	entryAwait                        // awaited: of the event dag.Waiting that follows
	entrySignal                       // signal: it was offered
	entryTaken                        // the ID of a signal that a node run has taken
	entryFinally                      // finally: the finally nodes of a frame have begun
	entryItems                        // items: what a loop runs over, where evaluating it again may give something else
	entryTask                         // handed: the attempt is a task
)

// finally says when finally nodes are to end.
type finally struct {
	Frame int32     `json:"frame"`
	Until time.Time `json:"until"`
}

// items is what a loop runs over.
type items struct {
	At   dag.Ref         `json:"at"`
	List flowforge.Value `json:"list"`
	Last int             `json:"last,omitempty"`
}

// noteEntry adds an entry that is no event of the plan.
func (r *run) noteEntry(kind byte, content any) {
	text, err := json.Marshal(content)
	if err != nil {
		r.engine.logger.Error("write journal", "run", r.info.ID, "error", err) // it is made of JSON, so that this cannot be
		return
	}
	r.pending.journal = append(r.pending.journal, kind)
	r.pending.journal = binary.AppendUvarint(r.pending.journal, uint64(len(text)))
	r.pending.journal = append(r.pending.journal, text...)
}

// readEntry reads the entry that a journal begins with.
func readEntry(journal []byte) (kind byte, content, rest []byte, err error) {
	length, size := binary.Uvarint(journal[1:])
	if size <= 0 || length > uint64(len(journal)-1-size) { //nolint:gosec // It is not negative.
		return 0, nil, nil, flowforge.Errorf(flowforge.CodeInvalidValue, "the journal is damaged")
	}
	content = journal[1+size:]
	return journal[0], content[:length], content[length:], nil
}

// stopWith keeps the output that core.stop gave to the run.
func (r *run) stopWith(output *flowforge.Value) {
	r.stopOutput = output
	if output != nil {
		r.noteEntry(entryStopOutput, output)
	}
}
