package flowforge_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// The tables below are the law of ARCHITECTURE.md, "Who may import whom". A pattern is a folder, a folder with
// "*" in it (path.Match), or a folder with "/..." (it and all below); "flowforge" is the root package.

const modulePath = "github.com/flowforge-go/flowforge"

// anything lets a package import every package of ours.
const anything = "anything"

// A rule says which packages of ours a package may import, and what it must never import.
type rule struct {
	packages string
	may      string
	never    string // packages of the standard library, beside those that the table reserved keeps from all
}

// rules by package; the first that matches counts.
var rules = []rule{
	{packages: "flowforge", never: "os time/tzdata log log/slog crypto/rand math/rand/v2"},

	{packages: "nodes queue store auth", may: "flowforge"},
	{packages: "engine/expr", may: "flowforge", never: "os io/fs crypto/rand math/rand/v2 log log/slog"},
	{
		packages: "engine/dag", may: "flowforge nodes engine/expr",
		never: "os io/fs sync sync/atomic crypto/rand math/rand/v2 log log/slog",
	},
	{
		packages: "engine/cron", may: "flowforge",
		never: "os io/fs sync sync/atomic crypto/rand math/rand/v2 log log/slog",
	},
	{packages: "engine/redact", may: "flowforge nodes", never: "os io/fs log log/slog"},
	{packages: "engine/doc", may: "flowforge nodes engine/expr"},
	{packages: "nodes/builtin nodes/nodetest", may: "flowforge nodes engine/cron engine/expr"},

	{packages: "store/limits", may: "flowforge store"},
	{packages: "store/memory store/sqlstore store/storetest", may: "flowforge store store/limits auth"},
	{packages: "store/postgres store/sqlite", may: "flowforge auth store store/sqlstore"},
	{packages: "queue/redis", may: "flowforge queue queue/memory"},
	{packages: "queue/*", may: "flowforge queue"},
	{packages: "auth/identity", may: "flowforge store auth auth/*"},
	{packages: "auth/oauth", may: "flowforge auth auth/token"},
	{packages: "auth/vault", may: "flowforge nodes store auth"},
	{packages: "auth/*", may: "flowforge auth"},

	{packages: "connectors/egress", may: "flowforge"},
	{packages: "connectors", may: "flowforge nodes auth connectors/egress"},
	{packages: "connectors/all", may: "nodes connectors connectors/*"},
	{packages: "connectors/...", may: "flowforge nodes auth connectors connectors/egress"},

	{
		packages: "engine",
		may:      "flowforge nodes nodes/builtin store store/memory queue queue/memory engine/cron engine/dag engine/expr engine/redact",
	},
	{packages: "engine/enginetest", may: "flowforge nodes store queue engine"},

	{packages: "server/cmd/...", may: anything},
	{packages: "server/...", may: "flowforge engine engine/doc engine/expr nodes store queue auth auth/* connectors server/..."},
	{packages: programs, may: anything},
	{packages: ".ci/...", may: ""},
}

// Programs are not imported by anyone, so that they may import what a user's program may.
const programs = "examples/... bench/..."

// testsMay is what the test files of every package may import besides: helpers (folders whose name ends with
// "test"), and what an Example of the package is written with.
const testsMay = "flowforge engine nodes nodes/builtin store/memory queue/memory"

// reserved are packages of the standard library that only some of our packages may import; test files and
// programs may import them all.
var reserved = []struct{ imports, only string }{
	{"net net/rpc net/textproto", "connectors/... server/... queue/redis store/postgres"},
	{"net/http net/http/cookiejar net/http/httptrace net/http/httputil", "auth/* connectors/... server/..."},
	{"net/http/pprof", "server/..."},
	{"net/http/httptest", "connectors/connectortest auth/authtest"},
	{"net/smtp", ""},
	{"database/sql database/sql/driver", "store/sqlstore store/postgres store/sqlite connectors/sql server/cmd/flowforge/bench"},
	{"os/exec", "connectors/code server/cmd/... .ci/..."},
	{"testing testing/fstest testing/iotest testing/quick testing/slogtest testing/synctest", ""}, // helpers: always
	{"plugin unsafe C math/rand", ""},
}

