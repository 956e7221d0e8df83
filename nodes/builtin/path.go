package builtin

import (
	"maps"
	"slices"
	"strings"
)

// fieldTree is a set of field paths such as "name" and "address.city", by their steps. A path that meets a list
// goes into each of its items.
type fieldTree map[string]*fieldNode

type fieldNode struct {
	end    bool // a path ends here
	rename string
	below  fieldTree
}

// pathTree makes the tree of paths.
func pathTree(paths []string) fieldTree {
	tree := make(fieldTree, len(paths))
	for _, path := range paths {
		tree.add(path).end = true
	}
	return tree
}

// add gives the node at the end of a path.
func (t fieldTree) add(path string) *fieldNode {
	var node *fieldNode
	for step := range strings.SplitSeq(path, ".") {
		next, found := t[step]
		if !found {
			next = &fieldNode{below: make(fieldTree)}
			t[step] = next
		}
		node, t = next, next.below
	}
	return node
}

// without gives x without the fields of the tree; what is not changed is shared.
func (t fieldTree) without(x any) any {
	return t.eachObject(x, func(object map[string]any) map[string]any {
		out := maps.Clone(object)
		for step, node := range t {
			item, found := object[step]
			switch {
			case !found:
			case node.end:
				delete(out, step)
			default:
				out[step] = node.below.without(item)
			}
		}
		return out
	})
}

// only gives x with no other fields than those of the tree.
func (t fieldTree) only(x any) any {
	return t.eachObject(x, func(object map[string]any) map[string]any {
		out := make(map[string]any, len(t))
		for step, node := range t {
			item, found := object[step]
			switch {
			case !found:
			case node.end:
				out[step] = item
			default:
				out[step] = node.below.only(item)
			}
		}
		return out
	})
}

// renamed gives x with the fields of the tree renamed, all at once, so that two may swap their names.
func (t fieldTree) renamed(x any) any {
	steps := slices.Sorted(maps.Keys(t))
	return t.eachObject(x, func(object map[string]any) map[string]any {
		out := maps.Clone(object)
		for _, step := range steps {
			if node := t[step]; node.rename != "" {
				delete(out, step)
			}
		}
		for _, step := range steps {
			item, found := object[step]
			if !found {
				continue
			}
			node := t[step]
			if len(node.below) > 0 {
				item = node.below.renamed(item)
			}
			name := step
			if node.rename != "" {
				name = node.rename
			}
			out[name] = item
		}
		return out
	})
}

// eachObject changes x, or each object of the list x; other values stay.
func (t fieldTree) eachObject(x any, change func(map[string]any) map[string]any) any {
	switch x := x.(type) {
	case map[string]any:
		return change(x)
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = t.eachObject(item, change)
		}
		return out
	}
	return x
}
