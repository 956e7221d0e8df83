// Package queue is the contract of the hints between engines: "run R is ready in pool P". A hint may be lost,
// doubled or late; losing one costs delay, never the run, since workers also look into the store. It moves no
// data and decides nothing. queue/queuetest checks what every implementation promises.
package queue

import (
	"context"
	"io"

	"github.com/flowforge-go/flowforge"
)

// Hint says that something in a pool may be worth a look.
type Hint struct {
	Pool     string
	Priority int // 1 (first) to 5; 0: 3
	Run      flowforge.RunID
}

// Queue carries hints from those who make work ready to those who can do it.
type Queue interface {
	// Push sends a hint to one of the subscribers of its pool. It does not wait for it to be received; where no
	// one listens the hint may be kept or dropped. A closed queue answers flowforge.CodeClosed.
	Push(ctx context.Context, hint Hint) error
	// Subscribe calls wake for hints of the pools until ctx ends, then returns nil once no call is under way.
	// There is one call at a time; hints that come while it runs may be merged into one for their pool, with
	// the most urgent priority. wake may push. An error means that hints are not to be had just now:
	// flowforge.CodeClosed, once the queue is closed.
	Subscribe(ctx context.Context, pools []string, wake func(Hint)) error
	io.Closer
}
