package flowforge

import (
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
	limit := float64(p.MaxInterval)
	if limit == 0 {
		limit = float64(time.Minute)
	}
	multiplier := p.Multiplier
	if multiplier == 0 {
		multiplier = 2
	}
	for range failed - 1 {
		if interval *= multiplier; interval >= limit {
			break
		}
	}
	interval = min(interval, limit)
	switch p.Jitter {
	case JitterNone:
		return time.Duration(interval)
	case JitterEqual:
		return time.Duration(interval/2 + random*interval/2)
	case JitterFull, "":
	}
	return time.Duration(random * interval)
}
