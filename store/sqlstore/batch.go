package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// A batch is what one transaction has read and will write.
type batch struct {
	store    *Store
	runs     map[store.RunKey]*live
	messages map[messageKey]*kept // those that are sent or read, where they are there
	tasks    map[flowforge.TaskID]store.RunKey
	results  map[nodeKey]*result // recorded before, if that was asked, or by this batch
	starts   map[*store.NewRun]*knownRun

	letters []store.Message // sent without a transition

	postponed map[store.RunKey]bool
	nodes     map[nodeKey]int // index in nodeRows
	created   []*creation

	blobs                                                      payloads
	nodeRows, steps, logs, sends, reads, newTasks, cancelTasks [][]any
	inputs                                                     [][]any
	left                                                       map[slotKey]bool // slots that ended runs had on their rows
	passing                                                    []*call          // give the workspaces where others wait for what was freed
	drops, dropsAll, overTasks, endSlots, parkSlots, freed     [][]any
	passed                                                     [][]any // runs that lack slots, and will get none
}

func (s *Store) newBatch() *batch {
	return &batch{
		store: s, runs: map[store.RunKey]*live{}, messages: map[messageKey]*kept{},
		tasks: map[flowforge.TaskID]store.RunKey{}, results: map[nodeKey]*result{},
		starts: map[*store.NewRun]*knownRun{}, nodes: map[nodeKey]int{}, left: map[slotKey]bool{},
	}
}

type nodeKey struct {
	run     store.RunKey
	node    flowforge.NodeID
	element string
}

type messageKey struct {
	run store.RunKey
	id  string
}

// kept is a message that is there.
type kept struct {
	unread bool
	kind   store.MessageKind
}

const (
	selectMessages = `{with workspace:text run:text id:text}
		SELECT m.workspace, m.run, m.id, m.unread, m.kind
		FROM s JOIN messages m ON m.workspace = s.workspace AND m.run = s.run AND m.id = s.id`
	selectTasks = `{with id:text} SELECT t.id, t.workspace, t.run FROM s JOIN tasks t ON t.id = s.id`
	selectFinal = `{with workspace:text run:text node:text element:text}
		SELECT v.workspace, v.run, v.node, v.element, v.status, v.attempts, v.finished_at
		FROM s JOIN node_runs v ON v.workspace = s.workspace AND v.run = s.run AND v.node = s.node
			AND v.element = s.element WHERE v.final = 1`
)

// read locks the runs that the transitions are about or send to, in the order of their names, and reads what is
// needed to judge.
func (b *batch) read(ctx context.Context, x *session, changes []*change, careful bool) error {
	n := b.needs(changes, careful)
	runs, known, owned, final := query(lockRuns, sortedKeys(n.runs)), query(selectMessages, n.messages),
		query(selectTasks, n.tasks), query(selectFinal, n.nodes)
	var locks []*call // the gate's lock comes before those of runs, here as everywhere
	if !x.store.dialect.lite {
		locks = lockWorkspaces(n.gated)
	}
	if err := x.run(ctx, append(locks, runs, known, owned, final)...); err != nil {
		return err
	}
	for i := range runs.out {
		l := runs.out[i].live()
		if err := runs.out[i].err; err != nil {
			return err
		}
		b.runs[l.key] = l
	}
	for i := range known.out {
		r := &known.out[i]
		b.messages[messageKey{r.key(), r.text()}] = &kept{unread: r.bool(), kind: store.MessageKind(r.text())}
	}
	for i := range owned.out {
		r := &owned.out[i]
		b.tasks[flowforge.TaskID(r.text())] = r.key()
	}
	for i := range final.out {
		r := &final.out[i]
		key := nodeKey{r.key(), flowforge.NodeID(r.text()), r.text()}
		b.results[key] = &result{flowforge.NodeStatus(r.text()), int(r.int()), r.int()}
	}
	return b.readStarts(ctx, x, n.starts)
}

func (b *batch) readStarts(ctx context.Context, x *session, starts []*creation) error {
	if len(starts) == 0 {
		return nil
	}
	found, err := b.store.find(ctx, x, starts)
	for i := range found {
		b.starts[starts[i].NewRun] = found[i]
	}
	return err
}

func (r *row) key() store.RunKey {
	return keyOf(flowforge.Workspace(r.text()), flowforge.RunID(r.text()))
}

// sortedKeys gives rows of input in one order for all, so that transactions do not wait for each other in a circle.
func sortedKeys(keys map[store.RunKey]bool) [][]any {
	sorted := make([]store.RunKey, 0, len(keys))
	for key := range keys {
		sorted = append(sorted, key)
	}
	slices.SortFunc(sorted, func(a, b store.RunKey) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Run, b.Run))
	})
	rows := make([][]any, len(sorted))
	for i, key := range sorted {
		rows[i] = cells(key)
	}
	return rows
}

