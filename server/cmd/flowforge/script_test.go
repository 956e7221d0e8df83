package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
// COMMAND ARGUMENT..., json FILE PATH WANT and serve, which starts a server at $URL ($ADDRESS is its rule).
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": scriptExits,
			"json":  scriptJSON,
			"serve": scriptServe,
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
	var part any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	decoder.UseNumber()
	ts.Check(decoder.Decode(&part))
	if decoder.More() {
		ts.Fatalf("%s holds more than one value", args[0])
	}
	for _, step := range strings.FieldsFunc(args[1], func(r rune) bool { return r == '.' }) {
		part = stepInto(part, step)
	}
	got, err := json.Marshal(part)
	ts.Check(err)
	want := "null"
	if len(args) == 3 {
		want = args[2]
	}
	if string(got) != want {
		ts.Fatalf("%s is %s, want %s", args[1], got, want)
	}
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
	server := httptest.NewServer(mux)
	ts.Defer(server.Close)
	ts.Setenv("URL", server.URL)
	ts.Setenv("ADDRESS", strings.TrimPrefix(server.URL, "http://"))
}
