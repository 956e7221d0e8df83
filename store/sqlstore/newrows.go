package sqlstore

import (
	"github.com/flowforge-go/flowforge"
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
}

// newRows makes the rows. Within a transaction that does more they have all documents, since there is no second try;
// else only those that the database is not known to have.
func (s *Store) newRows(waiting []*creation, within bool) (*newRows, error) {
	in := &newRows{
		sets: map[int64][]string{}, slots: map[store.RunKey][][]any{}, nodes: map[store.RunKey][][]any{},
	}
	documents := map[[2]string]bool{}
	for _, c := range waiting {
		if err := checkSlots(c.Slots); err != nil {
			c.refuse(err)
			continue
		}
		key := [2]string{string(c.Run.Workspace), c.Document.Hash}
		if c.Document.Hash != "" && !documents[key] && (within || !s.hasDocument(key[0], key[1])) {
			documents[key] = true
			in.documents = append(in.documents, []any{key[0], key[1], c.Document.Text.String()})
		}
		if err := in.add(c.NewRun); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *newRows) add(n *store.NewRun) error {
	run := &n.Run
	types := setID(n.NodeTypes)
	in.sets[types] = n.NodeTypes
	var worker, lease, origin, originRun, key, fingerprint any
	if n.Lease != nil && len(n.Slots) == 0 {
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
	var releases int64
	if in.slots[name] == nil { // else the batch has it twice
		for i, slot := range n.Slots {
			releases += number(slot.ReleaseWhileWaiting)
			in.slots[name] = append(in.slots[name],
				cells(name, slot.Key, int64(i), int64(slot.Limit), number(slot.ReleaseWhileWaiting)))
		}
	}
	if in.nodes[name] == nil {
		for i := range n.Nodes {
			row, err := in.blobs.node(name, ordinal(0, i), &n.Nodes[i])
			if err != nil {
				return err
			}
			in.nodes[name] = append(in.nodes[name], row)
		}
	}
	in.runs = append(in.runs, cells(name, run.Pool, types, rank(run.Priority), worker, lease, micros(n.WakeAt),
		int64(len(n.Slots)), releases, number(len(n.Nodes) > 0), run.CreatedAt.UnixMicro(), string(run.Workflow.ID), run.Workflow.Name,
		int64(run.Workflow.Version), run.Workflow.Hash, n.Document.Hash, number(run.Test), int64(run.Priority),
		originRun, origin, key, fingerprint, input, vars))
	return nil
}

// rowsOf gives the rows that belong to the runs that were made.
func (in *newRows) rowsOf(waiting []*creation, of map[store.RunKey][][]any) [][]any {
	if len(of) == 0 {
		return nil
	}
	var rows [][]any
	for _, c := range waiting {
		if c.done && c.answer.Err == nil {
			rows = append(rows, of[keyOf(c.Run.Workspace, c.Run.ID)]...)
		}
	}
	return rows
}

func checkSlots(slots []store.Slot) error {
	for i, slot := range slots {
		if slot.Limit < 1 {
			return flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q: a limit of %d lets nothing run", slot.Key, slot.Limit)
		}
		for _, other := range slots[:i] {
			if other.Key == slot.Key {
				return flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q is asked for twice", slot.Key)
			}
		}
	}
	return nil
}
