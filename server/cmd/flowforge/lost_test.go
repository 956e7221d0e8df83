//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process that was stopped for longer than its lease tells how the run ended elsewhere, not what it made of it
// itself.
func TestLostRunIsWaitedFor(t *testing.T) {
	t.Parallel()
	called := &sink{calls: make(chan string, 10)}
	server := httptest.NewServer(called)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "effect.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`{name: effect, output: "{{ nodes.call.output.body }}", nodes: [
		{id: call, type: http.request, params: {method: POST, url: "{{ input }}"}}]}`), 0o600))
	start := func(stdout, stderr *bytes.Buffer, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, append(args, "--allow-egress", "127.0.0.0/8")...)
		cmd.Env = append(os.Environ(), "FLOWFORGE_STORE=sqlite:"+file+".db")
		cmd.Stdout, cmd.Stderr = stdout, stderr
		require.NoError(t, cmd.Start())
		return cmd
	}
	var stdout, stderr, worked bytes.Buffer
	run := start(&stdout, &stderr, "run", file, "--lease", "1s", "--input", fmt.Sprintf("%q", server.URL))
	key := <-called.calls
	require.NoError(t, run.Process.Signal(syscall.SIGSTOP))
	worker := start(&worked, &worked, "worker", "--until-idle")
	require.NoError(t, worker.Wait(), worked.String())
	require.Equal(t, key, <-called.calls)
	require.NoError(t, run.Process.Signal(syscall.SIGCONT))
	require.NoError(t, run.Wait(), stderr.String())
	require.JSONEq(t, `{"done": true}`, stdout.String())
	require.Contains(t, stderr.String(), "has lost the run")
}