// modules are the third-party packages we use, and which of our packages may import them; the longest path that
// matches counts. A new one needs a line here and one in ARCHITECTURE.md: what we would have to write instead.
var modules = []struct{ imports, only string }{
	{"github.com/santhosh-tekuri/jsonschema", "engine engine/doc nodes nodes/builtin nodes/nodetest"},
	{"github.com/invopop/jsonschema", "nodes"},
	{"github.com/expr-lang/expr", "engine/expr"},
	{"github.com/robfig/cron", "engine/cron"},
	{"github.com/prometheus/client_golang", "server/..."},
	{"go.yaml.in/yaml", "engine/doc connectors/... server/cmd/..."},
	{"golang.org/x/text", "engine/... nodes nodes/builtin connectors/..."},
	{"golang.org/x/net/html", "nodes/builtin connectors/..."},
	{"github.com/andybalholm/cascadia", "nodes/builtin connectors/..."},
	{"github.com/yuin/goldmark", "nodes/builtin"},

	{"go.opentelemetry.io", "server/cmd/flowforge"},
	{"go.opentelemetry.io/otel/attribute", "engine connectors/... server/..."},
	{"go.opentelemetry.io/otel/codes", "engine connectors/... server/..."},
	{"go.opentelemetry.io/otel/metric", "engine connectors/... server/..."},
	{"go.opentelemetry.io/otel/trace", "engine connectors/... server/..."},

	{"github.com/uptrace/bun", "store/sqlstore store/postgres store/sqlite"},
	{"github.com/jackc/pgx", "store/postgres"},
	{"modernc.org/sqlite", "store/sqlite"},
	{"github.com/gocraft/work", "queue/redis"},
	{"github.com/gomodule/redigo", "queue/redis"},
	{"github.com/redis/go-redis", "queue/redis connectors/... server/..."},
	{"github.com/go-redis/redis_rate", "queue/redis connectors/... server/..."},

	{"github.com/lestrrat-go/jwx", "auth/token"},
	{"github.com/alexedwards/argon2id", "auth/*"},
	{"golang.org/x/crypto", "auth/*"},
	{"golang.org/x/oauth2", "auth/oauth"},

	{"github.com/dop251/goja", "connectors/code"},
	{"github.com/PuerkitoBio/goquery", "connectors/..."},
	{"github.com/temoto/robotstxt", "connectors/..."},
	{"github.com/xuri/excelize", "connectors/..."},
	{"github.com/wneessen/go-mail", "connectors/... server/mail"},
	{"github.com/modelcontextprotocol/go-sdk", "connectors/... server/..."},
	{"github.com/sony/gobreaker", "connectors/... queue/redis"},
	{"github.com/cenkalti/backoff", "connectors/... queue/redis"},
	{"golang.org/x/time/rate", "queue/memory connectors/... server/..."},
	{"github.com/maypok86/otter", "auth/* connectors/... server/..."},

	{"github.com/julienschmidt/httprouter", "server/..."},
	{"github.com/danielgtaylor/huma", "server/..."},
	{"github.com/coder/websocket", "server/..."},
	{"github.com/99designs/gqlgen", "server/..."},
	{"github.com/vektah/gqlparser", "server/..."},
	{"github.com/prometheus/client_golang", "server/..."},
	{"github.com/alecthomas/kong", "server/cmd/flowforge"},
	{"golang.org/x/term", "server/cmd/flowforge server/cmd/flowforge/progress"},
	{"github.com/rogpeppe/go-internal/testscript", ""}, // test files
	{"github.com/creack/pty", ""},

	{"github.com/stretchr/testify", ""}, // test files and helpers, as the next two
	{"go.uber.org/goleak", ""},
	{"pgregory.net/rapid", ""},
}

// dialers may make an http.Client; all others take a pointer to one, made by connectors/egress, which checks the
// address of each connection. (The linter forbids the other ways to dial.)
const dialers = "connectors/egress server/..."

// testModules may be imported by every test file and helper.
const testModules = "github.com/stretchr/testify go.uber.org/goleak pgregory.net/rapid go.yaml.in/yaml " +
	"github.com/rogpeppe/go-internal/testscript github.com/creack/pty"

// topLevel is all that the root folder may hold.
const topLevel = "engine nodes store queue auth connectors server examples bench docs .ci .github " +
	"*.go go.mod go.sum README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE Dockerfile .dockerignore compose.yaml Makefile .golangci.yml .gitignore " +
	"Dockerfile .dockerignore compose.yaml"

