package sqlstore

import (
	"github.com/flowforge-go/flowforge/store"
)

// needs is what a batch has to read.
type needs struct {
	runs                   map[store.RunKey]bool
	messages, tasks, nodes [][]any
	starts                 []*creation
	gated                  []string // workspaces of starts that pass the gate
}

func (b *batch) needs(changes []*change, careful bool) *needs {
	n := &needs{runs: map[store.RunKey]bool{}}
	for i := range b.letters {
		n.letter(&b.letters[i])
	}
	twice := writtenTwice(changes)
	for _, c := range changes {
		key := c.key()
		n.runs[key] = true
		for _, id := range c.Read {
			n.messages = append(n.messages, cells(key, id))
		}
		for i := range c.Sends {
			n.letter(&c.Sends[i])
		}
		for i := range c.Tasks {
			n.tasks = append(n.tasks, []any{string(c.Tasks[i].ID)})
		}
		for i := range c.Nodes {
			node := nodeKey{key, c.Nodes[i].Node, c.Nodes[i].Element}
			if careful || twice[node] {
				n.nodes = append(n.nodes, cells(key, string(node.node), node.element))
			}
		}
		for i := range c.Starts {
			start := &creation{NewRun: &c.Starts[i]}
			n.starts = append(n.starts, start)
			if start.gated() {
				n.gated = append(n.gated, string(start.Run.Workspace))
			}
		}
	}
	return n
}

// letter notes a message that is to be sent.
func (n *needs) letter(m *store.Message) {
	to := keyOf(m.Workspace, m.Run)
	n.runs[to] = true
	n.messages = append(n.messages, cells(to, m.ID))
}

// writtenTwice gives the node runs that several transitions set. They are written once, so that the database would
// not see what the earlier ones change.
func writtenTwice(changes []*change) map[nodeKey]bool {
	runs := map[store.RunKey]*change{}
	var seen, twice map[nodeKey]bool
	note := func(c *change) {
		for i := range c.Nodes {
			node := nodeKey{c.key(), c.Nodes[i].Node, c.Nodes[i].Element}
			if seen[node] {
				twice[node] = true
			}
			seen[node] = true
		}
	}
	for _, c := range changes {
		first := runs[c.key()]
		if first == nil {
			runs[c.key()] = c
			continue
		}
		if seen == nil {
			seen, twice = map[nodeKey]bool{}, map[nodeKey]bool{}
		}
		if first.Transition != nil {
			note(first)
			runs[c.key()] = &change{}
		}
		note(c)
	}
	return twice
}
