package postgres_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/postgres"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

func TestNoRunIsClaimedTwice(t *testing.T) {
	t.Parallel()
	address := schema(t)
	stores := make([]*sqlstore.Store, 2)
	for i := range stores {
		var err error
		stores[i], err = postgres.Open(t.Context(), address, postgres.Config{Connections: 4})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, stores[i].Close()) })
	}
	const runs, workers = 300, 8
	creates(t, stores[0], runs, false)
	var all sync.WaitGroup
	var lock sync.Mutex
	seen := map[flowforge.RunID]int{}
	for i := range workers {
		all.Go(func() {
			for empty := 0; empty < 20; {
				claims, err := stores[i%2].Claim(context.Background(), claim(7))
				if err != nil {
					t.Error(err)
					return
				}
				lock.Lock()
				for _, c := range claims.Runs {
					seen[c.Run.ID]++
				}
				done := len(seen) == runs
				lock.Unlock()
				if done {
					return
				}
				if len(claims.Runs) == 0 {
					empty++
				}
			}
		})
	}
	all.Wait()
	require.Len(t, seen, runs)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

func claim(limit int) store.Claim {
	return store.Claim{
		Worker: "worker", Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: limit, For: time.Minute,
	}
}

func TestOneBadRowFailsAlone(t *testing.T) {
	t.Parallel()
	s := opened(t)
	const size, bad = 21, 13
	runs := make([]store.NewRun, size)
	for i := range runs {
		runs[i] = newRun()
	}
	good := runs[bad]
	runs[bad].Run.Pool = "a\x00b"
	created, err := s.Create(t.Context(), runs)
	require.NoError(t, err)
	for i := range created {
		require.Equal(t, i == bad, created[i].Err != nil, "%d: %v", i, created[i].Err)
	}
	require.Equal(t, flowforge.CodeInvalidValue, flowforge.CodeOf(created[bad].Err))
	runs[bad] = good
	_, err = s.Create(t.Context(), runs[bad:bad+1])
	require.NoError(t, err)

	transitions := make([]store.Transition, size)
	for i := range runs {
		transitions[i] = end(runs[i].Run.ID, 1)
	}
	transitions[bad].Nodes[0].Attempts = 1 << 40 // which the column does not hold
	answers, err := s.Commit(t.Context(), transitions)
	require.NoError(t, err)
	for i := range answers {
		require.Equal(t, i == bad, answers[i].Err != nil, "%d: %v", i, answers[i].Err)
	}
	require.Equal(t, flowforge.CodeInvalidValue, flowforge.CodeOf(answers[bad].Err))
	ends(t, s, runs[bad:bad+1])
}

func TestKilledConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	address := schema(t)
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	name := parsed.Query().Get("search_path")
	query := parsed.Query()
	query.Set("application_name", name)
	parsed.RawQuery = query.Encode()
	s, err := postgres.Open(t.Context(), parsed.String(), postgres.Config{Connections: 4})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })

	var outages atomic.Int64
	again := func(try func() error) {
		for range 10_000 {
			err := try()
			if err == nil {
				return
			}
			if !assert.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(err), "%v", err) {
				return
			}
			outages.Add(1)
		}
		assert.Fail(t, "it never succeeded")
	}
	stop := make(chan struct{})
	var killer, workers sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = execute(address, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '`+name+`'`)
			}
		}
	})
	const each = 25
	ids := make(chan flowforge.RunID, 4*each)
	for range 4 {
		workers.Go(func() {
			for range each {
				n := newRun()
				again(func() error {
					created, err := s.Create(context.Background(), []store.NewRun{n})
					if err == nil {
						err = created[0].Err
						assert.Equal(t, int64(1), created[0].Epoch)
					}
					return err
				})
				again(func() error {
					answers, err := s.Commit(context.Background(), []store.Transition{end(n.Run.ID, 1)})
					if err == nil {
						err = answers[0].Err
					}
					return err
				})
				ids <- n.Run.ID
			}
		})
	}
	workers.Wait()
	close(stop)
	killer.Wait()
	close(ids)
	require.Positive(t, outages.Load(), "nothing was killed")
	for id := range ids {
		again(func() error {
			events, err := s.Events(context.Background(), flowforge.Local, id, 0, 0)
			if err == nil {
				assert.Len(t, events, 4)
			}
			return err
		})
	}
}

func TestACommitWhoseAnswerIsLostIsSentAgain(t *testing.T) {
	t.Parallel()
	address := schema(t)
	p := newProxy(t, address)
	s, err := postgres.Open(t.Context(), p.address, postgres.Config{Connections: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for answers := range 4 { // which answer is lost: of reading, of writing, and then of none that there is
		n := creates(t, s, 1, true)[0]
		transition := end(n.Run.ID, 1)
		transition.Logs = []store.LogLine{{Message: "line"}}
		p.lose.Store(int64(answers + 1))
		_, err := s.Commit(t.Context(), []store.Transition{transition})
		p.lose.Store(0)
		require.Equal(t, answers < 2, err != nil, "%v", err)
		if err != nil {
			require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(err), "%v", err)
		}
		ends(t, s, []store.NewRun{n})
		logs, err := s.Logs(t.Context(), flowforge.Local, n.Run.ID, 0, 0)
		require.NoError(t, err)
		require.Equal(t, answers > 0, len(logs) == 1, "the second answer is that of the commit")
	}
}

// A proxy passes on what client and server say, and can lose an answer together with the connection.
type proxy struct {
	address string
	lose    atomic.Int64 // 1: the next answer, 2: the one after that; 0: none
}

func newProxy(t *testing.T, address string) *proxy {
	t.Helper()
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	server := parsed.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	parsed.Host = listener.Addr().String()
	query := parsed.Query()
	query.Set("sslmode", "disable")
	parsed.RawQuery = query.Encode()
	p := &proxy{address: parsed.String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				t.Error(err)
				return
			}
			all.Go(func() { p.answers(client, behind) })
			all.Go(func() {
				_, _ = io.Copy(behind, client)
				_ = behind.Close()
			})
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
	})
	return p
}

// answers passes on what the server says; one read is one answer, since they are short.
func (p *proxy) answers(client, server net.Conn) {
	defer func() { _ = client.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if err != nil || p.lose.Load() > 0 && p.lose.Add(-1) == 0 {
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
