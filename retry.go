package flowforge

import (
	"math"
	"slices"
	"time"
)

// Jitter says how a backoff is spread, so that many retries do not come at the same moment.
type Jitter string

// The jitters; the empty Jitter is JitterFull.
const (
	JitterFull  Jitter = "full"  // anywhere from 0 to the backoff
	JitterEqual Jitter = "equal" // half of the backoff, and anywhere from 0 to the other half
	JitterNone  Jitter = "none"  // the backoff itself
)

// RetryPolicy says how often and when a failed attempt is made again.
type RetryPolicy struct {
	MaxAttempts     int      `json:"max_attempts,omitempty"`     // failed attempts in all; 0: 1, no retry
	InitialInterval Duration `json:"initial_interval,omitempty"` // 0: 1s
	Multiplier      float64  `json:"multiplier,omitempty"`       // 0: 2
	MaxInterval     Duration `json:"max_interval,omitempty"`     // 0: 1m
	Jitter          Jitter   `json:"jitter,omitempty"`
	RetryOn         []Code   `json:"retry_on,omitempty"`    // only these codes; empty: all
	NoRetryOn       []Code   `json:"no_retry_on,omitempty"` // never these
	MaxLost         int      `json:"max_lost,omitempty"`    // attempts lost with their worker; 0: DefaultMaxLost
}

// DefaultMaxLost is how many attempts of a node run may be lost with their worker before it fails.
const DefaultMaxLost = 5

// Allows reports whether an attempt that failed with code may be made again after `failed` failed attempts,
// that one included.
func (p *RetryPolicy) Allows(code Code, failed int) bool {
	if failed >= max(p.MaxAttempts, 1) || slices.Contains(p.NoRetryOn, code) {
		return false
	}
	return len(p.RetryOn) == 0 || slices.Contains(p.RetryOn, code)
}

// Backoff gives the time to wait after `failed` failed attempts; random is in [0, 1).
func (p *RetryPolicy) Backoff(failed int, random float64) time.Duration {
	interval := float64(p.InitialInterval)
	if interval == 0 {
		interval = float64(time.Second)
	}
	limit := p.MaxInterval.Std()
	if limit == 0 {
		limit = time.Minute
	}
	multiplier := p.Multiplier
	if multiplier == 0 {
		multiplier = 2
	}
	interval *= math.Pow(multiplier, float64(failed-1))
	whole := limit // where the interval is longer, beyond what a Duration holds perhaps
	if interval < float64(limit) {
		whole = time.Duration(max(0, interval))
	}
	switch p.Jitter {
	case JitterNone:
		return whole
	case JitterEqual:
		return whole/2 + time.Duration(random*float64(whole/2))
	case JitterFull, "":
	}
	return time.Duration(random * float64(whole))
}
