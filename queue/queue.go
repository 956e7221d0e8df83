// Package queue is the contract of the hints between engines: "run R is ready in pool P". A hint may be lost,
// doubled or late; losing one costs delay, never the run, since workers also look into the store. It moves no
// data and decides nothing.
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
	// one listens the hint may be kept or dropped.
	Push(ctx context.Context, hint Hint) error
	// Subscribe calls wake for hints of the pools until ctx ends, then returns nil once no call is under way.
	// Hints that come while wake runs may be merged into one call. An error means that hints are not to be had
	// just now.
	Subscribe(ctx context.Context, pools []string, wake func(Hint)) error
	io.Closer
}
