package dag

import (
	"cmp"
	"slices"
)

// upstream tells for each pair whether `to` is upstream of `from`, looking only through nodes whose incoming
// connections count. Pairs with the same `from` are neighbours in the list.
//
// Most pairs are connected. The others are answered in batches: sets of up to 256 sources are passed along the
// order of the graph, from the first of them to the last reader. So references that reach a little back cost
// what they reach, and those of all nodes to a few far ones cost one pass.
func (g *Graph) upstream(order []int32, pairs []located, counts func(*Node) bool) []bool {
	answers := make([]bool, len(pairs))
	place := make([]int32, len(g.Nodes)) // in the order
	for at, i := range order {
		place[i] = int32(at)
	}
	rest := g.connected(pairs, counts, answers)
	rest = slices.DeleteFunc(rest, func(pair int32) bool { return place[pairs[pair].to] >= place[pairs[pair].from] })
	slices.SortFunc(rest, func(a, b int32) int { return cmp.Compare(place[pairs[a].to], place[pairs[b].to]) })
	w := wave{graph: g, order: order, place: place, counts: counts}
	for len(rest) > 0 {
		rest = w.pass(pairs, rest, answers)
	}
	return answers
}

// connected answers the pairs that a connection joins, and gives the others.
func (g *Graph) connected(pairs []located, counts func(*Node) bool, answers []bool) (rest []int32) {
	sources := newMarks(len(g.Nodes))
	for i, p := range pairs {
		if reader := &g.Nodes[p.from]; i == 0 || pairs[i-1].from != p.from {
			sources.clear()
			if counts(reader) {
				for _, edge := range reader.In {
					sources.set(edge.Node)
				}
			}
		}
		if answers[i] = sources.has(p.to); !answers[i] {
			rest = append(rest, int32(i))
		}
	}
	return rest
}

// width is how many sources are passed along at a time.
const width = 256

// wave passes sets of sources along the order of a graph.
type wave struct {
	graph  *Graph
	order  []int32
	place  []int32
	counts func(*Node) bool
	sets   [][width / 64]uint64 // by place: which of the sources are upstream
}

// pass answers the first of the pairs, which are in the order of their sources, and gives those that are left.
func (w *wave) pass(pairs []located, list []int32, answers []bool) (rest []int32) {
	var sources []int32 // places, in order
	last, taken := int32(0), 0
	for _, pair := range list {
		source := w.place[pairs[pair].to]
		if len(sources) == 0 || sources[len(sources)-1] != source {
			if len(sources) == width {
				break
			}
			sources = append(sources, source)
		}
		last = max(last, w.place[pairs[pair].from])
		taken++
	}
	w.sweep(sources, last)
	bit := 0
	for _, pair := range list[:taken] {
		for sources[bit] != w.place[pairs[pair].to] {
			bit++
		}
		set := w.sets[w.place[pairs[pair].from]]
		answers[pair] = set[bit/64]&(1<<(bit%64)) != 0
	}
	return list[taken:]
}

// sweep finds for each place up to the last which of the sources are upstream of it.
func (w *wave) sweep(sources []int32, last int32) {
	if w.sets == nil {
		w.sets = make([][width / 64]uint64, len(w.graph.Nodes))
	}
	first := sources[0]
	clear(w.sets[first : last+1])
	for at := first; at <= last; at++ {
		n := &w.graph.Nodes[w.order[at]]
		if !w.counts(n) {
			continue
		}
		set := &w.sets[at]
		for _, edge := range n.In {
			source := w.place[edge.Node]
			if source < first {
				continue
			}
			for i, word := range w.sets[source] {
				set[i] |= word
			}
			if bit, is := slices.BinarySearch(sources, source); is {
				set[bit/64] |= 1 << (bit % 64)
			}
		}
	}
}
