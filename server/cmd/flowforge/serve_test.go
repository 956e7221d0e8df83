package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth"
)

// served is a process of `flowforge serve`.
type served struct {
	*testing.T

	url, token string
	command    *exec.Cmd
	said       chan string // all it said on standard error, once it has ended
}

// serving starts a server on a data folder and waits until it answers.
func serving(t *testing.T, data string, flags ...string) *served {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s := &served{T: t, said: make(chan string, 1)}
	s.command = exec.CommandContext(ctx, program, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", data}, flags...)...)
	output, err := s.command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.command.Start())
	lines := bufio.NewReader(output)
	first, err := lines.ReadString('\n')
	require.NoError(t, err, first)
	_, rest, found := strings.Cut(first, "serving at ")
	require.True(t, found, first)
	s.url, _, _ = strings.Cut(rest, " ")
	go func() {
		more, _ := io.ReadAll(lines)
		s.said <- first + string(more)
	}()
	token, err := os.ReadFile(filepath.Join(data, tokenFile))
	require.NoError(t, err)
	s.token = strings.TrimSpace(string(token))
	return s
}

// ask sends a request, as curl would, and gives the answer's JSON.
func (s *served) ask(status int, method, path, body string) map[string]any {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(s, err)
	request.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	require.NoError(s, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(s, err)
	require.Equal(s, status, response.StatusCode, "%s", text)
	require.Empty(s, response.Header.Values("Server"))
	var answer map[string]any
	require.NoError(s, json.Unmarshal(text, &answer), "%s", text)
	return answer
}

// end tells the process to end and gives what it has said.
func (s *served) end() string {
	s.Helper()
	require.NoError(s, s.command.Process.Signal(syscall.SIGTERM))
	said := <-s.said
	require.NoError(s, s.command.Wait(), said)
	return said
}

func TestANewcomersPathThroughTheServer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serving(t, data)
	s.ask(201, "POST", "/api/v1/workflows",
		`{"name":"hello","nodes":[{"id":"greet","type":"core.set","params":{"values":{"text":"Hello, {{ input.name }}!"}}}]}`)
	s.ask(200, "POST", "/api/v1/workflows/hello/publish", "")
	run := s.ask(201, "POST", "/api/v1/workflows/hello/runs", `{"input":{"name":"Ada"},"wait":"20s"}`)
	require.Equal(t, "succeeded", run["status"])
	require.Equal(t, "main", run["workspace"])
	id, _ := run["id"].(string)
	said := s.end()
	require.Contains(t, said, "an admin token was made")
	require.Contains(t, said, "/api/v1/me")
	require.Contains(t, said, "the server has ended")
	require.NotContains(t, said, s.token, "the token is in its file alone")

	again := serving(t, data, "--quiet")
	require.Equal(t, s.token, again.token)
	require.Equal(t, "succeeded", again.ask(200, "GET", "/api/v1/runs/"+id, "")["status"])
	again.token = ""
	require.Equal(t, "unauthenticated", again.ask(401, "GET", "/api/v1/runs/"+id, "")["code"])
	again.token = s.token + "x"
	require.Equal(t, "unauthenticated", again.ask(401, "GET", "/api/v1/me", "")["code"])
	said = again.end()
	require.NotContains(t, said, "was made")
	require.NotContains(t, said, "level=INFO")
}

func TestTheTokenIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	token, err := openToken(data)
	require.NoError(t, err)
	require.True(t, token.fresh)
	path := token.path
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	same, err := openToken(data)
	require.NoError(t, err)
	require.False(t, same.fresh)
	require.Equal(t, token.hash, same.hash)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	ask := func(header string) (*auth.Principal, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", header)
		return same.Authenticate(request)
	}
	who, err := ask("bearer " + strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.Equal(t, mainWorkspace, who.Workspace)
	who, err = ask("Basic " + string(text))
	require.NoError(t, err)
	require.Nil(t, who)
	for _, header := range []string{"Bearer", "Bearer ", "Bearer " + tokenPrefix, "Bearer " + string(text) + "x"} {
		_, err = ask(header)
		require.Error(t, err, header)
	}

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = openToken(data)
	require.ErrorContains(t, err, "others can read")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, []byte("ff_admin_short"), 0o600))
	_, err = openToken(data)
	require.ErrorContains(t, err, "holds no token")
}
