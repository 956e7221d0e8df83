// Package examples_test builds and runs every example, the commands of the README and the documents of docs/.
package examples_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// built is the folder of the programs: one of each example, and flowforge itself.
var built string

func TestMain(m *testing.M) { os.Exit(withPrograms(m)) }

func withPrograms(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "examples")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	built = dir
	build := exec.CommandContext(context.Background(), "go", "build", "-o", dir+"/", "./...", "../server/cmd/flowforge")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the examples: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// run runs a built program in the root folder and gives what it printed.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(built, name), args...)
	cmd.Dir = ".."
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if cmd.Run() != nil {
		require.NotNil(t, cmd.ProcessState, "it was not started")
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// Every folder has a program, and it prints what output.golden says.
func TestPrograms(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		folder := filepath.Dir(folder)
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := run(t, folder)
			require.Zero(t, status, stderr)
			golden := filepath.Join(folder, "output.golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(stdout), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), stdout)
		})
	}
}

// Every document is without problems, and runs from the command line too.
func TestDocuments(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, documents)
	args := []string{"validate", "--strict"}
	for _, document := range documents {
		args = append(args, "examples/"+filepath.ToSlash(document))
	}
	_, stderr, status := run(t, "flowforge", args...)
	require.Zero(t, status, stderr)
	require.Empty(t, stderr)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/people?sort=name" {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"name": "Ada", "active": true}, {"name": "Charles", "active": false}]`)
	}))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")

	for _, test := range []struct {
		name           string
		args           []string
		stdout, stderr string // regular expressions
		status         int
	}{
		{"etl", []string{"examples/etl/workflow.yaml", "--input", "@examples/etl/earthquakes.geojson"}, `"kept":9,.*"read":12`, "", 0},
		{"etl, other limit", []string{"examples/etl/workflow.yaml", "--input", "@examples/etl/earthquakes.geojson", "--var", "least:=7"}, `"kept":0`, "", 0},
		{"etl, not a feed", []string{"examples/etl/workflow.yaml", "--input", `{"type": "FeatureCollection"}`}, `^$`, `node check: validation_failed: (?s:.*)features`, 1},
		{"fanout", []string{"examples/fanout/workflow.yaml", "--input", "@examples/fanout/order.json"}, `"shipping":"courier, 52 kg","total":134`, "", 0},
		{"fanout at home", []string{"examples/fanout/workflow.yaml", "--input", `{"customer": {"country": "FR"}, "lines": [{"price": 2, "count": 4}]}`}, `"shipping":"post, 2 kg","total":13`, "", 0},
		{"errors", []string{"examples/errors/workflow.yaml", "--with", "examples/errors/notify.yaml", "--input", `{"amount": 50}`}, `"paid":75`, `^$`, 0},
		{"errors above the limit", []string{"examples/errors/workflow.yaml", "--with", "examples/errors/notify.yaml", "--input", `{"amount": 500}`}, `^$`, `on_failure: notify succeeded(?s:.*)node refuse: above_limit`, 1},
		{"http", []string{"examples/http/workflow.yaml", "--input", fmt.Sprintf(`{"url": %q}`, server.URL), "--allow-egress", address}, `^\["Ada"\]\n$`, `^$`, 0},
		{"http, not allowed", []string{"examples/http/workflow.yaml", "--input", fmt.Sprintf(`{"url": %q}`, server.URL)}, `^$`, "egress_denied", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := run(t, "flowforge", append([]string{"run", "-q"}, test.args...)...)
			require.Equal(t, test.status, status, stderr)
			require.Regexp(t, test.stdout, stdout)
			require.Regexp(t, test.stderr, stderr)
		})
	}
}

// blocks gives the code blocks of a page in a language.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	require.NoError(t, err)
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, found, "%s has no block of %s", page, language)
	texts := make([]string, len(found))
	for i, block := range found {
		texts[i] = block[1]
	}
	return texts
}

// The Go and the YAML of the README are those of the quickstart.
func TestReadmeHasTheQuickstart(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("quickstart/main.go")
	require.NoError(t, err)
	_, program, found := strings.Cut(string(source), "package main\n")
	require.True(t, found)
	require.Contains(t, blocks(t, "README.md", "go"), "package main\n"+program)
	document, err := os.ReadFile("quickstart/workflow.yaml")
	require.NoError(t, err)
	require.Contains(t, blocks(t, "README.md", "yaml"), string(document))
}

// The commands of the README work, and print what it says.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	commands := 0
	for _, block := range blocks(t, "README.md", "console") {
		for part := range strings.SplitSeq("\n"+block, "\n$ ") {
			line, want, _ := strings.Cut(part, "\n")
			args, ours := strings.CutPrefix(line, "go run ./server/cmd/flowforge ")
			if !ours {
				continue
			}
			commands++
			cmd := exec.CommandContext(t.Context(), "sh", "-c", filepath.Join(built, "flowforge")+" "+args)
			cmd.Dir = ".."
			out, err := cmd.Output() // standard error is not told in the README
			require.NoError(t, err, line)
			require.JSONEq(t, want, string(out), line)
		}
	}
	require.Positive(t, commands)
}

// Every whole document of the pages is without problems.
func TestDocumentsInPages(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "docs/workflow.md"} {
		whole := 0
		for i, block := range blocks(t, page, "yaml") {
			if !strings.Contains(block, "\nnodes:") {
				continue
			}
			whole++
			file := filepath.Join(t.TempDir(), fmt.Sprintf("block%d.yaml", i))
			require.NoError(t, os.WriteFile(file, []byte(block), 0o600))
			_, stderr, status := run(t, "flowforge", "validate", file)
			require.Zero(t, status, "%s: %s", page, stderr)
		}
		require.Positive(t, whole, page)
	}
}
