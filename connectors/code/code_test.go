package code_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/code"
	"github.com/flowforge-go/flowforge/connectors/connectortest"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

// hostProgram runs the scripts. It is built without the race detector, whose shadow memory would
// count against the limit of the scripts.
var hostProgram string

func TestMain(m *testing.M) { os.Exit(withHost(m)) }

func withHost(m *testing.M) int {
	folder, err := os.MkdirTemp("", "code")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	hostProgram = filepath.Join(folder, "host")
	if out, err := exec.Command("go", "build", "-o", hostProgram, "./testdata/host").CombinedOutput(); err != nil {
		panic("build the host program: " + string(out))
	}
	return m.Run()
}

func config(t *testing.T) code.Config {
	t.Helper()
	return code.Config{Command: []string{hostProgram}, Memory: 64 << 20, Time: 20 * time.Second}
}

func run(t *testing.T, params map[string]any, input any) (flowforge.Value, *connectortest.Host, error) {
	t.Helper()
	return runContext(t.Context(), t, params, input)
}

func runContext(ctx context.Context, t *testing.T, params map[string]any, input any) (flowforge.Value, *connectortest.Host, error) {
	t.Helper()
	host := &connectortest.Host{}
	call := connectortest.NewCall(flowforge.MustValue(params), host)
	call.Input = flowforge.MustValue(input)
	ports, err := code.Types(config(t))[0].Node.Execute(ctx, call)
	if err != nil {
		return flowforge.Value{}, host, err
	}
	out, _ := ports.Get(flowforge.PortOut)
	return out, host, nil
}

