package memory

const pageSize = 512

// pages is a list that only grows, in pages, so that what it holds is not copied again and again as a run gets
// large, and a small run stays small.
type pages[T any] struct {
	full [][]T // of pageSize each
	tail []T
}

func (p *pages[T]) len() int { return len(p.full)*pageSize + len(p.tail) }

func (p *pages[T]) at(i int) *T {
	if n := i / pageSize; n < len(p.full) {
		return &p.full[n][i%pageSize]
	}
	return &p.tail[i%pageSize]
}

func (p *pages[T]) add(item T) {
	if len(p.tail) == pageSize {
		p.full = append(p.full, p.tail)
		p.tail = make([]T, 0, pageSize)
	}
	p.tail = append(p.tail, item)
}

// slice copies a part.
func (p *pages[T]) slice(from, to int) []T {
	if from >= to {
		return nil
	}
	items := make([]T, 0, to-from)
	for i := from; i < to; i++ {
		items = append(items, *p.at(i))
	}
	return items
}
