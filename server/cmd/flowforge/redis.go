package main

import (
	"context"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/queue/redis"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// redisFlags say how processes tell each other what is new.
type redisFlags struct {
	Redis string `placeholder:"URL" env:"FLOWFORGE_REDIS" help:"Redis, where processes hear of each other at once (docs/redis.md)."`
}

// connect gives an engine the queue and the bus of Redis, and returns what closes them.
func (r *redisFlags) connect(ctx context.Context, con *console, config *engine.Config) (closeAll func(), err error) {
	if r.Redis == "" {
		return func() {}, nil
	}
	goredis.SetLogger(mute{}) // it writes to standard error; what matters is told below
	var ending, away atomic.Bool
	opened, err := redis.Open(ctx, r.Redis, redis.Config{Changed: func(reason error) {
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
		return nil, usage("--redis: %w", err)
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
