package memory

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// A line is a heap of runs, tasks, schedules or jobs that wait, the first of them on top. Each is in one line at most and
// knows where, so that it can leave from the middle.
type line struct {
	spots []*spot
	steps *int
}

// A spot is where something waits.
type spot struct {
	rank rank
	line *line // nil: in none
	at   int   // its index there
	run  *run
	task *task // nil: the run itself waits

	schedule *schedule // of the others at most one is not nil
	job      *job
	place    *place
}

// A rank orders a line: by priority, 1 first, then what has begun, then the earliest, then the first come.
type rank struct {
	priority int
	fresh    bool // it has not begun
	at       time.Time
	order    uint64
}

func (a *rank) less(b *rank) bool { return a.compare(b) < 0 }

func (a *rank) compare(b *rank) int {
	if a.priority == b.priority && a.fresh != b.fresh {
		if b.fresh {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.priority, b.priority), a.at.Compare(b.at), cmp.Compare(a.order, b.order))
}

func (s *Store) newLine() line { return line{steps: &s.steps} }

// first gives who is on top, or nil.
func (l *line) first() *spot {
	if len(l.spots) == 0 {
		return nil
	}
	return l.spots[0]
}

// due gives who is on top if its instant has come, or nil.
func (l *line) due(now time.Time) *spot {
	if top := l.first(); top != nil && !top.rank.at.After(now) {
		return top
	}
	return nil
}

// inOrder gives who is in the line, the first one first, until the caller has enough. The line does not change
// meanwhile. The n first cost O(n log n).
func (l *line) inOrder() iter.Seq[*spot] {
	return func(yield func(*spot) bool) {
		var next []int // indices of those that may follow, the first one last
		consider := func(at int) {
			if at < len(l.spots) {
				i, _ := slices.BinarySearchFunc(next, at, func(a, b int) int {
					*l.steps++
					return l.spots[b].rank.compare(&l.spots[a].rank)
				})
				next = slices.Insert(next, i, at)
			}
		}
		for consider(0); len(next) > 0; {
			at := next[len(next)-1]
			next = next[:len(next)-1]
			if !yield(l.spots[at]) {
				return
			}
			consider(2*at + 1)
			consider(2*at + 2)
		}
	}
}

// join puts sp into the line; it must be in no other.
func (l *line) join(sp *spot, r rank) {
	sp.rank, sp.line, sp.at = r, l, len(l.spots)
	l.spots = append(l.spots, sp)
	l.up(sp)
}

// leave takes sp out of its line, if it is in one.
func (sp *spot) leave() {
	l := sp.line
	if l == nil {
		return
	}
	last := l.spots[len(l.spots)-1]
	l.spots[len(l.spots)-1] = nil
	l.spots = l.spots[:len(l.spots)-1]
	if last != sp {
		l.put(last, sp.at)
		l.up(last)
		l.down(last)
	}
	sp.line = nil
}

func (l *line) put(sp *spot, at int) {
	sp.at = at
	l.spots[at] = sp
}

func (l *line) up(sp *spot) {
	for sp.at > 0 {
		parent := l.spots[(sp.at-1)/2]
		*l.steps++
		if !sp.rank.less(&parent.rank) {
			return
		}
		at := parent.at
		l.put(parent, sp.at)
		l.put(sp, at)
	}
}

func (l *line) down(sp *spot) {
	for {
		child := 2*sp.at + 1
		if child >= len(l.spots) {
			return
		}
		*l.steps += 2
		if child+1 < len(l.spots) && l.spots[child+1].rank.less(&l.spots[child].rank) {
			child++
		}
		below := l.spots[child]
		if !below.rank.less(&sp.rank) {
			return
		}
		l.put(below, sp.at)
		l.put(sp, child)
	}
}