// untracked is what tools leave in the root folder and git ignores.
const untracked = ".git bin flowforge *.test *.prof *.out"

const (
	maxFileLines     = 400
	maxTestFileLines = 800
	maxFuncLines     = 100
)

func TestArchitecture(t *testing.T) {
	t.Parallel()
	found, err := checkTree(os.DirFS("."))
	require.NoError(t, err)
	for _, violation := range found {
		t.Error(violation)
	}
}

func TestArchitectureCheckerFindsViolations(t *testing.T) {
	t.Parallel()
	long := "package x\n\nfunc f() {\n" + strings.Repeat("\tf()\n", maxFuncLines) + "}\n"
	tests := []struct {
		name, file, source string
		want               string // part of the one violation; empty: none
	}{
		{"root is light", "run.go", imports("encoding/json"), ""},
		{"root imports ours", "run.go", imports(modulePath + "/nodes"), "run.go: imports nodes: flowforge may import of ours: nothing"},
		{"root imports a module", "run.go", imports("go.yaml.in/yaml"), "only engine/doc"},
		{"allowed", "engine/engine.go", imports(modulePath + "/store/memory"), ""},
		{"sideways", "queue/memory/q.go", imports(modulePath + "/store"), "queue/memory may import of ours: flowforge queue"},
		{"upwards", "engine/dag/plan.go", imports(modulePath + "/engine"), "engine/dag/plan.go: imports engine"},
		{"pure", "engine/dag/plan.go", imports("sync"), `"sync": engine/dag must never import it`},
		{"pure in tests", "engine/dag/plan_test.go", imports("os"), ""},
		{"reserved", "nodes/builtin/x.go", imports("net/http"), `"net/http": only auth/* connectors/... server/... may`},
		{"reserved for nobody", "server/x.go", imports("unsafe"), `"unsafe": nobody may`},
		{"driver", "store/sqlstore/x.go", imports("github.com/jackc/pgx/v5"), "only store/postgres may"},
		{"driver's home", "store/postgres/x.go", imports("github.com/jackc/pgx/v5/stdlib"), ""},
		{"longer path counts", "engine/x.go", imports("go.opentelemetry.io/otel/trace"), ""},
		{"shorter path", "engine/x.go", imports("go.opentelemetry.io/otel"), "only server/cmd/flowforge may"},
		{"path is not a prefix of a word", "server/x.go", imports("github.com/coder/websocketx"), "not in the table modules"},
		{"new module", "connectors/http/x.go", imports("example.com/new"), "not in the table modules"},
		{"new package", "queue/redis/lua/x.go", imports("fmt"), "no rule covers package queue/redis/lua"},
		{"any connector", "connectors/all/x.go", imports(modulePath + "/connectors/http"), ""},
		{"connector to connector", "connectors/ai/x.go", imports(modulePath + "/connectors/http"), "imports connectors/http"},
		{"helper in code", "connectors/all/x.go", imports(modulePath + "/connectors/connectortest"), "imports connectors/connectortest"},
		{"helper in tests", "store/memory/x_test.go", imports(modulePath + "/store/storetest"), ""},
		{"itself in tests", "engine/doc/x_test.go", imports(modulePath + "/engine/doc"), ""},
		{"test library in code", "engine/x.go", imports("github.com/stretchr/testify/require"), "only test files and helpers may"},
		{"test library in helpers", "store/storetest/x.go", imports("testing", "github.com/stretchr/testify/require"), ""},
		{"testing in code", "engine/x.go", imports("testing"), `"testing": only test files and helpers may`},
		{"main", "server/cmd/flowforge/main.go", imports("github.com/alecthomas/kong", modulePath+"/store/postgres"), ""},
		{"example", "examples/hello/main.go", imports("net/http", modulePath+"/engine", "github.com/uptrace/bun"), ""},
		{"client behind a pointer", "auth/oauth/x.go", client("func f(c *http.Client) {}"), ""},
		{"client literal", "auth/oauth/x.go", client("var c = &http.Client{}"), "auth/oauth/x.go:3: makes an http.Client"},
		{"new client", "connectors/http/x.go", client("var c = new(http.Client)"), "connectors/http/x.go:3: makes"},
		{"client of egress", "connectors/egress/x.go", client("var c http.Client"), ""},
		{"client in tests", "connectors/http/x_test.go", client("var c http.Client"), ""},

		{"top level folder", "util/x.go", imports("fmt"), "util: not one of the files and folders of the top level"},
		{"top level file", "TODO.txt", "", "TODO.txt: not one of"},
		{"what git ignores", "cover.out", "", ""},
		{"test data", "engine/testdata/x.go", "not go", ""},
		{"other module", "bench/peers/go.mod", "module peers", ""},
		{"long function", "engine/x.go", long, "engine/x.go:3: function f has 102 lines, 100 are the most"},
		{"generated", "engine/x.go", "// Code generated by x. DO NOT EDIT.\n\n" + long, ""},
		{"long file", "engine/x.go", "package x\n" + strings.Repeat("\n", maxFileLines), "engine/x.go: 401 lines, 400 are the most"},
		{"long test file", "engine/x_test.go", "package x\n" + strings.Repeat("\n", maxFileLines), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found, err := checkTree(fstest.MapFS{
				test.file:            {Data: []byte(test.source)},
				"bench/peers/a/x.go": {Data: []byte(imports("example.com/peer"))},
				"bench/peers/go.mod": {Data: []byte("module peers")},
			})
			require.NoError(t, err)
			if test.want == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Contains(t, found[0], test.want)
		})
	}
	_, err := checkTree(fstest.MapFS{"engine/x.go": {Data: []byte("not go")}})
	require.ErrorContains(t, err, "engine/x.go")
}

