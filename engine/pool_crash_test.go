package engine_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store/memory"
)

// inPool gives the case with every node, those of bodies included, of the pool "gpu".
func (c *semanticCase) inPool(t *testing.T) *semanticCase {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal(c.Workflow, &tree))
	intoPool(tree)
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	handed := *c
	handed.Workflow = text
	return &handed
}

func intoPool(tree any) {
	switch tree := tree.(type) {
	case []any:
		for _, item := range tree {
			intoPool(item)
		}
	case map[string]any:
		if tree["id"] != nil && tree["type"] != nil {
			tree["pool"] = "gpu"
		}
		for _, item := range tree {
			intoPool(item)
		}
	}
}

// TestSemanticsOfTasks runs the cases of testdata/semantics with every node in another pool, and cuts an owner of the
// run, or a worker of that pool, off at each of its commits in turn.
func TestSemanticsOfTasks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/semantics/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		for _, c := range readCases(t, file) {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				handed := c.inPool(t)
				if c.Race {
					handed.Expect = expectation{Status: c.Expect.Status}
				}
				if strings.Contains(string(c.Workflow), "core.stop") {
					handed.Expect.Nodes = nil // what it comes before takes longer as a task
				}
				for _, finish := range []bool{false, true} {
					for commit := 1; ; commit += 3 { // of three, since there are many
						crashed := false
						for _, after := range []bool{false, true} {
							synctest.Test(t, func(t *testing.T) { crashed = handed.crashTask(t, commit, after, finish) })
						}
						if t.Failed() || !crashed {
							break
						}
					}
				}
			})
		}
	}
}

// crashTask runs the case in two pools with a crash of the owner of the run or, where finish says so, of who has its
// tasks; it reports whether there were enough commits for it.
func (c *semanticCase) crashTask(t *testing.T, commit int, after, finish bool) bool {
	t.Helper()
	document, err := flowforge.DecodeWorkflow(c.Workflow)
	require.NoError(t, err)
	kept := memory.New(memory.Config{})
	cut := &mortal{Store: kept, commits: commit, after: after, finish: finish}
	effects := &sink{}
	mortalPool, pool := "", "gpu"
	if finish {
		mortalPool, pool = "gpu", ""
	}
	var engines [3]*engine.Engine
	for i, config := range []engine.Config{
		{Store: cut, Pools: []string{mortalPool}}, {Store: kept, Pools: []string{pool}}, {Store: kept, Pools: []string{mortalPool}},
	} {
		config.Nodes = effects.effects(t)
		engines[i], err = engine.New(config)
		require.NoError(t, err)
	}
	stopFirst, stopOther := loop(t, engines[0]), loop(t, engines[1])
	run, err := engines[1].Start(t.Context(), engine.StartRequest{Document: document, Input: c.Input})
	require.NoError(t, err)
	synctest.Wait()
	stopSecond := loop(t, engines[2])

	c.checkEnd(t, engines[2], run, effects, fmt.Sprintf("cut off at commit %d, after it: %v, of a task: %v", commit, after, finish))
	stopSecond()
	stopOther()
	stopFirst()
	_ = engines[0].Close(t.Context()) // the store is gone for it
	require.NoError(t, engines[1].Close(t.Context()))
	require.NoError(t, engines[2].Close(t.Context()))
	return cut.dead
}
