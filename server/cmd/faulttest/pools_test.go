//go:build linux || darwin

package faulttest_test

import (
	neturl "net/url"
	"os"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// pooled is a workflow with an effect in a pool of its own between two others, a few runs of which may be in progress.
const pooled = `
name: pooled
settings: {concurrency: {limit: 3, key: "{{ input.number % 2 }}"}}
nodes:
  - {id: a, type: test.effect}
  - {id: g, type: test.effect, pool: gpu}
  - {id: w, type: core.wait, params: {duration: 200ms}}
  - {id: e, type: test.effect}
connections:
  - {from: a, to: g}
  - {from: g, to: w}
  - {from: w, to: e}
`

// pooledEffects are those of one run.
const pooledEffects = 3

// redisVariable names the URL of the Redis that the tests share.
const redisVariable = "FLOWFORGE_TEST_REDIS"

// withRedis gives the arguments of workers, and the client that does things to their Redis.
func withRedis(t *testing.T) (arguments []string, client *goredis.Client) {
	t.Helper()
	url := os.Getenv(redisVariable)
	require.NotEmpty(t, url, "%s is not set: run .ci/test, which starts a Redis", redisVariable)
	parsed, err := neturl.Parse(url)
	require.NoError(t, err)
	parsed.Path = "/9" // emptied by this test alone
	url = parsed.String()
	options, err := goredis.ParseURL(url)
	require.NoError(t, err)
	client = goredis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return []string{"-redis", url}, client
}

func inPools(arguments []string, pools string) []string {
	return append([]string{"-pools", pools}, arguments...)
}

// TestARandomPlanWithRedisAndPools lets workers of two pools be killed, stopped beyond their leases and told to end, and
// Redis be emptied, while runs go through both pools under a limit.
func TestARandomPlanWithRedisAndPools(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	arguments, client := withRedis(t)
	pools := []string{"", "", "gpu", "gpu,"}
	workers := make([]*process, len(pools))
	for i := range workers {
		workers[i] = w.spawn("", inPools(arguments, pools[i])...)
	}
	runs := w.start(document(t, pooled), count(40, 5_000))
	for range count(8, 400) {
		i := w.random.IntN(len(workers))
		switch w.random.IntN(4) {
		case 0:
			workers[i].kill()
			workers[i] = w.spawn("", inPools(arguments, pools[i])...)
		case 1:
			workers[i].signal(syscall.SIGSTOP)
			w.pause(t, 3*time.Second) // longer than a lease
			workers[i].signal(syscall.SIGCONT)
		case 2:
			require.NoError(t, client.FlushDB(t.Context()).Err())
		case 3:
			workers[i].signal(syscall.SIGTERM)
			workers[i].awaitEnd(t, recovery)
			workers[i] = w.spawn("", inPools(arguments, pools[i])...)
		}
		w.pause(t, 300*time.Millisecond)
	}
	w.check(time.Minute, runs, pooledEffects*len(runs))
	for _, id := range runs {
		standing, err := w.store.Standing(t.Context(), flowforge.Local, id)
		require.NoError(t, err)
		require.Empty(t, standing.Slots, "I11: run %s has ended and has slots", id)
	}
	next := w.start(document(t, pooled), 6)
	w.check(recovery, next, pooledEffects*(len(runs)+len(next)))
}

// pause lets faults last.
func (w *world) pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// TestAWorkerOfAPoolIsKilledAroundItsTask kills it once it has claimed a task, before it tells of the result, and after:
// another one goes on, and each effect has one key.
func TestAWorkerOfAPoolIsKilledAroundItsTask(t *testing.T) {
	t.Parallel()
	for failpoint, times := range map[string]string{"task.claimed": "1", "task.before": "2", "task.after": "2"} { // one claim may take all
		t.Run(failpoint, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, onPostgres)
			arguments, _ := withRedis(t)
			w.spawn("", arguments...)
			doomed := w.spawn(failpoint+":"+times, inPools(arguments, "gpu")...)
			runs := w.start(document(t, pooled), count(6, 100))
			doomed.awaitEndAt(t, failpoint)
			w.spawn("", inPools(arguments, "gpu")...)
			w.check(recovery, runs, pooledEffects*len(runs))
		})
	}
}
