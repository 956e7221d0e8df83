package queue

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Limit is how often something may happen: Count times in each Period, evenly spread, and Count times at once after a
// pause.
type Limit struct {
	Count  int
	Period time.Duration
}

// Check tells what is wrong with a limit.
func (l Limit) Check() error {
	if l.Count < 1 || l.Period <= 0 {
		return flowforge.Errorf(flowforge.CodeInvalidInput,
			"a limit of %d in %s allows nothing: give a count of at least 1 and a period above 0", l.Count, l.Period)
	}
	return nil
}

// Limiter counts how often things happen.
type Limiter interface {
	// Allow takes one of a key's turns; retryAfter is how long it takes until the next one, where ok is false. A
	// limiter that cannot count just now decides as well as it can; an error is only about the limit.
	Allow(ctx context.Context, key string, limit Limit) (ok bool, retryAfter time.Duration, err error)
}
