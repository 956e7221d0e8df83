package engine

import (
	"time"

	"github.com/flowforge-go/flowforge"
)

// Meter is told what happens, for metrics. Its methods are called on the engine's own goroutines and must
// return at once.
type Meter interface {
	// RunEnded tells of a run that has ended under this engine.
	RunEnded(run flowforge.Run)
	// AttemptEnded tells of an attempt; failure is nil where it succeeded.
	AttemptEnded(nodeType string, took time.Duration, failure *flowforge.Failure)
	// AttemptAbandoned tells of an attempt that did not end when it was told to. It keeps its worker.
	AttemptAbandoned(nodeType string)
	// Committed tells of one round trip to the store with so many transitions.
	Committed(transitions int, took time.Duration)
	// ScheduleFired tells of a run that a schedule has started, and how long after it was due.
	ScheduleFired(late time.Duration)
}

type noMeter struct{}

func (noMeter) RunEnded(flowforge.Run)                                 {}
func (noMeter) AttemptEnded(string, time.Duration, *flowforge.Failure) {}
func (noMeter) AttemptAbandoned(string)                                {}
func (noMeter) Committed(int, time.Duration)                           {}
func (noMeter) ScheduleFired(time.Duration)                            {}
