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

// Await is returned as the error of Execute to end the attempt without holding a worker. The node run goes on
// waiting, over restarts too, for what the fields say; where nothing is said, for nothing.
type Await struct {
	For   time.Duration   // succeed with Then after so long; 0: the time does not end the waiting
	Until time.Time       // the same as an instant
	Then  flowforge.Ports // nil: the input on "out"

	// Signal succeeds with the data of a signal of this name on "out". Match is the source of an expression of the
	// node's parameters that must hold, with the data as `item`; empty: any will do.
	Signal string
	Match  string

	// Child starts another workflow and succeeds with its output on "out", or fails as it does.
	Child *Child
}

// Child is a workflow that a node starts.
type Child struct {
	Workflow string // the name of a saved one
	Version  int    // 0: the published version
	Input    flowforge.Value
	Detach   bool // do not wait: succeed at once with {"run"} on "out"
}

// Error says what is awaited.
func (a *Await) Error() string {
	switch {
	case a.Child != nil:
		return fmt.Sprintf("waits for workflow %q", a.Child.Workflow)
	case a.Signal != "":
		return fmt.Sprintf("waits for signal %q", a.Signal)
	case !a.Until.IsZero():
		return "waits until " + a.Until.Format(time.RFC3339)
	default:
		return fmt.Sprintf("waits for %s", a.For)
	}
}

// Stop is returned as the error of Execute to end the whole run as succeeded: the node succeeds, all that has
// not ended is canceled, and Output, if not nil, is the output of the run.
type Stop struct{ Output *flowforge.Value }

// Error says that the run is stopped.
func (*Stop) Error() string { return "stops the run" }
