package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// cliResult is what --json prints.
type cliResult struct {
	Run struct {
		Status string `json:"status"`
	} `json:"run"`
	Nodes []struct {
		ID         string `json:"id"`
		Status     string `json:"status"`
		Reason     string `json:"reason"`
		Attempts   int    `json:"attempts"`
		StartedAt  string `json:"started_at"`
		FinishedAt string `json:"finished_at"`
	} `json:"nodes"`
	Output any `json:"output"`
}

// started is a program that was started, and the server that its workflow asks.
type started struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
	asked          chan string // paths, each request waits to be canceled
}

// startAsking starts a workflow whose nodes ask a server that does not answer.
func startAsking(t *testing.T, workflow string) *started {
	t.Helper()
	s := &started{asked: make(chan string, 8)}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.asked <- r.URL.Path
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ask.yaml")
	require.NoError(t, os.WriteFile(file, []byte(workflow), 0o600))
	s.Cmd = exec.CommandContext(t.Context(), program, "run", "--json", file, "--allow-egress", "127.0.0.0/8",
		"--input", fmt.Sprintf(`{"url": %q}`, server.URL))
	s.Stdout, s.Stderr = &s.stdout, &s.stderr
	require.NoError(t, s.Start())
	return s
}

func TestInterruptCancelsAndWaitsForFinally(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		s := startAsking(t, `
name: ask
nodes:
  - {id: ask, type: http.request, params: {url: "{{ input.url }}/ask"}}
  - {id: later, type: core.noop}
  - {id: clean, type: core.log, finally: true, params: {message: cleaned up}}
connections: [{from: ask, to: later}]
`)
		require.Equal(t, "/ask", <-s.asked)
		require.NoError(t, s.Process.Signal(signal))
		require.Error(t, s.Wait())
		require.Equal(t, 130, s.ProcessState.ExitCode(), s.stderr.String())
		require.Contains(t, s.stderr.String(), "clean info: cleaned up")
		require.Contains(t, s.stderr.String(), "interrupt again to end at once")
		var result cliResult
		require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &result))
		require.Equal(t, "canceled", result.Run.Status)
		statuses := make(map[string]string)
		for _, node := range result.Nodes {
			statuses[node.ID] = node.Status
		}
		require.Equal(t, map[string]string{"ask": "canceled", "later": "canceled", "clean": "succeeded"}, statuses)
	}
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := startAsking(t, `
name: ask
nodes:
  - {id: ask, type: http.request, params: {url: "{{ input.url }}/ask"}}
  - {id: clean, type: http.request, finally: true, params: {url: "{{ input.url }}/clean"}}
`)
	require.Equal(t, "/ask", <-s.asked)
	require.NoError(t, s.Process.Signal(os.Interrupt))
	require.Equal(t, "/clean", <-s.asked)
	require.NoError(t, s.Process.Signal(os.Interrupt))
	require.Error(t, s.Wait())
	require.Equal(t, 130, s.ProcessState.ExitCode(), s.stderr.String())
	require.Empty(t, s.stdout.String())
}

// A large graph in any order: every node runs once, none before its parents, and a failed one cuts off exactly
// what hangs on it.
func TestLargeGraph(t *testing.T) {
	t.Parallel()
	const size = 3_000
	random := rand.New(rand.NewPCG(1, 2))
	parents := make([][]int, size)
	fails := make([]bool, size)
	for i := 1; i < size; i++ {
		fails[i] = random.IntN(300) == 0
		for _, parent := range random.Perm(min(i, 40))[:random.IntN(min(i, 3)+1)] {
			parents[i] = append(parents[i], i-1-parent)
		}
	}
	for _, format := range []string{"yaml", "json"} {
		file := filepath.Join(t.TempDir(), "large."+format)
		require.NoError(t, os.WriteFile(file, largeDocument(random, parents, fails), 0o600))
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, "run", "--json", file)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		require.Error(t, cmd.Run())
		require.Equal(t, 1, cmd.ProcessState.ExitCode(), stderr.String())
		require.Less(t, strings.Count(stderr.String(), "\n"), 300, "a large graph is not listed node by node")
		checkLarge(t, stdout.Bytes(), parents, fails)
	}
}

// largeDocument writes the graph as JSON, which is YAML too, with nodes and connections in any order.
func largeDocument(random *rand.Rand, parents [][]int, fails []bool) []byte {
	var nodes, connections []string
	for i := range parents {
		node := fmt.Sprintf(`{"id": "t%d", "type": "core.noop"}`, i)
		if fails[i] {
			node = fmt.Sprintf(`{"id": "t%d", "type": "core.fail", "params": {"message": "no"}}`, i)
		}
		nodes = append(nodes, node)
		for _, parent := range parents[i] {
			connections = append(connections, fmt.Sprintf(`{"from": "t%d", "to": "t%d"}`, parent, i))
		}
	}
	random.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	random.Shuffle(len(connections), func(i, j int) { connections[i], connections[j] = connections[j], connections[i] })
	return []byte(`{"name": "large", "settings": {"fail_fast": false}, "nodes": [` + strings.Join(nodes, ",\n") +
		"],\n" + `"connections": [` + strings.Join(connections, ",\n") + "]}")
}

