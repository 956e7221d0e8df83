package redis_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/queue/queuetest"
	"github.com/flowforge-go/flowforge/queue/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// address gives the URL of the tests' Redis.
func address(t *testing.T) string {
	t.Helper()
	url := os.Getenv("FLOWFORGE_TEST_REDIS")
	require.NotEmpty(t, url, "FLOWFORGE_TEST_REDIS is not set: run make test, or .ci/test ./queue/...")
	return url
}

// open makes a queue whose keys nobody else has.
func open(t *testing.T, url string) *redis.Queue {
	t.Helper()
	q, err := redis.Open(t.Context(), url, redis.Config{Prefix: rand.Text()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

func TestQueue(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, func(t *testing.T) queue.Queue {
		t.Helper()
		return open(t, address(t))
	})
}

func TestBus(t *testing.T) {
	t.Parallel()
	queuetest.RunBus(t, func(t *testing.T) queue.Bus {
		t.Helper()
		return open(t, address(t)).Bus()
	})
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	queuetest.RunLimiter(t, func(t *testing.T) queue.Limiter {
		t.Helper()
		return open(t, address(t)).Limiter()
	})
}

func TestWrongURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, url, want string }{
		{"no URL", "localhost:6379", "it must be redis://"},
		{"another scheme", "http://localhost", "it must be redis://"},
		{"another kind", "redis+socket://localhost", "it must be redis://"},
		{"a database that is none", "redis://localhost/first", "database number"},
		{"a cluster", "rediss+cluster://localhost", "use a single Redis"},
		{"no master", "redis+sentinel://localhost:26379/0", "add ?master_name=NAME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := redis.Open(t.Context(), c.url, redis.Config{})
			require.ErrorContains(t, err, c.want)
			require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err))
		})
	}
}