// apply makes the changes of a transition that check has accepted.
func (b *batch) apply(l *live, t *store.Transition) error {
	l.changed = true
	l.steps++
	l.status, l.reason, l.seq = t.Status, t.Reason, t.ToSeq
	if t.Input != nil {
		input, err := b.blobs.value(l.key.Workspace, *t.Input)
		if err != nil {
			return err
		}
		b.inputs = append(b.inputs, cells(l.key, input))
	}
	if !t.StartedAt.IsZero() {
		l.started = t.StartedAt.UnixMicro()
	}
	if err := b.step(l, t); err != nil {
		return err
	}
	if err := b.setNodes(l, t); err != nil {
		return err
	}
	for i := range t.Logs {
		logged := t.Logs[i]
		logged.At = logged.At.UTC()
		line, err := encode(logged)
		if err != nil {
			return err
		}
		l.logs++
		b.logs = append(b.logs, cells(l.key, l.logs, line))
	}
	for _, id := range t.Read {
		if m := b.messages[messageKey{l.key, id}]; m != nil && m.unread {
			m.unread = false
			l.unread--
			l.cancels -= number(m.kind == store.MessageCancel)
			b.reads = append(b.reads, cells(l.key, id))
		}
	}
	if err := b.addTasks(l, t); err != nil {
		return err
	}
	for i := range t.Sends {
		if err := b.send(&t.Sends[i]); err != nil {
			return err
		}
	}
	switch {
	case t.End != nil:
		return b.end(l, t)
	case t.Park != nil:
		if l.releases > 0 && l.lacks == 0 {
			b.parkSlots = append(b.parkSlots, cells(l.key))
			l.freed = true
		}
		l.park(instant(t.Park.WakeAt))
	default:
		l.prolong(t.For.Microseconds())
	}
	return nil
}

// step notes the events and what is new of the journal.
func (b *batch) step(l *live, t *store.Transition) error {
	var journal, events any
	if len(t.Journal) > 0 && t.JournalAt == l.journal { // else it is there already
		journal = t.Journal
		l.journal += int64(len(t.Journal))
	}
	if len(t.Events) > 0 {
		stripped := slices.Clone(t.Events)
		for i := range stripped {
			stripped[i].Run = ""
			stripped[i].At = stripped[i].At.UTC()
		}
		text, err := json.Marshal(stripped)
		if err != nil {
			return flowforge.Errorf(flowforge.CodeInvalidValue, "encode events: %w", err)
		}
		if events, err = b.blobs.text(l.key.Workspace, text); err != nil {
			return err
		}
	}
	if events != nil || journal != nil {
		b.steps = append(b.steps, cells(l.key, t.ToSeq, l.steps, events, journal))
	}
	return nil
}

func (b *batch) setNodes(l *live, t *store.Transition) error {
	for i := range t.Nodes {
		node := &t.Nodes[i]
		key := nodeKey{l.key, node.Node, node.Element}
		if b.results[key] != nil {
			continue // the first is kept
		}
		row, err := b.blobs.node(l.key, ordinal(l.steps, i), node)
		if err != nil {
			return err
		}
		if at, twice := b.nodes[key]; twice {
			const n = 4
			row[n] = b.nodeRows[at][n] // it keeps its place
			b.nodeRows[at] = row
		} else {
			b.nodes[key] = len(b.nodeRows)
			b.nodeRows = append(b.nodeRows, row)
		}
		if node.Status.Terminal() {
			b.results[key] = resultOf(node)
		}
	}
	for _, key := range t.Dropped {
		if l.dropped == nil {
			l.dropped = map[flowforge.NodeID]bool{}
		}
		l.dropped[key.Node] = true
		if key.Element == store.AllElements {
			b.dropsAll = append(b.dropsAll, cells(l.key, string(key.Node)))
		} else {
			b.drops = append(b.drops, cells(l.key, string(key.Node), key.Element))
		}
	}
	return nil
}

func (b *batch) addTasks(l *live, t *store.Transition) error {
	for i := range t.Tasks {
		task := &t.Tasks[i]
		if _, known := b.tasks[task.ID]; known {
			continue
		}
		b.tasks[task.ID], l.tasks = l.key, true
		call, err := b.blobs.value(l.key.Workspace, task.Call)
		if err != nil {
			return err
		}
		b.newTasks = append(b.newTasks, cells(l.key, string(task.ID), string(task.Node.Node), task.Node.Element,
			task.Pool, task.NodeType, l.rank, l.now, call))
	}
	for _, id := range t.CancelTasks {
		b.cancelTasks = append(b.cancelTasks, cells(l.key, string(id)))
	}
	return nil
}

// send puts a message into the inbox of a run that is locked; one that has ended or is unknown gets none.
func (b *batch) send(m *store.Message) error {
	key := keyOf(m.Workspace, m.Run)
	to := b.runs[key]
	id := messageKey{key, m.ID}
	if to == nil || to.status.Terminal() || b.messages[id] != nil {
		return nil
	}
	payload, err := b.blobs.value(m.Workspace, m.Payload)
	if err != nil {
		return err
	}
	b.messages[id] = &kept{unread: true, kind: m.Kind}
	if m.Kind == store.MessageCancel && to.lacks > 0 && to.line == "" && !to.held {
		b.passed = append(b.passed, cells(key))
	}
	if left := to.take(m.Kind); left != "" {
		b.freed = append(b.freed, []any{string(key.Workspace), left})
	}
	b.sends = append(b.sends, cells(key, m.ID, to.received, string(m.Kind), micros(m.At), payload))
	return nil
}

func (b *batch) end(l *live, t *store.Transition) error {
	var err error
	if l.output, err = b.blobs.value(l.key.Workspace, t.End.Output); err != nil {
		return err
	}
	if t.End.Error != nil {
		if l.failure, err = encode(t.End.Error); err != nil {
			return err
		}
	}
	if l.tasks {
		b.overTasks = append(b.overTasks, cells(l.key))
	}
	if l.own != "" {
		b.left[slotKey{string(l.key.Workspace), l.own}] = true
		l.freed = true
	}
	if l.slots > 0 {
		b.endSlots = append(b.endSlots, cells(l.key))
		l.freed = true
	}
	finished := t.End.FinishedAt
	if finished.IsZero() {
		finished = time.UnixMicro(l.now)
	}
	l.end(finished.UnixMicro())
	return nil
}
