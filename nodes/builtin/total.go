package builtin

import (
	"errors"
	"fmt"
	"math"
	"math/big"
)

// total is one running result of core.aggregate.
type total interface {
	add(x any) error
	result() (any, error)
}

func newTotal(op string) (total, error) {
	switch op {
	case "sum":
		return &sum{}, nil
	case "avg":
		return &average{}, nil
	case "min":
		return &extreme{sign: -1}, nil
	case "max":
		return &extreme{sign: 1}, nil
	case "count":
		return new(count), nil
	case "first":
		return &first{}, nil
	case "last":
		return &last{}, nil
	case "list":
		return &gathered{}, nil
	case "unique":
		return &gathered{seen: make(map[string]bool)}, nil
	}
	return nil, fmt.Errorf("there is no op %q: write sum, avg, min, max, count, first, last, list or unique", op)
}

// sum adds integers exactly and floats with the lost low bits carried along (Neumaier), so that neither size nor
// order of the numbers spoils it.
type sum struct {
	small       int64    // the integers, while they fit
	large       *big.Int // the integers, once they do not
	float, lost float64
	floats      bool
}

func (s *sum) add(x any) error {
	switch x := x.(type) {
	case nil:
	case int64:
		s.addInt(x)
	case uint64:
		s.grow().Add(s.large, new(big.Int).SetUint64(x))
	case float64:
		s.addFloat(x)
	default:
		return fmt.Errorf("only numbers can be added up, not %s", describe(x))
	}
	return nil
}

func (s *sum) addInt(x int64) {
	after := s.small + x
	if s.large == nil && (after > s.small) == (x > 0) {
		s.small = after
		return
	}
	s.grow().Add(s.large, big.NewInt(x))
}

func (s *sum) grow() *big.Int {
	if s.large == nil {
		s.large = big.NewInt(s.small)
	}
	return s.large
}

func (s *sum) addFloat(x float64) {
	s.floats = true
	after := s.float + x
	if math.Abs(s.float) >= math.Abs(x) {
		s.lost += (s.float - after) + x
	} else {
		s.lost += (x - after) + s.float
	}
	s.float = after
}

func (s *sum) result() (any, error) {
	if s.floats {
		return finite(s.approx())
	}
	switch {
	case s.large == nil:
		return s.small, nil
	case s.large.IsInt64():
		return s.large.Int64(), nil
	case s.large.IsUint64():
		return s.large.Uint64(), nil
	}
	return finite(s.approx())
}

// approx gives the sum as a float.
func (s *sum) approx() float64 {
	whole := float64(s.small)
	if s.large != nil {
		whole, _ = new(big.Float).SetInt(s.large).Float64()
	}
	all := *s
	all.addFloat(whole)
	if result := all.float + all.lost; !math.IsNaN(result) {
		return result
	}
	return all.float // infinite, so that what was lost is no number
}

func finite(x float64) (any, error) {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil, errors.New("the result is larger than the largest float")
	}
	return x, nil
}

type average struct {
	sum   sum
	count int
}

func (a *average) add(x any) error {
	if x == nil {
		return nil
	}
	a.count++
	return a.sum.add(x)
}

func (a *average) result() (any, error) {
	if a.count == 0 {
		return nil, nil
	}
	return finite(a.sum.approx() / float64(a.count))
}

// extreme keeps the largest (sign 1) or smallest (sign -1) value.
type extreme struct {
	sign int
	best any
}

func (e *extreme) add(x any) error {
	if x != nil && (e.best == nil || compare(x, e.best)*e.sign > 0) {
		e.best = x
	}
	return nil
}

func (e *extreme) result() (any, error) { return e.best, nil }

type count int64

func (c *count) add(x any) error {
	if x != nil {
		*c++
	}
	return nil
}

func (c *count) result() (any, error) { return int64(*c), nil }

type first struct {
	x   any
	set bool
}

func (f *first) add(x any) error {
	if !f.set {
		f.x, f.set = x, true
	}
	return nil
}

func (f *first) result() (any, error) { return f.x, nil }

type last struct{ x any }

func (l *last) add(x any) error {
	l.x = x
	return nil
}

func (l *last) result() (any, error) { return l.x, nil }

// gathered is a list of all values, or of the different ones.
type gathered struct {
	items []any
	seen  map[string]bool // nil: keep all
}

func (g *gathered) add(x any) error {
	if g.seen != nil {
		id := identity(x)
		if g.seen[id] {
			return nil
		}
		g.seen[id] = true
	}
	g.items = append(g.items, x)
	return nil
}

func (g *gathered) result() (any, error) { return g.items, nil }