// client is the source of a file that says something about net/http.
func client(declaration string) string {
	return "package x\nimport \"net/http\"\n" + declaration + "\n"
}

// imports is the source of a file that imports paths.
func imports(paths ...string) string {
	var source strings.Builder
	source.WriteString("package x\n")
	for _, p := range paths {
		fmt.Fprintf(&source, "import _ %q\n", p)
	}
	return source.String()
}

// checkTree returns what in the module at the root of fsys breaks the rules, one sentence each.
func checkTree(fsys fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case !strings.Contains(name, "/") && matches(untracked, name), entry.IsDir() && leftOut(fsys, name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !strings.Contains(name, "/") && !matches(topLevel, name):
			found = append(found, name+": not one of the files and folders of the top level: "+topLevel)
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		violations, err := checkFile(fsys, name)
		found = append(found, violations...)
		return err
	})
	return found, err
}

// leftOut reports whether a folder is none of the module's: test data, tools, or a module of its own.
func leftOut(fsys fs.FS, dir string) bool {
	if base := path.Base(dir); base == "testdata" || strings.HasPrefix(base, "_") || dir == ".ci/bin" {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

func checkFile(fsys fs.FS, name string) ([]string, error) {
	source, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found := slices.Concat(checkImports(name, file), checkClients(name, fset, file))
	if !ast.IsGenerated(file) {
		found = append(found, checkSizes(name, bytes.Count(source, []byte("\n")), fset, file)...)
	}
	return found, nil
}

func checkSizes(name string, lines int, fset *token.FileSet, file *ast.File) []string {
	var found []string
	most := maxFileLines
	if strings.HasSuffix(name, "_test.go") {
		most = maxTestFileLines
	}
	if lines > most {
		found = append(found, fmt.Sprintf("%s: %d lines, %d are the most", name, lines, most))
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		first := fset.Position(f.Pos()).Line
		if n := fset.Position(f.End()).Line - first + 1; n > maxFuncLines {
			found = append(found, fmt.Sprintf("%s:%d: function %s has %d lines, %d are the most", name, first, f.Name.Name, n, maxFuncLines))
		}
	}
	return found
}

// checkClients finds each http.Client that is not behind a pointer: a literal, a new one, a variable or a field.
func checkClients(name string, fset *token.FileSet, file *ast.File) []string {
	pkg := path.Dir(name)
	if strings.HasSuffix(name, "_test.go") || isHelper(pkg) || matches(dialers, pkg) || matches(programs, pkg) {
		return nil
	}
	local := ""
	for _, spec := range file.Imports {
		if spec.Path.Value == `"net/http"` {
			local = "http"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	behindPointer := make(map[ast.Expr]bool)
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		if star, ok := node.(*ast.StarExpr); ok {
			behindPointer[star.X] = true
		}
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != "Client" || behindPointer[selector] {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok && local != "" && of.Name == local {
			found = append(found, fmt.Sprintf("%s:%d: makes an http.Client: only %s may; take a pointer to one",
				name, fset.Position(node.Pos()).Line, dialers))
		}
		return true
	})
	return found
}

func checkImports(name string, file *ast.File) []string {
	pkg := path.Dir(name)
	if pkg == "." {
		pkg = "flowforge"
	}
	at := slices.IndexFunc(rules, func(r rule) bool { return matches(r.packages, pkg) })
	if at < 0 {
		return []string{fmt.Sprintf("%s: no rule covers package %s; add one here and in ARCHITECTURE.md", name, pkg)}
	}
	in := importer{pkg: pkg, rule: rules[at], isTest: strings.HasSuffix(name, "_test.go")}
	var found []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			found = append(found, fmt.Sprintf("%s: import %s: %v", name, spec.Path.Value, err))
			continue
		}
		if why := in.refuse(imported); why != "" {
			found = append(found, name+": imports "+why)
		}
	}
	return found
}

// importer is the package that a file belongs to, as the rules see it.
type importer struct {
	pkg    string
	rule   rule
	isTest bool
}

// refuse says what is imported and why it must not be; empty: it may.
func (in importer) refuse(imported string) string {
	if imported == modulePath {
		return in.refuseOurs("flowforge")
	}
	if ours, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
		return in.refuseOurs(ours)
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		return in.refuseModule(imported)
	}
	return in.refuseStandard(imported)
}

