package main

import (
	"context"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/queue/redis"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// queueFlags say how processes tell each other what is new.
type queueFlags struct {
	Queue string `placeholder:"URL" env:"FLOWFORGE_QUEUE" help:"Redis, through which processes hear of each other at once: redis://HOST:6379/0 (docs/redis.md)."`
}

// connect gives an engine the queue and the bus of Redis, and returns what closes them.
func (r *queueFlags) connect(ctx context.Context, con *console, config *engine.Config) (closeAll func(), err error) {
	if r.Queue == "" {
		return func() {}, nil
	}
	goredis.SetLogger(mute{}) // it writes to standard error; what matters is told below
	var ending, away atomic.Bool
	opened, err := redis.Open(ctx, r.Queue, redis.Config{Changed: func(reason error) {
		switch {
		case ending.Load():
		case reason != nil:
			away.Store(true)
			con.printf("flowforge: warning: Redis cannot be reached; all goes on without it, up to 2 s later: %s\n",
				human.Line(reason.Error()))
		case away.Swap(false):
			con.printf("flowforge: Redis is there again\n")
		}
	}})
	if err != nil {
		return nil, usage("--queue: %w", err)
	}
	config.Queue, config.Bus = opened, opened.Bus()
	return func() {
		ending.Store(true)
		_ = opened.Close() // everything has been told
	}, nil
}

// mute is a logger that says nothing.
type mute struct{}

func (mute) Printf(context.Context, string, ...any) {}
