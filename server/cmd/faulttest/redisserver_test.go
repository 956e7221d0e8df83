//go:build linux || darwin

package faulttest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// redisServer is a Redis of a test's own, with a password and nothing on disk: killed, it comes back empty.
type redisServer struct {
	t      *testing.T
	file   string // its settings
	url    string
	client *goredis.Client
	cmd    *exec.Cmd
	ended  chan struct{}
	log    output
}

func newRedis(t *testing.T) *redisServer {
	t.Helper()
	_, err := exec.LookPath("redis-server")
	require.NoError(t, err, "this test starts a Redis of its own: install it, as with `apt-get install redis-server`")
	folder, port, password := t.TempDir(), freePort(t), rand.Text()
	s := &redisServer{
		t: t, file: filepath.Join(folder, "redis.conf"), url: fmt.Sprintf("redis://:%s@127.0.0.1:%d/0", password, port),
	}
	settings := fmt.Sprintf("port %d\nbind 127.0.0.1\nrequirepass %s\nsave \"\"\nappendonly no\ndir %s\n", port, password, folder)
	require.NoError(t, os.WriteFile(s.file, []byte(settings), 0o600))
	options, err := goredis.ParseURL(s.url)
	require.NoError(t, err)
	s.client = goredis.NewClient(options)
	s.start()
	t.Cleanup(func() {
		s.kill()
		_ = s.client.Close()
		if t.Failed() {
			t.Logf("Redis:\n%s", tail(s.log.String()))
		}
	})
	return s
}

// arguments are those of a worker that uses it, whichever way to the store it has.
func (s *redisServer) arguments(more ...string) []string {
	return append([]string{"-redis", s.url, "-prefix", "faults"}, more...)
}

// start starts the server, again perhaps, and waits until it answers.
func (s *redisServer) start() {
	s.t.Helper()
	s.cmd = exec.CommandContext(context.Background(), "redis-server", s.file)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	require.NoError(s.t, s.cmd.Start())
	ended, cmd := make(chan struct{}), s.cmd
	s.ended = ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	eventually(s.t, recovery, func() string {
		if err := s.client.Ping(context.Background()).Err(); err != nil {
			return err.Error()
		}
		return ""
	})
}

// kill ends the server as kill -9 does.
func (s *redisServer) kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// flush empties it.
func (s *redisServer) flush() {
	s.t.Helper()
	require.NoError(s.t, s.client.FlushAll(s.t.Context()).Err())
}

// requireNoHints waits until no hint is kept that will not be forgotten by itself.
func (s *redisServer) requireNoHints() {
	s.t.Helper()
	eventually(s.t, recovery, func() string {
		ctx := context.Background()
		keys, err := s.client.Keys(ctx, "*:jobs:*").Result()
		require.NoError(s.t, err)
		for _, key := range keys {
			if kind, err := s.client.Type(ctx, key).Result(); err != nil || kind != "list" {
				continue // of gocraft/work, one of a pool
			}
			left, err := s.client.TTL(ctx, key).Result()
			require.NoError(s.t, err)
			if left == time.Duration(-1) {
				return key + " is kept for ever"
			}
		}
		return ""
	})
}