func (in importer) refuseOurs(ours string) string {
	switch {
	case in.rule.may == anything:
		return ""
	case in.isTest && (ours == in.pkg || isHelper(ours) || matches(testsMay, ours)):
		return ""
	case matches(in.rule.may, ours) && !isHelper(ours):
		return ""
	}
	may := in.rule.may
	if may == "" {
		may = "nothing"
	}
	return fmt.Sprintf("%s: %s may import of ours: %s", ours, in.pkg, may)
}

func (in importer) refuseModule(imported string) string {
	home, only := "", ""
	for _, m := range modules {
		if len(m.imports) > len(home) && (imported == m.imports || strings.HasPrefix(imported, m.imports+"/")) {
			home, only = m.imports, m.only
		}
	}
	switch {
	case home == "":
		return fmt.Sprintf("%q: it is not in the table modules; add a line there and in ARCHITECTURE.md", imported)
	case (in.isTest || isHelper(in.pkg)) && slices.Contains(strings.Fields(testModules), home):
		return ""
	case matches(only, in.pkg), matches(programs, in.pkg) && only != "":
		return ""
	case only == "":
		only = "test files and helpers"
	}
	return fmt.Sprintf("%q: only %s may", imported, only)
}

func (in importer) refuseStandard(imported string) string {
	if in.isTest {
		return ""
	}
	if slices.Contains(strings.Fields(in.rule.never), imported) {
		return fmt.Sprintf("%q: %s must never import it", imported, in.pkg)
	}
	for _, r := range reserved {
		if !slices.Contains(strings.Fields(r.imports), imported) || matches(r.only, in.pkg) {
			continue
		}
		isTesting := imported == "testing" || strings.HasPrefix(imported, "testing/")
		switch {
		case isTesting && isHelper(in.pkg), r.only != "" && matches(programs, in.pkg):
			return ""
		case isTesting:
			return fmt.Sprintf("%q: only test files and helpers may", imported)
		case r.only == "":
			return fmt.Sprintf("%q: nobody may", imported)
		}
		return fmt.Sprintf("%q: only %s may", imported, r.only)
	}
	return ""
}

// isHelper reports whether a package exists to test others with.
func isHelper(pkg string) bool {
	return strings.HasSuffix(pkg, "test")
}

// matches reports whether name matches one of the patterns, which are separated by spaces.
func matches(patterns, name string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		if base, deep := strings.CutSuffix(pattern, "/..."); deep {
			if name == base || strings.HasPrefix(name, base+"/") {
				return true
			}
		} else if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
	}
	return false
}