func checkLarge(t *testing.T, stdout []byte, parents [][]int, fails []bool) {
	t.Helper()
	var result cliResult
	require.NoError(t, json.Unmarshal(stdout, &result))
	require.Equal(t, "failed", result.Run.Status)
	require.Len(t, result.Nodes, len(parents))
	place := make(map[string]int)
	for i, node := range result.Nodes {
		place[node.ID] = i
	}
	require.Len(t, place, len(parents))
	cut := make([]bool, len(parents))
	for i := range parents {
		node := result.Nodes[place[fmt.Sprintf("t%d", i)]]
		for _, parent := range parents[i] {
			cut[i] = cut[i] || cut[parent] || fails[parent]
		}
		want := []any{"succeeded", "", 1}
		switch {
		case cut[i]:
			want = []any{"skipped", "upstream_failed", 0}
		case fails[i]:
			want = []any{"failed", "", 1}
		}
		require.Equal(t, want, []any{node.Status, node.Reason, node.Attempts}, node.ID)
		for _, parent := range parents[i] {
			require.Less(t, place[fmt.Sprintf("t%d", parent)], place[node.ID], "recorded after its parents")
		}
	}
}

// However a document is broken, the program says so and never panics.
func TestBrokenDocumentsArePatientlyRefused(t *testing.T) {
	t.Parallel()
	const good = `name: good
settings: {timeout: 5s, fail_fast: false}
input_schema: {type: object}
nodes:
  - {id: a, type: core.if, params: {condition: "{{ input.n > 1 }}"}, retry: {max_attempts: 2}}
  - {id: b, type: core.set, each: "{{ [1, 2] }}", params: {values: {v: "{{ item + index }}"}}}
  - id: c
    type: core.foreach
    params: {items: [1], body: {nodes: [{id: d, type: core.noop}], connections: []}}
connections: [{from: a.true, to: b}, {from: b, to: c}]
output: "{{ nodes.c.output }}"
`
	random := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"{", "}", "[", "]", ":", "\"", "{{", "}}", "\n", "  ", "- ", "null", "&x", "*x", "!!binary ", "1e999", "\x00", "\xff", "id", "each: 7"}
	for i := range 150 {
		text := []byte(good)
		for range 1 + random.IntN(3) {
			at := random.IntN(len(text))
			if random.IntN(2) == 0 {
				text = append(text[:at:at], text[min(len(text)-1, at+random.IntN(20)):]...)
			} else {
				text = append(text[:at:at], pieces[random.IntN(len(pieces))]+string(text[at:])...)
			}
		}
		var stdout, stderr bytes.Buffer
		status := execute([]string{"run", "-q", "-", "--timeout", "5s"}, &console{
			in: bytes.NewReader(text), out: &stdout, err: &stderr, lookupEnv: os.LookupEnv, listen: deaf,
		})
		require.Contains(t, []int{exitSucceeded, exitFailed, exitUsage}, status, "%d: %s", i, text)
		require.NotContains(t, stderr.String(), "internal error", "%d: %s", i, text)
		if status == exitUsage {
			require.Regexp(t, `(?m)^<stdin>:\d+:\d+: error: |the input does not fit`, stderr.String(), "%d: %s", i, text)
			require.Empty(t, stdout.String())
		}
	}
}

func TestPanicsShowNoStackUnlessAsked(t *testing.T) {
	t.Parallel()
	for _, debugging := range []bool{false, true} {
		var stderr bytes.Buffer
		con := &console{err: &stderr}
		require.Equal(t, exitFailed, con.panicked("boom\x1b[2J", debugging))
		require.Contains(t, stderr.String(), "internal error: boom")
		require.NotContains(t, stderr.String(), "\x1b")
		require.Equal(t, debugging, strings.Contains(stderr.String(), "goroutine"))
	}
}

// The program ends when nobody reads what it prints.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	con := &console{in: strings.NewReader(`{"name": "n", "nodes": [{"id": "n", "type": "core.noop"}]}`), out: brokenWriter{}, err: &bytes.Buffer{}, lookupEnv: os.LookupEnv, listen: deaf}
	require.Equal(t, exitFailed, execute([]string{"run", "-q", "-"}, con))
}

// deaf hears no interrupts.
func deaf() (<-chan os.Signal, func()) { return nil, func() {} }

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, context.Canceled }
