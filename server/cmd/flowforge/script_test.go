package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the built binary.
var program string

func TestMain(m *testing.M) { os.Exit(withProgram(m)) }

func withProgram(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowforge")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "flowforge")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// TestScripts runs the built program as testdata/script says. Beside the usual commands there are: exits STATUS
// COMMAND ARGUMENT..., json FILE PATH WANT, take VARIABLE FILE PATH, serve, which starts a server at $URL ($ADDRESS is
// its rule), called CALLS KEYS, which waits for calls of $URL/effect, and database VARIABLE, which makes a database.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Values[sinkValue] = &sink{calls: make(chan string, 100)}
			return nil
		},
		RequireExplicitExec: true,
		Condition:           scriptCondition,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  scriptExits,
			"json":   scriptJSON,
			"take":   scriptTake,
			"serve":  scriptServe,
			"called": scriptCalled,

			"database": scriptDatabase,
		},
	})
}

// scriptExits runs a command and compares its exit status.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARGUMENT...")
	}
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		status = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("the status is %d, want %s", status, args[0])
	}
}

// scriptJSON compares a part of a JSON text: json stdout run.status '"succeeded"'. A path "" is the whole, "len" the
// length of a list, and no wanted text means that nothing is there.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: json FILE PATH [WANT]")
	}
	got, err := json.Marshal(partOf(ts, args[0], args[1]))
	ts.Check(err)
	want := "null"
	if len(args) == 3 {
		want = args[2]
	}
	if string(got) != want {
		ts.Fatalf("%s is %s, want %s", args[1], got, want)
	}
}

func partOf(ts *testscript.TestScript, file, path string) any {
	var part any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	decoder.UseNumber()
	ts.Check(decoder.Decode(&part))
	if decoder.More() {
		ts.Fatalf("%s holds more than one value", file)
	}
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		part = stepInto(part, step)
	}
	return part
}

// scriptTake sets a variable to a part of a JSON text: take ID stdout run.id.
func scriptTake(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: take VARIABLE FILE PATH")
	}
	part := partOf(ts, args[1], args[2])
	if part == nil {
		ts.Fatalf("%s has no %s", args[1], args[2])
	}
	ts.Setenv(args[0], fmt.Sprint(part))
}

func stepInto(part any, step string) any {
	switch part := part.(type) {
	case map[string]any:
		return part[step]
	case []any:
		if step == "len" {
			return len(part)
		}
		if i, err := strconv.Atoi(step); err == nil && i < len(part) {
			return part[i]
		}
	}
	return nil
}

// scriptServe starts a server that says what it was asked.
func scriptServe(ts *testscript.TestScript, _ bool, _ []string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/people", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"name":"Ada"},{"name":"Grace"}]`)
	})
	mux.HandleFunc("/secret", func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer s3cr3t-token" && (user != "ada" || password != "s3cr3t-password") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"you sent": %q}`, r.Header.Get("Authorization"))
	})
	called, _ := ts.Value(sinkValue).(*sink)
	mux.Handle("/effect", called)
	server := httptest.NewServer(mux)
	ts.Defer(server.Close)
	ts.Setenv("URL", server.URL)
	ts.Setenv("ADDRESS", strings.TrimPrefix(server.URL, "http://"))
}

// sink is a server that is told of effects. It does not answer the first call, so that who calls can be killed in its
// midst.
type sink struct {
	calls    chan string // the keys of calls
	answered atomic.Bool
	keys     []string // that were waited for
}

const sinkValue = "sink"

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then it is noticed that the caller is gone
	s.calls <- r.Header.Get("Idempotency-Key")
	if !s.answered.Swap(true) {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"done": true}`)
}

// scriptCalled waits until the server's /effect was called so many times since it was last asked, with so many
// different keys.
func scriptCalled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: called CALLS KEYS")
	}
	s, _ := ts.Value(sinkValue).(*sink)
	calls, err := strconv.Atoi(args[0])
	ts.Check(err)
	patience := time.After(30 * time.Second)
	for range calls {
		select {
		case key := <-s.calls:
			s.keys = append(s.keys, key)
		case <-patience:
			ts.Fatalf("there were fewer calls than %d", calls)
		}
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(s.keys)))
	if strconv.Itoa(len(distinct)) != args[1] || slices.Contains(distinct, "") {
		ts.Fatalf("the calls so far had the keys %q, want %s different ones", s.keys, args[1])
	}
}
