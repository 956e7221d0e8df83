package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth/vault"
)

// process is one of `flowforge serve`.
type process struct {
	*testing.T

	url, token string // what requests are sent with
	command    *exec.Cmd
	begins     chan string // what it says when it begins
	said       chan string // all it said on standard error, once it has ended
}

// serving starts a server on a data folder and waits until it answers.
func serving(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s := &process{T: t, said: make(chan string, 1)}
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
	tokens := make(chan string, 1)
	go func() {
		var said strings.Builder
		said.WriteString(first)
		for {
			line, err := lines.ReadString('\n')
			said.WriteString(line)
			if found := oneTime.FindStringSubmatch(line); found != nil {
				tokens <- found[1]
			}
			if err != nil {
				break
			}
		}
		s.said <- said.String()
	}()
	s.begins = tokens
	return s
}

// oneTime finds the one-time token that a server prints.
var oneTime = regexp.MustCompile(`"token": "([^"]+)"`)

// ask sends a request, as curl would, and gives the answer's JSON.
func (s *process) ask(status int, method, path, body string) map[string]any {
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
func (s *process) end() string {
	s.Helper()
	require.NoError(s, s.command.Process.Signal(syscall.SIGTERM))
	said := <-s.said
	require.NoError(s, s.command.Wait(), said)
	return said
}

// The path of the README: --dev, one key, and a run.
func TestANewcomersPathThroughTheServer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serving(t, data, "--dev")
	key, err := os.ReadFile(filepath.Join(data, "dev.key"))
	require.NoError(t, err)
	s.token = strings.TrimSpace(string(key))
	s.ask(201, "POST", "/api/v1/workflows",
		`{"name":"hello","nodes":[{"id":"greet","type":"core.set","params":{"values":{"text":"Hello, {{ input.name }}!"}}}]}`)
	s.ask(200, "POST", "/api/v1/workflows/hello/publish", "")
	run := s.ask(201, "POST", "/api/v1/workflows/hello/runs", `{"input":{"name":"Ada"},"wait":"20s"}`)
	require.Equal(t, "succeeded", run["status"])
	id, _ := run["id"].(string)
	said := s.end()
	require.Contains(t, said, "keys were made in "+data)
	require.Contains(t, said, "warning: --dev")
	require.Contains(t, said, "/api/v1/me")
	require.Contains(t, said, "the server has ended")
	require.NotContains(t, said, s.token, "the key is in its file alone")
	for _, name := range []string{"dev.key", "root.key", "pepper.key"} {
		info, err := os.Stat(filepath.Join(data, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}

	again := serving(t, data, "--dev", "--quiet")
	again.token = s.token
	require.Equal(t, "succeeded", again.ask(200, "GET", "/api/v1/runs/"+id, "")["status"])
	again.token = ""
	require.Equal(t, "unauthenticated", again.ask(401, "GET", "/api/v1/runs/"+id, "")["code"])
	again.token = s.token + "x"
	require.Equal(t, "unauthenticated", again.ask(401, "GET", "/api/v1/me", "")["code"])
	said = again.end()
	require.NotContains(t, said, "were made")
	require.NotContains(t, said, "level=INFO")
	kept, err := os.ReadFile(filepath.Join(data, "dev.key"))
	require.NoError(t, err)
	require.Equal(t, string(key), string(kept))
}

// The path of an installation: a one-time token, an admin, a credential that a run uses; the keys are what it hangs on.
func TestAnInstallationBegins(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Sent", r.Header.Get("Authorization"))
		fmt.Fprintf(w, "you sent %s", r.Header.Get("Authorization"))
	}))
	t.Cleanup(echo.Close)
	s := serving(t, data, "--allow-egress", strings.TrimPrefix(echo.URL, "http://"))
	token := <-s.begins
	setup := `{"token":"` + token + `","email":"ada@example.com","name":"Ada","password":"seven green bicycles","workspace":"Main"}`
	s.ask(201, "POST", "/api/v1/setup", setup)
	require.NotEmpty(t, s.ask(409, "POST", "/api/v1/setup", setup)["code"])
	login := `{"email":"ada@example.com","password":"seven green bicycles"}`
	s.token, _ = s.ask(200, "POST", "/api/v1/auth/login", login)["access_token"].(string)
	require.Equal(t, "owner", s.ask(200, "GET", "/api/v1/me", "")["role"])
	s.ask(201, "POST", "/api/v1/credentials", `{"name":"crm","type":"bearer","fields":{"token":"c4nary-in-the-store"}}`)
	run := s.ask(201, "POST", "/api/v1/runs", `{"wait":"20s","document":{"name":"w","nodes":[
		{"id":"n","type":"http.request","params":{"url":"`+echo.URL+`"},"credentials":{"auth":"crm"}}]}}`)
	require.Equal(t, "succeeded", run["status"], "%v", run)
	answers, err := json.Marshal([]any{
		run, s.ask(200, "GET", "/api/v1/runs/"+run["id"].(string)+"/nodes", ""),
		s.ask(200, "GET", "/api/v1/runs/"+run["id"].(string)+"/events", ""),
	})
	require.NoError(t, err)
	require.Contains(t, string(answers), "you sent [redacted]")
	require.NotContains(t, string(answers), "c4nary")
	require.NotContains(t, s.end(), "c4nary")
	files, err := filepath.Glob(filepath.Join(data, "*"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), "c4nary", file)
	}

	again := serving(t, data)
	again.token = s.token
	require.Equal(t, "Ada", again.ask(200, "GET", "/api/v1/me", "")["name"], "its signing key is the same")
	require.NotContains(t, again.end(), "there are no users")

	refused := func(variable, want string) {
		command := exec.CommandContext(t.Context(), program, "serve", "--addr", "127.0.0.1:0", "--data", data)
		command.Env = append(os.Environ(), variable)
		output, err := command.CombinedOutput()
		ended := new(exec.ExitError)
		require.ErrorAs(t, err, &ended, "%s", output)
		require.Equal(t, exitUsage, ended.ExitCode())
		require.Contains(t, string(output), want)
	}
	_, other, err := vault.NewKey(rand.Reader)
	require.NoError(t, err)
	refused("FLOWFORGE_ROOT_KEY="+other, "the root key is not the one that this store was used with")
	refused("FLOWFORGE_ROOT_KEY=changeme", "32 random octets")
	require.NoError(t, os.Chmod(filepath.Join(data, "root.key"), 0o644))
	refused("X=", "others can read")
	require.NoError(t, os.Remove(filepath.Join(data, "root.key")))
	refused("X=", "put it back")
}

func TestWhoWaitsDoesNotHoldTheEndOfTheServer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serving(t, data, "--dev", "--drain", "50s")
	key, err := os.ReadFile(filepath.Join(data, "dev.key"))
	require.NoError(t, err)
	s.token = strings.TrimSpace(string(key))
	answered := make(chan map[string]any, 1)
	go func() {
		answered <- s.ask(201, "POST", "/api/v1/runs",
			`{"document":{"name":"w","nodes":[{"id":"w","type":"core.wait","params":{"signal":"never"}}]},"wait":"29s"}`)
	}()
	// It waits once there is a run.
	require.Eventually(t, func() bool {
		items, _ := s.ask(200, "GET", "/api/v1/runs", "")["items"].([]any)
		return len(items) == 1
	}, 10*time.Second, 20*time.Millisecond)
	began := time.Now()
	s.end()
	require.Less(t, time.Since(began), 20*time.Second)
	require.NotEqual(t, "succeeded", (<-answered)["status"])
}
