//go:build linux || darwin

package faulttest_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// span is when something was under way.
type span struct{ from, to time.Time }

// checkOverlaps checks I11 by the effects alone: at no time are more than limit runs of a key under way. A run is so from
// the begin of its first effect to the end of its last one, or where it releases its place while it waits, during each
// effect. Only the attempts that came to something count: a zombie's effect may be late.
func (w *world) checkOverlaps(limit int, releases bool, keyOf func(flowforge.Run) string) {
	w.t.Helper()
	calls := map[string][]call{}
	for _, c := range w.sink.all() {
		calls[c.Key] = append(calls[c.Key], c)
	}
	byKey := map[string][]span{}
	for _, run := range w.runs() {
		key := keyOf(run)
		if key == "" {
			continue
		}
		spans := w.spans(run.ID, calls)
		if !releases && len(spans) > 0 {
			whole := spans[0]
			for _, s := range spans {
				whole.from = slices.MinFunc([]time.Time{whole.from, s.from}, time.Time.Compare)
				whole.to = slices.MaxFunc([]time.Time{whole.to, s.to}, time.Time.Compare)
			}
			spans = []span{whole}
		}
		byKey[key] = append(byKey[key], spans...)
	}
	for key, spans := range byKey {
		most := overlap(spans)
		require.LessOrEqual(w.t, most, limit, "I11: so many runs of %s at a time", key)
		w.t.Logf("%s: %d spans, at most %d at a time", key, len(spans), most)
	}
}

// spans gives when the attempts of a run that came to something were under way.
func (w *world) spans(id flowforge.RunID, calls map[string][]call) []span {
	var spans []span
	for _, n := range w.nodeRuns(id) {
		if n.Status != flowforge.NodeSucceeded {
			continue
		}
		for _, c := range calls[(&nodes.Call{Run: id, Node: n.Node, Element: n.Element}).IdempotencyKey()] {
			if c.Attempt == n.Attempts && !c.over.IsZero() {
				spans = append(spans, span{c.at, c.over})
			}
		}
	}
	return spans
}

// overlap gives how many of them are under way at a time.
func overlap(spans []span) int {
	type edge struct {
		at   time.Time
		more int
	}
	var edges []edge
	for _, s := range spans {
		edges = append(edges, edge{s.from, 1}, edge{s.to, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.more, b.more)) })
	now, most := 0, 0
	for _, e := range edges {
		now += e.more
		most = max(most, now)
	}
	return most
}