func TestScripts(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for _, test := range []struct {
		name, code string
		input      any
		want       string
	}{
		{"input", "return input.a + 1", object{"a": 1}, `2`},
		{"items of a list", "return items.length", []any{1, 2}, `2`},
		{"items of anything else", "return items", object{"a": 1}, `[{"a":1}]`},
		{"nothing", "", nil, `null`},
		{"undefined within", "return {a: undefined, b: [undefined], c: null}", nil, `{"b":[null],"c":null}`},
		{"large integers pass", "return {...input, x: 1}", object{"id": int64(9007199254740993), "n": -9223372036854775807}, `{"id":9007199254740993,"n":-9223372036854775807,"x":1}`},
		{"large integers are BigInt", "return [typeof input, String(input + 1n), typeof 5]", uint64(18446744073709551614), `["bigint","18446744073709551615","number"]`},
		{"digits in text stay", `return input`, object{"k\"9007199254740993": "9007199254740993 \\\" 9007199254740993"}, `{"k\"9007199254740993":"9007199254740993 \\\" 9007199254740993"}`},
		{"floats", "return input", []any{1.5, 1e300, 12345678901234567890.0}, `[1.5,1e+300,12345678901234567000]`},
		{"text", "return input + '\\u2028é\\u0000'", "ü", "\"ü\u2028é\\u0000\""},
		{"modern", "const {a, ...rest} = input; return `${a?.b ?? 'none'} ${Object.keys(rest)}`", object{"a": nil, "c": 1}, `"none c"`},
		{"await", "return (async () => { const x = await Promise.resolve(2); return x * 2 })()", nil, `4`},
		{"date", "return new Date(0)", nil, `"1970-01-01T00:00:00.000Z"`},
		{"ends with a comment", "return 1 // one", nil, `1`},
		{"closes its function", "return 1 }); (function (x) { return x", 7, `7`},
		{"own toJSON", "return {toJSON() { return 3 }}", nil, `3`},
		{"toJSON of BigInt", "BigInt.prototype.toJSON = function () { return 'big' }; return input", int64(9007199254740993), `"big"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, _, err := run(t, map[string]any{"code": test.code}, test.input)
			require.NoError(t, err)
			require.Equal(t, flowforge.MustValue(json.RawMessage(test.want)).String(), out.String())
		})
	}
}

func TestScriptsThatFail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		want       flowforge.Code
		says       string
		line       int
	}{
		{"throws", "\n\nthrow new Error('no id')", code.CodeFailed, "Error: no id (line 3)", 3},
		{"type error", "return input.a.b", code.CodeFailed, "TypeError", 1},
		{"throws text", "throw 'text'", code.CodeFailed, "text", 1},
		{"throws null", "throw null", code.CodeFailed, "null", 0},
		{"throws what cannot be written", "throw {toString() { throw 1 }}", code.CodeFailed, "cannot be written", 0},
		{"syntax", "return 1\nlet = = 2", code.CodeSyntax, "the script cannot be read: Unexpected token", 2},
		{"cycle", "const a = {}; a.a = a; return a", code.CodeFailed, "circular", 0},
		{"function", "return {f: (() => 1)(), g: class {}}.g.x.y", code.CodeFailed, "TypeError", 1},
		{"rejects", "return Promise.reject(new Error('later'))", code.CodeFailed, "rejected: Error: later", 0},
		{"never settles", "return new Promise(() => {})", code.CodeFailed, "never settled", 0},
		{"strict", "x = 1", code.CodeFailed, "ReferenceError", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, map[string]any{"code": test.code}, nil)
			require.Equal(t, test.want, flowforge.CodeOf(err), err)
			require.ErrorContains(t, err, test.says)
			require.True(t, nodes.AdviceOf(err).Permanent)
			details, _ := nodes.FailureOf(err).Details.Any().(map[string]any)
			if test.line > 0 {
				require.EqualValues(t, test.line, details["line"])
			}
		})
	}
}

// Each of these would take a host down that runs it within its own process.
func TestHostileScripts(t *testing.T) {
	t.Parallel()
	tooMuch := []flowforge.Code{code.CodeMemory, code.CodeTimeout, code.CodeFailed}
	endless := []flowforge.Code{code.CodeTimeout}
	memory := []flowforge.Code{code.CodeMemory}
	for _, test := range []struct {
		name, code string
		want       []flowforge.Code
	}{
		{"endless loop", "for (;;) {}", endless},
		{"endless getter", "return {get a() { for (;;) {} }}", endless},
		{"endless toJSON", "return {toJSON() { for (;;) {} }}", endless},
		{"endless toString of an error", "throw {toString() { for (;;) {} }}", tooMuch},
		{"endless proxy", "return new Proxy({}, {ownKeys() { for (;;) {} }})", endless},
		{"endless promise", "return (async () => { for (;;) await 1 })()", endless},
		{"endless native", "Array.prototype.forEach.call({length: 2 ** 53 - 1}, () => {})", endless},
		{"backtracking", "return /^(?=(a+)+$)(a|a?)+\\1$/.test('a'.repeat(40) + 'b')", tooMuch},
		{"large text", "return 'a'.repeat(4e8).length", memory},
		{"text that doubles", "let s = 'aaaaaaaa'; for (;;) s = s + s", tooMuch},
		{"padded text", "return 'a'.padEnd(2 ** 29, 'bc').length", memory},
		{"growing list", "const a = []; for (;;) a.push({a})", tooMuch},
		{"filled list", "return new Array(5e7).fill({}).map(x => ({x})).length", tooMuch},
		{"buffer", "return new Uint8Array(2 ** 30).length", memory},
		{"joined list", "return new Array(1e6).join('x'.repeat(1e4)).length", tooMuch},
		{"replaced text", "return 'a'.repeat(1e5).replace(/a/g, 'b'.repeat(1e5)).length", tooMuch},
		{"large BigInt", "let x = 3n; for (;;) x = x * x", tooMuch},
		{"recursion", "const f = () => f() + 1; return f()", memory},
		{"recursion through natives", "const f = () => [1].map(f); return f()", tooMuch},
		{"recursion of JSON", "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a", tooMuch},
		{"many symbols", "for (let i = 0;; i++) Symbol.for('x' + i)", tooMuch},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, map[string]any{"code": test.code, "timeout": "2s"}, nil)
			require.Error(t, err)
			require.Contains(t, test.want, flowforge.CodeOf(err), err)
			require.True(t, nodes.AdviceOf(err).Permanent)
		})
	}
}

func TestScriptsReachNothing(t *testing.T) {
	t.Parallel()
	t.Run("no host", func(t *testing.T) {
		t.Parallel()
		out, _, err := run(t, map[string]any{"code": `
			const global = (0, eval)('this') ?? new Function('return this')()
			const names = ['require', 'process', 'fetch', 'XMLHttpRequest', 'setTimeout', 'module', 'Deno', 'Go', 'os', 'import', 'WebAssembly']
			const viaConstructor = console.log.constructor('return typeof process + typeof require')()
			return [names.filter(name => name in global), viaConstructor, Object.keys(global)]`}, nil)
		require.NoError(t, err)
		require.Equal(t, `[[],"undefinedundefined",["console"]]`, out.String())
	})
	t.Run("no environment", func(t *testing.T) {
		t.Parallel()
		command := config(t)
		command.Command = []string{"/bin/sh", "-c", `read -r job; printf '{"result":"%s %s"}\n' "$HOME" "$GOMAXPROCS"`}
		out, err := connectortest.Run(t, code.Types(command), "code.js", map[string]any{"code": "1"}, nil)
		require.NoError(t, err)
		require.Equal(t, `" 2"`, out.String(), "it knows no home, but what we gave it")
	})
	t.Run("nothing lasts", func(t *testing.T) {
		t.Parallel()
		_, _, err := run(t, map[string]any{"code": "Object.prototype.polluted = 1; Array.prototype.map = null; JSON.stringify = null; return 1"}, nil)
		require.NoError(t, err)
		out, _, err := run(t, map[string]any{"code": "return [typeof {}.polluted, [1].map(x => x + 1)]"}, nil)
		require.NoError(t, err)
		require.Equal(t, `["undefined",[2]]`, out.String())
	})
}

func TestConsoleWritesToTheLog(t *testing.T) {
	t.Parallel()
	_, host, err := run(t, map[string]any{"code": "console.log('a', 1, {b: [2]}, null, undefined); console.error('bad'); console.debug('d')"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{`INFO a 1 {"b":[2]} null undefined {}`, "ERROR bad {}", "DEBUG d {}"}, host.Logs())

	_, host, err = run(t, map[string]any{"code": "for (let i = 0; i < 5000; i++) console.log('x'.repeat(10000)); return 1"}, nil)
	require.NoError(t, err)
	require.Len(t, host.Logs(), 1000)
	require.Less(t, len(host.Logs()[0]), 5000)

	_, host, err = run(t, map[string]any{"code": "console.log('before'); for (;;) {}", "timeout": "100ms"}, nil)
	require.Equal(t, code.CodeTimeout, flowforge.CodeOf(err))
	require.Equal(t, []string{"INFO before {}"}, host.Logs())
}

func TestCancelEndsTheProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _, err := runContext(ctx, t, map[string]any{"code": "for (;;) {}"}, nil)
	require.Equal(t, flowforge.CodeTimeout, flowforge.CodeOf(err))
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	_, _, err = runContext(cancelled, t, map[string]any{"code": "return 1"}, nil)
	require.Equal(t, flowforge.CodeCanceled, flowforge.CodeOf(err))
}

func TestContract(t *testing.T) {
	t.Parallel()
	nodetest.Conform(t, code.Types(config(t))[0])
}

func TestOffUnlessEnabled(t *testing.T) {
	t.Parallel()
	types := code.Types(code.Config{})
	_, err := nodes.NewRegistry(types...)
	require.NoError(t, err)
	params := flowforge.MustValue(map[string]any{"code": "return 1"})
	problems := types[0].Check(params)
	require.Len(t, problems, 1)
	require.Equal(t, "code_disabled", problems[0].Code)
	require.Contains(t, problems[0].Message, "--enable-code")
	_, err = types[0].Node.Execute(t.Context(), connectortest.NewCall(params, nil))
	require.Equal(t, code.CodeDisabled, flowforge.CodeOf(err))
	require.Equal(t, nodes.Advice{Permanent: true, NotDone: true}, nodes.AdviceOf(err))
}

func TestCheckAtSaveTime(t *testing.T) {
	t.Parallel()
	check := code.Types(config(t))[0].Check
	for source, want := range map[string]string{
		"return 1":                         "",
		"for (;;) {}":                      "",
		"return {{ input.x }}":             "cannot hold {{ }}",
		"let = 1":                          "cannot be read",
		strings.Repeat("a=>", 20000) + "1": "",
		strings.Repeat("(", 60000):         "",
	} {
		problems := check(flowforge.MustValue(map[string]any{"code": source}))
		if want == "" && !strings.HasPrefix(source, "((") {
			require.Empty(t, problems, source[:8])
		} else if want != "" {
			require.Len(t, problems, 1, source)
			require.Contains(t, problems[0].Message, want)
			require.Equal(t, "/code", problems[0].Pointer)
		}
	}
	require.Empty(t, check(flowforge.Value{}))
}

func TestProcessThatIsNone(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"/nonexistent"}, {"/bin/false"}, {"/bin/cat"}} {
		types := code.Types(code.Config{Command: command, Time: time.Second})
		_, err := connectortest.Run(t, types, "code.js", map[string]any{"code": "return 1"}, nil)
		require.Error(t, err, command)
	}
}

func TestResultAboveALimitIsRefused(t *testing.T) {
	t.Parallel()
	roomy := config(t)
	roomy.Memory = 512 << 20
	_, err := connectortest.Run(t, code.Types(roomy), "code.js", map[string]any{"code": "return 'x'.repeat(17 << 20)"}, nil)
	require.Equal(t, flowforge.CodeValueTooLarge, flowforge.CodeOf(err), err)
}

// A process whose parent is gone must not go on.
func TestChildEndsWithItsInput(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), hostProgram)
	cmd.Stdin = strings.NewReader(`{"code":"for (;;) {}","input":null,"timeout":60000000000,"memory":67108864}` + "\n")
	var out bytes.Buffer
	cmd.Stdout = &out
	require.Error(t, cmd.Run())
	require.Empty(t, out.String())
	require.Error(t, code.Child(strings.NewReader("not a job\n"), &out))
	require.Error(t, code.Child(strings.NewReader(""), &out))
}
