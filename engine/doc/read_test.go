package doc_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

// document is the example of every field in short.
const document = `# comment
name: enrich-lead
settings: {timeout: 5m, concurrency: {limit: 10, key: "{{ input.account }}"}}
input_schema: {type: object, required: [email]}
nodes:
- id: fetch
  type: http.request
  params: {method: GET, url: "https://api.example.com/p/{{ input.email }}"}
  credentials: {auth: crm-key}
  retry: &retry {max_attempts: 5, initial_interval: 1s, multiplier: 2, jitter: full}
  timeout: 30s
  on_error: route
- id: save
  type: core.noop
  retry: *retry
  notes: |
    First line.
      Second.
connections:
  - {from: fetch, to: save}
  - {from: fetch.error, to: save}
output: "{{ nodes.save.output }}"
`

func TestReadYAML(t *testing.T) {
	t.Parallel()
	f, err := doc.Read("x.yaml", []byte(document))
	require.NoError(t, err)
	require.Equal(t, doc.YAML, f.Format)
	w := f.Workflow
	require.Equal(t, "enrich-lead", w.Name)
	require.Equal(t, "5m", w.Settings.Timeout.String())
	require.Equal(t, `{"required":["email"],"type":"object"}`, w.InputSchema.String()) //nolint:testifylint // the order counts
	require.Equal(t, 5, w.Nodes[1].Retry.MaxAttempts, "an alias stands for the whole value")
	require.Equal(t, "First line.\n  Second.\n", w.Nodes[1].Notes)
	require.Equal(t, flowforge.Port("error"), w.Connections[1].From.Port)
}

func TestScalarsOfYAML(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		``: `null`, `~`: `null`, `null`: `null`, `Null`: `null`, `nULL`: `"nULL"`,
		`true`: `true`, `TRUE`: `true`, `False`: `false`, `tRUE`: `"tRUE"`,
		`yes`: `"yes"`, `no`: `"no"`, `NO`: `"NO"`, `on`: `"on"`, `off`: `"off"`, `y`: `"y"`, `N`: `"N"`,
		`2024-01-01`: `"2024-01-01"`, `2024-01-01T10:00:00Z`: `"2024-01-01T10:00:00Z"`, `12:30:45`: `"12:30:45"`,
		`0`: `0`, `-0`: `0`, `7`: `7`, `+7`: `7`, `-7`: `-7`, `0x1F`: `31`, `0o17`: `15`, `0b11`: `"0b11"`, `1_000`: `"1_000"`,
		`9007199254740993`: `9007199254740993`, `-9223372036854775808`: `-9223372036854775808`,
		`18446744073709551615`: `18446744073709551615`, `0xffffffffffffffff`: `18446744073709551615`,
		`1.5`: `1.5`, `.5`: `0.5`, `-.5`: `-0.5`, `5.`: `5`, `+1.5`: `1.5`, `1e3`: `1000`, `1E+3`: `1000`, `1e-7`: `1e-7`,
		`9007199254740993.0`: `9007199254740993`, `0.1`: `0.1`, `0` + `.0`: `0`, `1e400x`: `"1e400x"`, `1.2.3`: `"1.2.3"`,
		`-` + `x`: `"-x"`, `.`: `"."`, `+`: `"+"`, `0x`: `"0x"`, `1e`: `"1e"`, `a b`: `"a b"`, `=`: `"="`, `inf`: `"inf"`, `NaN`: `"NaN"`,
		`"7"`: `"7"`, `'7'`: `"7"`, `!!str 7`: `"7"`, `!!str`: `""`, `"null"`: `"null"`, `'~'`: `"~"`, `"\x41\u00e9\0"`: `"Aé\u0000"`,
		`[1, [a], {}]`: `[1,["a"],{}]`, `{a: 1, "b": [2]}`: `{"a":1,"b":[2]}`, `{a}`: `{"a":null}`, `[a: 1]`: `[{"a":1}]`,
		"|\n  a\n  b\n": `"a\nb\n"`, ">-\n  a\n  b\n": `"a b"`, "|\n  123\n": `"123\n"`, "a\n  b": `"a b"`,
	} {
		f, err := doc.Read("x.yaml", []byte("name: x\noutput: "+written+"\nnodes: []\n"))
		require.NoError(t, err, written)
		require.Equal(t, want, f.Workflow.Output.String(), written)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	const asJSON, asYAML = "\n {\"name\": \"a\", \"nodes\": []}", "{name: a, nodes: []}"
	for _, test := range []struct {
		name, text string
		want       doc.Format
	}{
		{"x.json", asJSON, doc.JSON},
		{"X.JSON", asJSON, doc.JSON},
		{"x.yaml", asYAML, doc.YAML},
		{"x.yml", asJSON, doc.YAML},
		{"-", asJSON, doc.JSON},
		{"-", asYAML, doc.YAML},
		{"dir.json/x", "name: a", doc.YAML},
		{`c:\x.json`, asJSON, doc.JSON},
		{"", "{}", doc.JSON},
		{"x.json", "\ufeff" + asJSON, doc.JSON},
		{"x.yaml", "\ufeffname: a\r\nnodes: []\r\n", doc.YAML},
		{"x.yaml", "%YAML 1.1\n---\nname: a\n...\n", doc.YAML},
	} {
		f, err := doc.Read(test.name, []byte(test.text))
		require.NoError(t, err, test)
		require.Equal(t, test.want, f.Format, test)
	}
}

func TestJSONIsReadExactly(t *testing.T) {
	t.Parallel()
	text := `{"name": "\ud83d\ude00\/` + "\x7f\u0085" + `", "nodes": [], "output": [18446744073709552000, 1e3]}`
	f, err := doc.Read("x.json", []byte(text))
	require.NoError(t, err)
	var want map[string]string
	require.Error(t, json.Unmarshal([]byte(text), &want))
	require.Equal(t, "😀/\x7f\u0085", f.Workflow.Name)
	require.Equal(t, []any{float64(1 << 64), int64(1000)}, f.Workflow.Output.Any())
}
