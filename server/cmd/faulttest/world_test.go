//go:build linux || darwin

package faulttest_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	randv2 "math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/faulttest"
	"github.com/flowforge-go/flowforge/store"
)

// world is a store with its workers, the sink of their effects, and who starts runs and looks at them.
type world struct {
	t       *testing.T
	address string
	store   store.Store
	engine  *engine.Engine // without a worker loop
	sink    *sink
	random  *randv2.Rand
	seen    map[flowforge.RunID]*observed
}

// Kinds of stores.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

// onBoth runs a test on a world of each kind.
func onBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, kind := range []string{onSQLite, onPostgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, kind))
		})
	}
}

func newWorld(t *testing.T, kind string) *world {
	t.Helper()
	if kind == onSQLite {
		return newWorldAt(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
	}
	return newWorldAt(t, newDatabase(t))
}

func newWorldAt(t *testing.T, address string) *world {
	t.Helper()
	t.Logf("again with FLOWFORGE_FAULTS_SEED=%d", seed())
	w := &world{
		t: t, address: address, sink: newSink(t), seen: map[flowforge.RunID]*observed{},
		random: randv2.New(randv2.NewPCG(seed(), 0)),
	}
	var err error
	w.store, err = faulttest.Open(t.Context(), address)
	require.NoError(t, err)
	registry, err := nodes.NewRegistry(faulttest.Types(w.sink.url)...)
	require.NoError(t, err)
	w.engine, err = engine.New(engine.Config{Store: w.store, Nodes: registry})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = w.engine.Close(t.Context())
		require.NoError(t, w.store.Close())
	})
	return w
}

const variable = "FLOWFORGE_TEST_POSTGRES"

// newDatabase makes a database on the server that the tests share.
func newDatabase(t *testing.T) string {
	t.Helper()
	server := os.Getenv(variable)
	require.NotEmpty(t, server, "%s says which server the tests may use: run them with `make test`, which starts one", variable)
	address, err := url.Parse(server)
	require.NoError(t, err)
	name := "faults_" + strings.ToLower(rand.Text())
	require.NoError(t, execute(t, server, "CREATE DATABASE "+name))
	t.Cleanup(func() { require.NoError(t, execute(t, server, "DROP DATABASE "+name+" WITH (FORCE)")) })
	address.Path = "/" + name
	return address.String()
}

// execute runs a statement; the driver is that of store/postgres.
func execute(t *testing.T, address, statement string) error {
	t.Helper()
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}

// document reads a workflow.
func document(t *testing.T, text string) *flowforge.Workflow {
	t.Helper()
	file, err := doc.Read("workflow.yaml", []byte(text))
	require.NoError(t, err)
	return file.Workflow
}

// start starts so many runs of a workflow.
func (w *world) start(workflow *flowforge.Workflow, many int) []flowforge.RunID {
	w.t.Helper()
	return w.startWith(workflow, many, func(i int) any { return map[string]any{"number": i} })
}

// startWith starts runs with an input each, some at a time.
func (w *world) startWith(workflow *flowforge.Workflow, many int, input func(i int) any) []flowforge.RunID {
	w.t.Helper()
	ids, errs := make([]flowforge.RunID, many), make([]error, many)
	var all sync.WaitGroup
	turns := make(chan struct{}, 100)
	for i := range ids {
		turns <- struct{}{}
		all.Go(func() {
			run, err := w.engine.Start(w.t.Context(), engine.StartRequest{Document: workflow, Input: flowforge.MustValue(input(i))})
			ids[i], errs[i] = run.ID, err
			<-turns
		})
	}
	all.Wait()
	require.NoError(w.t, errors.Join(errs...))
	return ids
}

// publish makes a workflow one that others can run.
func (w *world) publish(workflow *flowforge.Workflow) {
	w.t.Helper()
	_, err := w.engine.Save(w.t.Context(), flowforge.Local, workflow)
	require.NoError(w.t, err)
	_, err = w.engine.Publish(w.t.Context(), flowforge.Local, workflow.Name)
	require.NoError(w.t, err)
}

// run gives a run as it is stored.
func (w *world) run(id flowforge.RunID) flowforge.Run {
	w.t.Helper()
	return ask(w, func() (flowforge.Run, error) { return w.store.Run(w.t.Context(), flowforge.Local, id) })
}

// ask asks the store, and asks again while it cannot be reached.
func ask[A any](w *world, question func() (A, error)) A {
	w.t.Helper()
	var answer A
	eventually(w.t, recovery, func() string {
		var err error
		if answer, err = question(); flowforge.CodeOf(err) == flowforge.CodeUnavailable {
			return err.Error()
		}
		require.NoError(w.t, err)
		return ""
	})
	return answer
}

// runs gives all runs there are, those that runs have started included.
func (w *world) runs() []flowforge.Run {
	w.t.Helper()
	var all []flowforge.Run
	filter := store.Filter{Limit: 500}
	for {
		page := ask(w, func() ([]flowforge.Run, error) { return w.store.List(w.t.Context(), flowforge.Local, filter) })
		all = append(all, page...)
		if len(page) < filter.Limit {
			return all
		}
		filter.Before = page[len(page)-1].ID
	}
}

// underWay are the statuses of runs that have not ended.
var underWay = []flowforge.RunStatus{
	flowforge.RunQueued, flowforge.RunRunning, flowforge.RunWaiting, flowforge.RunPaused, flowforge.RunCanceling,
}

// finish waits until all runs have ended, and looks at some of them meanwhile.
func (w *world) finish(limit time.Duration) {
	w.t.Helper()
	const looks = 10
	var asked time.Time
	eventually(w.t, limit, func() string {
		if time.Since(asked) > 300*time.Millisecond { // it looks at all runs
			w.requireSound()
			asked = time.Now()
		}
		left := ask(w, func() ([]flowforge.Run, error) {
			return w.store.List(w.t.Context(), flowforge.Local, store.Filter{Statuses: underWay, Limit: 200})
		})
		for i := range min(looks, len(left)) {
			w.observe(left[w.random.IntN(len(left)-i)].ID)
		}
		if len(left) == 0 {
			return ""
		}
		return fmt.Sprintf("%d runs or more have not ended; %s of %s is %s %s at %d",
			len(left), left[0].ID, left[0].Workflow.Name, left[0].Status, left[0].Reason, left[0].Seq)
	})
}
