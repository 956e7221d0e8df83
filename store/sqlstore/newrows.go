package sqlstore

import (
	"slices"

	"github.com/flowforge-go/flowforge/store"
)

// newRows are the rows of runs to be created.
type newRows struct {
	sets      map[int64][]string
	blobs     payloads
	documents [][]any
	runs      [][]any
	slots     map[store.RunKey][][]any
	nodes     map[store.RunKey][][]any

	inserted []row // the runs that were not there
}

// newRows makes the rows. Within a transaction that does more they have all documents, since there is no second try;
// else only those that the database is not known to have.
func (s *Store) newRows(waiting []*creation, within bool) (*newRows, error) {
	in := &newRows{
		sets: map[int64][]string{}, slots: map[store.RunKey][][]any{}, nodes: map[store.RunKey][][]any{},
	}
	documents := map[[2]string]bool{}
	for _, c := range waiting {
		if c.done {
			continue // the gate has answered it
		}
		key := [2]string{string(c.Run.Workspace), c.Document.Hash}
		if c.Document.Hash != "" && !documents[key] && (within || !s.hasDocument(key[0], key[1])) {
			documents[key] = true
			in.documents = append(in.documents, []any{key[0], key[1], c.Document.Text.String()})
		}
		if err := in.add(c); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *newRows) add(n *creation) error {
	run := &n.Run
	types := setID(n.NodeTypes)
	in.sets[types] = n.NodeTypes
	var worker, lease, origin, originRun, key, fingerprint any
	if n.Lease != nil && n.lacks == 0 && !n.waiting {
		worker, lease = string(n.Lease.Worker), n.Lease.For.Microseconds()
	}
	if run.Origin != nil {
		text, err := encode(run.Origin)
		if err != nil {
			return err
		}
		origin, originRun = text, string(run.Origin.Run)
	}
	if n.IdempotencyKey != "" {
		key, fingerprint = n.IdempotencyKey, n.Fingerprint
	}
	input, err := in.blobs.value(run.Workspace, run.Input)
	if err != nil {
		return err
	}
	vars, err := in.blobs.value(run.Workspace, run.Vars)
	if err != nil {
		return err
	}
	name := keyOf(run.Workspace, run.ID)
	var releases, steps int64
	var line any
	if n.line != "" {
		line = n.line
	}
	slots, own, places := int64(len(n.Slots)), any(nil), any(nil)
	if n.own != "" {
		slots, own, places = 0, n.own, int64(n.Slots[0].Limit)
	} else if in.slots[name] == nil { // else the batch has it twice
		for i, slot := range n.Slots {
			releases += number(slot.ReleaseWhileWaiting)
			in.slots[name] = append(in.slots[name],
				cells(name, slot.Key, int64(i), int64(slot.Limit), number(slot.ReleaseWhileWaiting),
					number(n.held[slot.Key]), slot.For.Microseconds()))
		}
	}
	if in.nodes[name] == nil {
		recorded := n.Nodes
		if worker != nil {
			recorded = slices.Concat(recorded, n.Started)
		}
		for i := range recorded {
			row, err := in.blobs.node(name, ordinal(0, i), &recorded[i])
			if err != nil {
				return err
			}
			in.nodes[name] = append(in.nodes[name], row)
		}
		steps = number(len(recorded) > 0)
	}
	in.runs = append(in.runs, cells(name, run.Pool, types, rank(run.Priority), worker, lease, micros(n.WakeAt),
		own, places, slots, releases, n.lacks, line, steps, run.CreatedAt.UnixMicro(), string(run.Workflow.ID), run.Workflow.Name,
		int64(run.Workflow.Version), run.Workflow.Hash, n.Document.Hash, number(run.Test), int64(run.Priority),
		originRun, origin, key, fingerprint, run.ActsFor, input, vars))
	return nil
}

// rowsOf gives the rows that belong to the runs that were made.
func (in *newRows) rowsOf(waiting []*creation, of map[store.RunKey][][]any) [][]any {
	if len(of) == 0 {
		return nil
	}
	var rows [][]any
	for _, c := range waiting {
		if c.made() {
			rows = append(rows, of[keyOf(c.Run.Workspace, c.Run.ID)]...)
		}
	}
	return rows
}
