//go:build linux || darwin

// Command worker is the process that the tests of faults do things to: a worker of the store, or with -start one
// that starts runs and ends. It ends when its standard input does, so that none outlives its test.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/queue/redis"
	"github.com/flowforge-go/flowforge/server/cmd/faulttest"
	"github.com/flowforge-go/flowforge/store"
)

type options struct {
	store, sink            string
	redis, prefix, pools   string
	lease, park, skew      time.Duration
	count, runs, room      int
	starts                 starter
	zombie, withoutEffects bool
}

func main() {
	o := options{}
	flag.StringVar(&o.store, "store", "", "address of the store")
	flag.StringVar(&o.sink, "sink", "", "URL of the sink")
	flag.StringVar(&o.starts.file, "start", "", "start runs of the document in this file instead, say \"started KEY RUN\" of each, and end")
	flag.StringVar(&o.redis, "redis", "", "URL of Redis; without one hints stay in the process")
	flag.StringVar(&o.prefix, "prefix", "", "of names in Redis; empty: the address of the store")
	flag.StringVar(&o.pools, "pools", "", "pools that it serves, after commas; the empty name is the default pool")
	flag.IntVar(&o.count, "count", 1, "how many to start, by the keys 0, 1 ...")
	flag.IntVar(&o.runs, "runs", 0, "runs owned at a time")
	flag.IntVar(&o.room, "room", 0, "how many bytes its files may grow by; 0: as many as there is room for")
	flag.StringVar(&o.starts.keys, "keys", "", "what the keys begin with")
	flag.IntVar(&o.starts.from, "from", 0, "the first key")
	flag.IntVar(&o.starts.atOnce, "at-once", 1, "how many are started at a time")
	flag.IntVar(&o.starts.watch, "watch", 0, "how many runs are watched at a time: \"ended RUN STATUS\" is said of each")
	flag.IntVar(&o.starts.cancel, "cancel", 0, "each so many-th is canceled: \"canceled RUN\"; 0: none is")
	flag.DurationVar(&o.starts.pause, "pause", 0, "between starts")
	flag.DurationVar(&o.lease, "lease", 2*time.Second, "length of a lease")
	flag.DurationVar(&o.park, "park", 100*time.Millisecond, "runs that wait longer than this are parked")
	flag.DurationVar(&o.skew, "skew", 0, "how wrong the clock is")
	flag.BoolVar(&o.zombie, "zombie", false, "believe in leases for ever: renew none, and take no notice of the time")
	flag.BoolVar(&o.withoutEffects, "without-effects", false, "do not know the node type of effects")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func (o *options) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(4)
	}()
	opened, err := faulttest.Open(ctx, o.store)
	if err != nil {
		return err
	}
	if err := o.limitRoom(); err != nil {
		return errors.Join(err, opened.Close())
	}
	var hints *redis.Queue
	if o.redis != "" {
		prefix := cmp.Or(o.prefix, fmt.Sprintf("%x", sha256.Sum256([]byte(o.store))))
		if hints, err = redis.Open(ctx, o.redis, redis.Config{Prefix: prefix}); err != nil {
			return errors.Join(err, opened.Close())
		}
		defer func() { _ = hints.Close() }()
	}
	e, err := o.engine(opened, hints)
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	if o.starts.file != "" {
		err = o.starts.run(ctx, e, o.count)
	} else {
		fmt.Println("ready")
		err = e.Run(ctx)
	}
	return errors.Join(err, e.Close(context.Background()), opened.Close())
}

// limitRoom lets writing fail where a file becomes larger than SQLite's log is now, by the room.
func (o *options) limitRoom() error {
	if o.room == 0 {
		return nil
	}
	signal.Ignore(syscall.SIGXFSZ) // the write fails instead
	log, err := os.Stat(strings.TrimPrefix(o.store, "sqlite:") + "-wal")
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = uint64(log.Size() + int64(o.room)) //nolint:gosec // Neither is negative.
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

func (o *options) engine(opened store.Store, hints *redis.Queue) (*engine.Engine, error) {
	types := faulttest.Types(o.sink)
	if o.withoutEffects {
		types = types[:len(types)-1]
	}
	registry, err := nodes.NewRegistry(types...)
	if err != nil {
		return nil, err
	}
	config := engine.Config{
		Store: &told{Store: opened, zombie: o.zombie}, Nodes: registry, Lease: o.lease, ParkAfter: o.park, MaxRuns: o.runs,
		Clock:  &clock{began: time.Now(), skew: o.skew, stands: o.zombie},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	config.Pools = strings.Split(o.pools, ",")
	if hints != nil {
		config.Queue, config.Bus = hints, hints.Bus()
	}
	return engine.New(config)
}

// clock is a clock that is wrong, or one that stands still, as of a machine that is suspended.
type clock struct {
	began  time.Time
	skew   time.Duration
	stands bool
}

// Now gives the time.
func (c *clock) Now() time.Time {
	if c.stands {
		return c.began
	}
	return time.Now().Add(c.skew)
}

// AfterFunc calls wake after a time.
func (c *clock) AfterFunc(wait time.Duration, wake func()) engine.Timer {
	return time.AfterFunc(wait, wake)
}

// told is a store that says what it refuses.
type told struct {
	store.Store

	zombie bool
}

// Renew renews leases; a zombie's are not renewed, and it does not learn of it.
func (s *told) Renew(ctx context.Context, leases []store.Lease) ([]store.Renewed, error) {
	if s.zombie {
		return make([]store.Renewed, len(leases)), nil
	}
	renewed, err := s.Store.Renew(ctx, leases)
	for i, answer := range renewed {
		if answer.Lost {
			fmt.Println("lost", leases[i].Run)
		}
	}
	return renewed, err
}

// Commit applies transitions.
func (s *told) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	answers, err := s.Store.Commit(ctx, transitions)
	for i, answer := range answers {
		if flowforge.CodeOf(answer.Err) == flowforge.CodeStaleEpoch {
			fmt.Println("refused", transitions[i].Run)
		}
	}
	return answers, err
}

// FinishTask records the result of a task.
func (s *told) FinishTask(ctx context.Context, lease store.TaskLease, result store.TaskResult) error {
	err := s.Store.FinishTask(ctx, lease, result)
	if flowforge.CodeOf(err) == flowforge.CodeStaleEpoch {
		fmt.Println("refused", lease.Task)
	}
	return err
}
