package nodes

import (
	"errors"
	"fmt"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Permanent says that trying again would fail again: no retry is made, whatever the policy.
func Permanent(err error) error { return &hint{err: err, permanent: true} }

// RetryAfter says when trying again makes sense, as services do in a Retry-After header. The retry waits at
// least so long.
func RetryAfter(err error, wait time.Duration) error { return &hint{err: err, after: wait} }

// NotDone says that the effect has certainly not happened, so that even a node delivered at most once may be
// tried again.
func NotDone(err error) error { return &hint{err: err, notDone: true} }

// hint is an error with what is known about trying again.
type hint struct {
	err       error
	permanent bool
	notDone   bool
	after     time.Duration
}

func (h *hint) Error() string { return h.err.Error() }
func (h *hint) Unwrap() error { return h.err }

// Advice is what an error says about trying again.
type Advice struct {
	Permanent bool
	NotDone   bool
	After     time.Duration // wait at least so long; 0: the error does not say
}

// AdviceOf gathers what the errors in err's chain say about trying again.
func AdviceOf(err error) Advice {
	var advice Advice
	for h := (*hint)(nil); errors.As(err, &h); err = h.err {
		advice.Permanent = advice.Permanent || h.permanent
		advice.NotDone = advice.NotDone || h.notDone
		advice.After = max(advice.After, h.after)
	}
	return advice
}

// Failed makes a node's error with a code of its own, for retry_on and error routes to match, and details for
// them to read.
func Failed(code flowforge.Code, details flowforge.Value, format string, args ...any) error {
	return &detailed{err: flowforge.Errorf(code, format, args...), details: details}
}

// detailed is an error with facts beside its sentence.
type detailed struct {
	err     error
	details flowforge.Value
}

func (d *detailed) Error() string { return d.err.Error() }
func (d *detailed) Unwrap() error { return d.err }

// FailureOf gives an error as it is recorded.
func FailureOf(err error) *flowforge.Failure {
	failure := &flowforge.Failure{Code: flowforge.CodeOf(err), Message: err.Error()}
	if failure.Code == "" {
		failure.Code = flowforge.CodeNodeFailed
	}
	if d, ok := errors.AsType[*detailed](err); ok {
		failure.Details = d.details
	}
	return failure
}

// Await is returned as the error of Execute to end the attempt without holding a worker: the node succeeds with
// Then once For has passed.
type Await struct {
	For  time.Duration
	Then flowforge.Ports
}

// Error says what is awaited.
func (a *Await) Error() string { return fmt.Sprintf("waits for %s", a.For) }

// Stop is returned as the error of Execute to end the whole run as succeeded: the node succeeds, all that has
// not ended is canceled, and Output, if not nil, is the output of the run.
type Stop struct{ Output *flowforge.Value }

// Error says that the run is stopped.
func (*Stop) Error() string { return "stops the run" }
