package redis

import (
	"errors"
	"strings"
	"sync/atomic"

	redigo "github.com/gomodule/redigo/redis"
)

// quietPool gives connections to a worker pool of gocraft/work, which never learns of a fault: it would print it on
// standard output, ask again every 10 ms, and neither drain nor stop while Redis is away. To it an outage is a Redis
// without jobs, whom it asks every 5 s, and which our own connection to Redis wakes it from.
//
// Once leaving is set there are no jobs either, so that a worker pool under load comes to its end.
func (q *Queue) quietPool(leaving *atomic.Bool) *redigo.Pool {
	return &redigo.Pool{MaxIdle: maxIdle, IdleTimeout: idleTime, Dial: func() (redigo.Conn, error) {
		var conn redigo.Conn
		_, err := q.breaker.Execute(func() (struct{}, error) {
			var err error
			conn, err = q.connect()
			return struct{}{}, err
		})
		if err != nil {
			return absent{err}, nil //nolint:nilerr // It keeps the error.
		}
		return quiet{conn, leaving}, nil
	}}
}

// quiet is a connection that hides faults.
type quiet struct {
	redigo.Conn
	leaving *atomic.Bool
}

// Do runs a command. An answer that Redis could not give is empty.
func (c quiet) Do(command string, args ...any) (any, error) {
	if c.leaving.Load() && strings.HasPrefix(command, "EVAL") {
		return nil, nil
	}
	reply, err := c.Conn.Do(command, args...)
	if err == nil || isUnknownScript(err) {
		return reply, err
	}
	return nothing(command), nil
}

// Send buffers a command.
func (c quiet) Send(command string, args ...any) error {
	_ = c.Conn.Send(command, args...)
	return nil
}

// Flush sends what is buffered.
func (c quiet) Flush() error {
	_ = c.Conn.Flush()
	return nil
}

// absent is a connection to a Redis that is away.
type absent struct{ reason error }

func (absent) Do(command string, _ ...any) (any, error) { return nothing(command), nil }
func (absent) Send(string, ...any) error                { return nil }
func (absent) Flush() error                             { return nil }
func (absent) Close() error                             { return nil }
func (a absent) Receive() (any, error)                  { return nil, a.reason }
func (a absent) Err() error                             { return a.reason } // so that it is not kept

// nothing is what an empty Redis answers.
func nothing(command string) any {
	if command == "SMEMBERS" {
		return []any{}
	}
	return nil
}

// isUnknownScript reports whether Redis has forgotten a script, which is then sent again.
func isUnknownScript(err error) bool {
	told, is := errors.AsType[redigo.Error](err)
	return is && strings.HasPrefix(string(told), "NOSCRIPT ")
}
