// Command closure checks what a program links that imports the engine: nothing of the deny list, and no
// third-party module that is not on the allow list. It names what crept in and the imports that lead to it.
//
//	go run ./.ci/closure [folder ...]
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// roots are the packages whose closure is kept light; each must exist.
var roots = []string{".", "./nodes", "./nodes/builtin", "./store/memory", "./queue/memory", "./engine"}

// denied are packages, with all below them, that must not be linked; "*" before or after a word is any text.
var denied = []string{
	"net/http", "net/rpc", "net/smtp", "database/sql", "os/exec", "plugin", "testing",
	"*redis*", "*redigo*", "*pgx*", "*sqlite*", "*/lib/pq", "*mysql*", "*/bun",
	"*goja*", "*otto*", "*quickjs*", "*v8go*",
	"github.com/alecthomas/kong", "github.com/stretchr/testify", "go.opentelemetry.io/otel/sdk",
}

// allowed are the modules that may be linked, each with what it is for.
var allowed = map[string]string{
	"github.com/flowforge-go/flowforge": "this module",

	"github.com/expr-lang/expr":                "expressions",
	"github.com/robfig/cron/v3":                "schedules",
	"github.com/santhosh-tekuri/jsonschema/v6": "checks values against schemas",
	"golang.org/x/text":                        "of santhosh-tekuri/jsonschema: its messages",
	"golang.org/x/time":                        "the limiter of queue/memory",
	"github.com/invopop/jsonschema":            "schemas from Go types",
	"github.com/wk8/go-ordered-map/v2":         "of invopop/jsonschema",
	"github.com/pb33f/ordered-map/v2":          "of invopop/jsonschema",
	"github.com/bahlo/generic-list-go":         "of the ordered map",
	"github.com/buger/jsonparser":              "of the ordered map",
	"github.com/mailru/easyjson":               "of the ordered map",
	"go.yaml.in/yaml/v3":                       "of the ordered map",
	"go.yaml.in/yaml/v4":                       "of the ordered map",
	"gopkg.in/yaml.v3":                         "of the ordered map",
	"github.com/andybalholm/cascadia":          "CSS selectors of data.html",
	"golang.org/x/net":                         "its html package, for data.html",
	"github.com/yuin/goldmark":                 "data.markdown",
	"go.opentelemetry.io/otel":                 "attributes and codes",
	"go.opentelemetry.io/otel/trace":           "traces: the API",
	"go.opentelemetry.io/otel/metric":          "metrics: the API",
	"github.com/cespare/xxhash/v2":             "of otel/attribute",
}

// pkg is what go list tells about a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

func main() {
	if len(os.Args) > 1 {
		roots = os.Args[1:]
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "closure:", err)
		os.Exit(1)
	}
}

func run() error {
	starts, err := list(append([]string{"list", "-json=ImportPath"}, roots...))
	if err != nil {
		return err
	}
	closure, err := list(append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,Module"}, roots...))
	if err != nil {
		return err
	}
	found := check(starts, closure)
	for _, line := range found {
		fmt.Fprintln(os.Stderr, line)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d packages bring in what must not be linked with the engine", len(found))
	}
	fmt.Printf("closure of %s: %d packages, none unwanted\n", strings.Join(roots, " "), len(closure))
	return nil
}

func list(args []string) ([]pkg, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the answer of go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// check returns a line for each package that must not be there, unless such a package has brought it in.
func check(starts, closure []pkg) []string {
	parents := parentsOf(starts, closure)
	unwanted := make(map[string]string)
	for _, p := range closure {
		if i := slices.IndexFunc(denied, func(pattern string) bool { return matches(pattern, p.ImportPath) }); i >= 0 {
			unwanted[p.ImportPath] = "is denied by " + denied[i]
		} else if p.Module != nil && allowed[p.Module.Path] == "" {
			unwanted[p.ImportPath] = "is of module " + p.Module.Path + ", which is not on the allow list"
		}
	}
	var found []string
	for _, p := range closure {
		why := unwanted[p.ImportPath]
		if why == "" || unwanted[parents[p.ImportPath]] != "" {
			continue
		}
		chain := []string{p.ImportPath}
		for at := parents[p.ImportPath]; at != ""; at = parents[at] {
			chain = append(chain, at)
		}
		slices.Reverse(chain)
		found = append(found, fmt.Sprintf("%s %s\n\t%s", p.ImportPath, why, strings.Join(chain, "\n\t-> ")))
	}
	return found
}

// parentsOf maps each package to the one that imports it on a shortest way from a start; a start has none.
func parentsOf(starts, closure []pkg) map[string]string {
	imports := make(map[string][]string, len(closure))
	for _, p := range closure {
		imports[p.ImportPath] = p.Imports
	}
	parents := make(map[string]string, len(closure))
	var queue []string
	for _, p := range starts {
		parents[p.ImportPath] = ""
		queue = append(queue, p.ImportPath)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range imports[at] {
			if _, seen := parents[next]; !seen {
				parents[next] = at
				queue = append(queue, next)
			}
		}
	}
	return parents
}

// matches reports whether a pattern of denied names a package or a folder above it.
func matches(pattern, path string) bool {
	word := strings.Trim(pattern, "*")
	switch {
	case strings.HasPrefix(pattern, "*") && strings.HasSuffix(pattern, "*"):
		return strings.Contains(path, word)
	case strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(path, word) || strings.Contains(path, word+"/")
	}
	return path == word || strings.HasPrefix(path, word+"/")
}
