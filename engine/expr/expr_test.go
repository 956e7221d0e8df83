package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// nodes is a NodeSource of a map.
type nodes map[string]expr.NodeView

func (n nodes) Node(id string) expr.NodeView { return n[id] }

// env is what most tests evaluate in.
func env() *expr.Env {
	return &expr.Env{
		Input: flowforge.MustValue(map[string]any{
			"id": int64(9007199254740993), "n": 2, "name": "Ada", "null": nil, "ok": true, "half": 0.5,
			"rows": []any{map[string]any{"n": 1, "tag": "a"}, map[string]any{"n": 2, "tag": "b"}, map[string]any{"n": 3, "tag": "a"}},
			"user": map[string]any{"name": "Grace", "tags": []any{"x", "y"}},
			"text": "{{ 1 + 1 }}", "key": "fetch", "empty": []any{},
		}),
		Trigger: flowforge.MustValue(map[string]any{"at": "2026-01-31T12:30:15Z"}),
		Vars:    flowforge.MustValue(map[string]any{"base": "https://example.com"}),
		Run:     flowforge.MustValue(map[string]any{"id": "r1"}),
		Item:    map[string]any{"n": int64(7)},
		Output:  map[string]any{"n": int64(5)},
		Index:   3,
		Nodes: nodes{
			"fetch": {Output: flowforge.MustValue(map[string]any{"status": 200, "rows": []any{1, 2}})},
			"bad": {
				Error:  flowforge.MustValue(map[string]any{"code": "boom"}),
				Errors: flowforge.MustValue([]any{map[string]any{"index": 1}}),
			},
		},
		Now:    func() time.Time { return time.Date(2026, 1, 31, 12, 30, 15, 0, time.UTC) },
		Random: func() float64 { return 0.25 },
		UUID:   func() string { return "018f3f2e-5c1a-7000-8000-000000000001" },
	}
}

const everyScope = expr.ScopeElement | expr.ScopeOutput

// eval compiles and evaluates a template of one string.
func eval(tb testing.TB, template string) (flowforge.Value, error) {
	tb.Helper()
	compiled, problems := expr.NewCompiler().Template(flowforge.MustValue(template), "", expr.Options{Scope: everyScope})
	if err := problems.Err(); err != nil {
		return flowforge.Value{}, err
	}
	return compiled.Eval(tb.Context(), env())
}

func TestEval(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ template, want string }{
		"a lone expression keeps its type":  {`{{ 1 + 1 }}`, `2`},
		"a list":                            {`{{ [1, true, nil, null] }}`, `[1,true,null,null]`},
		"an object":                         {`{{ {"a": {"b": 1}} }}`, `{"a":{"b":1}}`},
		"an object without spaces":          {`{{{"a":{"b":1}}}}`, `{"a":{"b":1}}`},
		"an object with a key worked out":   {`{{ {(input.name): 1} }}`, `{"Ada":1}`},
		"closing braces in text":            {`{{ "}}" + '}}' }}`, `"}}}}"`},
		"closing braces in backticks":       {"{{ `}}\\`}}", `"}}\\"`},
		"doubled backticks":                 {"{{ `a``}}``b` }}", "\"a`}}`b\""},
		"an escaped quote":                  {`{{ "\"}}" }}`, `"\"}}"`},
		"a comment":                         {`{{ 1 /* }} */ + 1 // why }}`, `2`},
		"the braces themselves":             {`a {{ "{{" }} b }}`, `"a {{ b }}"`},
		"mixed text":                        {`n={{ input.n }}, {{ input.ok }}{{ input.null }}!`, `"n=2, true!"`},
		"mixed text with parts":             {`{{ input.user.tags }} {{ {"b": 1, "a": 0.5} }}`, `"[\"x\",\"y\"] {\"a\":0.5,\"b\":1}"`},
		"white space around makes it text":  {` {{ 1 }}`, `" 1"`},
		"data is not compiled":              {`{{ input.text }}`, `"{{ 1 + 1 }}"`},
		"data within text is not compiled":  {`<{{ input.text }}>`, `"<{{ 1 + 1 }}>"`},
		"a large integer":                   {`{{ input.id }}`, `9007199254740993`},
		"a large integer in text":           {`#{{ input.id }}`, `"#9007199254740993"`},
		"arithmetic on a large integer":     {`{{ input.id + 2 }}`, `9007199254740995`},
		"beyond int64":                      {`{{ 9223372036854775807 + 1 }}`, `9223372036854775808`},
		"beyond 64 bits":                    {`{{ 9223372036854775807 * 4 }}`, `36893488147419103000`},
		"below int64":                       {`{{ -9223372036854775807 * 2 }}`, `-18446744073709552000`},
		"the least int64, negated":          {`{{ -(-9223372036854775807 - 1) }}`, `9223372036854775808`},
		"an exact quotient":                 {`{{ 6 / 2 }}`, `3`},
		"a quotient with a fraction":        {`{{ 7 / 2 }}`, `3.5`},
		"a remainder":                       {`{{ -7 % 3 }}`, `-1`},
		"a remainder of fractions":          {`{{ 7.5 % 2 }}`, `1.5`},
		"a power":                           {`{{ 2 ** 62 }}`, `4611686018427387904`},
		"a large power":                     {`{{ 2 ** 64 }}`, `18446744073709552000`},
		"a negative power":                  {`{{ 2 ** -1 }}`, `0.5`},
		"numbers compare by value":          {`{{ [1 == 1.0, 2 > 1.5, input.id == 9007199254740992.0] }}`, `[true,true,false]`},
		"a fraction that is whole":          {`{{ 0.5 + 0.5 }}`, `1`},
		"integers beyond int64 in order":    {`{{ [9223372036854775807 + 1 > 9223372036854775807, 9223372036854775807 + 1 == 9223372036854775807] }}`, `[true,false]`},
		"deep equality":                     {`{{ {"a": [1, {}]} == {"a": [1.0, {}]} }}`, `true`},
		"types are not mixed up":            {`{{ [1 == "1", null == false, [] == {}] }}`, `[false,false,false]`},
		"a chain of comparisons":            {`{{ [1 < input.n <= 2, 1 < input.n < 2, 1 < 2 < 3 < 4, 1 < 2 < 2 < 4] }}`, `[true,false,true,false]`},
		"logic":                             {`{{ true and not false || 1 / 0 == 1 }}`, `true`},
		"null in a condition":               {`{{ input.null ? 1 : 2 }}`, `2`},
		"if":                                {`{{ if input.n > 1 { "many" } else { "one" } }}`, `"many"`},
		"let":                               {`{{ let x = input.n; let y = x * 10; x + y }}`, `22`},
		"let within a body":                 {`{{ map([1, 2], { let y = # * 10; map([1], # + y) }) }}`, `[[11],[21]]`},
		"a missing field":                   {`{{ input.none }}`, `null`},
		"a fallback":                        {`{{ (input.none ?? 0) + 1 }}`, `1`},
		"a field of null, asked carefully":  {`{{ input.null?.a.b["c"][0] }}`, `null`},
		"a computed field":                  {`{{ input["na" + "me"] }}`, `"Ada"`},
		"elements":                          {`{{ [input.rows[0].n, input.rows[-1].n, input.rows?.[9], "héé"[1]] }}`, `[1,3,null,"é"]`},
		"slices":                            {`{{ [[1, 2, 3][1:], [1, 2, 3][:-1], "héllo"[1:3], [1][5:9]] }}`, `[[2,3],[1,2],"él",[]]`},
		"in and contains":                   {`{{ [1 in [1.0], "x" in input.user.tags, "id" in input, 5 not in [1], "ab" contains "b", input.null contains "b"] }}`, `[true,true,true,true,true,false]`},
		"starts and ends":                   {`{{ ["abc" startsWith "a", "abc" endsWith "b", "abc" matches "^a.c$", null matches "a"] }}`, `[true,false,true,false]`},
		"a node's output":                   {`{{ nodes.fetch.output }}`, `{"rows":[1,2],"status":200}`},
		"a field of a node's output":        {`{{ nodes.fetch.output.status == 200 }}`, `true`},
		"a node in brackets":                {`{{ nodes["fetch"]["output"].rows[1] }}`, `2`},
		"a node asked carefully":            {`{{ nodes?.fetch?.output?.status }}`, `200`},
		"a node that did not run":           {`{{ nodes.later.output }}`, `null`},
		"a node that did not run, further":  {`{{ nodes.later.output?.a.b }}`, `null`},
		"a node's error":                    {`{{ [nodes.bad.error.code, nodes.fetch.error, map(nodes.bad.errors, .index)] }}`, `["boom",null,[1]]`},
		"a node as an object":               {`{{ nodes.bad }}`, `{"error":{"code":"boom"},"errors":[{"index":1}],"output":null}`},
		"everything in scope":               {`{{ [trigger.at, vars.base, run.id, item.n, index, output.n] }}`, `["2026-01-31T12:30:15Z","https://example.com","r1",7,3,5]`},
		"a name alone":                      {`{{ vars }}`, `{"base":"https://example.com"}`},
		"pipes":                             {`{{ input.rows | filter(.tag == "a") | map(.n) | sum() }}`, `4`},
		"nested bodies":                     {`{{ map([[1, 2], [3]], sum(#, # * 2) + #index) }}`, `[6,7]`},
		"objects are gone over in order":    {`{{ [keys({"b": 1, "a": 2}), values({"b": 1, "a": 2}), map(entries({"b": 1, "a": 2}), .key)] }}`, `[["a","b"],[2,1],["a","b"]]`},
		"the last of equal keys":            {`{{ {"a": 1, "a": 2} }}`, `{"a":2}`},
		"the index from behind":             {`{{ findLast(["a", "b", "c"], #index < 2) }}`, `"b"`},
		"objects out of a body":             {`{{ map(input.rows, {n: .n, "t": .tag}) }}`, `[{"n":1,"t":"a"},{"n":2,"t":"b"},{"n":3,"t":"a"}]`},
		"objects out of a pipe":             {`{{ [1] | map({(input.name): {a: {}}, b: [{c: #}, {}]}) | concat([{}]) }}`, `[{"Ada":{"a":{}},"b":[{"c":1},{}]},{}]`},
		"a body in braces":                  {`{{ [map([1], { # + 1 }), map([1], {(# + 2)}), map([1], { let x = #; {a: x} }), merge({a: 1}, {})] }}`, `[[2],[3],[{"a":1}],{"a":1}]`},
		"an empty range":                    {`{{ [3..1, range(0, 0), range(3, 0), 2..2] }}`, `[[],[],[],[2]]`},
		"a regular expression worked out":   {`{{ map(["a1", "b"], # matches (input.name == "Ada" ? "[0-9]" : "x")) }}`, `[true,false]`},
		"a fallback shorthand":              {`{{ (input.none ?: 1) + (false ?: 2) + (3 ?: 4) }}`, `6`},
		"a date from now":                   {`{{ formatDate(now(), "YYYY") }}`, `"2026"`},
		"text that only looks like a start": {`a { b } c`, `"a { b } c"`},
		"sorting with nulls and booleans":   {`{{ [sort([2, null, 1], "desc"), sort([true, false])] }}`, `[[2,1,null],[false,true]]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := eval(t, test.template)
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
}

func TestEvalErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ template, want string }{
		"a field of null":      {`{{ input.null.name }}`, `expression {{ input.null.name }} failed: input.null is null, so it has no field "name"; write input.null?.name where null will do`},
		"a misspelled parent":  {`{{ input.usr.name }}`, `input.usr is null (input has no field "usr": did you mean "user"?), so it has no field "name"`},
		"a field of a list":    {`{{ input.rows.n }}`, `input.rows is a list, which has elements but no field "n": write input.rows[0].n for the first, or map(input.rows, .n) for all`},
		"a field of a number":  {`{{ input.n.x }}`, `input.n is a number, which has no field "x"`},
		"no such element":      {`{{ input.rows[3] }}`, `input.rows has 3 elements, so there is no [3]; write input.rows?.[3] where null will do`},
		"an element of null":   {`{{ input.null[0] }}`, `input.null is null`},
		"a string for a list":  {`{{ map(input.name, #) }}`, `map: list must be a list, but it is a string`},
		"null plus one":        {`{{ input.null + 1 }}`, `+ needs a number on both sides, but got null and a number; write (... ?? 0) for a number that may be missing`},
		"a string plus one":    {`{{ "a" + 1 }}`, `+ joins two strings or adds two numbers, but got a string and a number; toString(...) makes a string of anything`},
		"a string times two":   {`{{ "2" * 2 }}`, `* needs a number on both sides, but got a string and a number; toNumber(...)`},
		"no order":             {`{{ "a" < 1 }}`, `a string and a number have no order`},
		"division by zero":     {`{{ 1 / 0 }}`, `it divides by zero`},
		"a float by zero":      {`{{ 1.5 % 0 }}`, `it divides by zero`},
		"beyond all numbers":   {`{{ 1e308 * 10 }}`, `the result is beyond the largest number there is`},
		"a condition":          {`{{ input.name ? 1 : 2 }}`, `the condition before ? must be true or false, but input.name is a string: compare it with something`},
		"a filter's condition": {`{{ filter(input.rows, .tag) }}`, `filter: .tag must be true or false for each element, but it is a string for element 0`},
		"a function's null":    {`{{ upper(input.none) }}`, `upper: text must be a string, but it is null`},
		"a wrong time zone":    {`{{ inZone("2026-01-01", "Mars") }}`, `inZone: there is no time zone "Mars": use a name such as Europe/Berlin or UTC`},
		"the host's time zone": {`{{ inZone("2026-01-01", "Local") }}`, `there is no time zone "Local"`},
		"a wrong date":         {`{{ dateAdd("soon", 1, "day") }}`, `dateAdd: "soon" is not a date such as 2026-01-31T12:00:00Z; date(...) reads other forms`},
		"a wrong unit":         {`{{ dateAdd("2026-01-01", 1, "dys") }}`, `dateAdd: there is no "dys" here: there are year, month`},
		"a wrong pattern":      {`{{ regexFind("a", input.name + "(") }}`, `the pattern "Ada(" is not valid: missing closing )`},
		"a pattern too large":  {"{{ 'a' matches '" + strings.Repeat("(a{30}){30}", 6) + "' + input.name }}", `is too large: repetitions such as {1000} count that many times`},
		"steps by body":        {`{{ len(map(1..400000, # + # + # + # + # + # + # + #)) }}`, `it needs more than the 5000000 steps`},
		"an object's key":      {`{{ {(input.n): 1} }}`, `an object's key must be a string, but it is a number`},
		"bytes that are none":  {`{{ fromHex("ff") }}`, `fromHex: the decoded bytes are no text`},
		"where beside objects": {`{{ map([{a: 1}, {b: 2}, {"é": {x: 3}}], {c: .a, d: {f: # + 1}}) }}`, `(at character 55)`},
		"where in a long one":  {`{{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, input.null.name] }}`, `(at character 56)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eval(t, test.template)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, flowforge.CodeExpression, flowforge.CodeOf(err))
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ template, want string }{
		"not closed":                         {`a {{ input.n`, `{{ input.n is never closed: end the expression with }}`},
		"an object not closed":               {`{{ {"a": 1 `, `an object's { is still open`},
		"an object that ends the expression": {`{{ {"a": 1 }}`, `the } that ends {{ {"a": 1 }} closes nothing: end the expression with }}, and an object within it with a } of its own before`},
		"text not closed":                    {`{{ "a }}`, `the text that begins with "a }} is never closed`},
		"a brace alone":                      {`{{ a } }}`, `the } that ends {{ a } closes nothing`},
		"nothing":                            {`{{ }}`, `holds no expression`},
		"nonsense":                           {`{{ 1 + }}`, `it ends too early`},
		"two values":                         {`{{ 1 2 }}`, `unexpected "2", at character 3`},
		"an assignment":                      {`{{ input.n = 1 }}`, `compare with ==`},
		"a mixed ??":                         {`{{ input.n ?? 0 + 1 }}`, `?? must stand in parentheses`},
		"a large literal":                    {`{{ 9223372036854775808 }}`, `the number is too large`},
		"an unknown name":                    {`{{ inptu.n }}`, `in {{ inptu.n }} there is no name "inptu": did you mean "input"?`},
		"a name of nothing":                  {`{{ hello }}`, `there is no name "hello": there are input, trigger, nodes, run, vars; text goes in quotes`},
		"an unknown function":                {`{{ uper("a") }}`, `there is no function "uper": did you mean "upper"?`},
		"a function of elsewhere":            {`{{ parseInt("1") }}`, `it is called int here`},
		"a method":                           {`{{ input.name.upper() }}`, `values have no methods: write upper(input.name, ...) instead of input.name.upper(...)`},
		"a function without call":            {`{{ upper }}`, `upper is a function: write upper(...)`},
		"too few arguments":                  {`{{ split("a") }}`, `split takes 2 to 3 arguments, but got 1: split(text string, separator string, limit? int) list`},
		"item":                               {`{{ item.n }}`, `item is only there inside each and core.foreach`},
		"index":                              {`{{ index }}`, `index is only there inside each and core.foreach`},
		"output":                             {`{{ output }}`, `output is only there in the condition of core.repeat; another node's is nodes.<id>.output`},
		"all nodes":                          {`{{ nodes }}`, `nodes is read one node at a time`},
		"a node worked out":                  {`{{ nodes[input.k].output }}`, `nodes[...] takes the id of a node as it stands`},
		"a node's wrong field":               {`{{ nodes.fetch.status }}`, `nodes.fetch has output, error and errors, but no "status": did you mean nodes.fetch.output.status?`},
		"a node's misspelled one":            {`{{ nodes.fetch.outptu }}`, `did you mean "output"?`},
		"the environment":                    {`{{ $env }}`, `there is no name "$env"`},
		"bytes":                              {`{{ b"abc" }}`, `values are JSON, which has no bytes`},
		"a sequence":                         {`{{ 1; 2 }}`, `an expression gives one value`},
		"a wrong pattern":                    {`{{ "a" matches "(" }}`, `the pattern "(" is not valid`},
		"a name taken by let":                {`{{ let input = 1; input }}`, `let input: the name is taken already`},
		"an unknown pointer":                 {`{{ map([1], #foo) }}`, `there is no #foo`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, problems := expr.NewCompiler().Template(flowforge.MustValue(map[string]any{"a/b": []any{test.template}}), "/nodes/3/params", expr.Options{})
			require.NotEmpty(t, problems)
			require.Contains(t, problems[0].Message, test.want)
			require.Equal(t, "/nodes/3/params/a~1b/0", problems[0].Pointer)
			_, err := compiled.Eval(t.Context(), env())
			require.Equal(t, flowforge.CodeExpression, flowforge.CodeOf(err))
			require.ErrorContains(t, err, "evaluate /nodes/3/params/a~1b/0: ")
		})
	}
}

func frozenJSON(tb testing.TB, text string) flowforge.Value {
	tb.Helper()
	v, err := flowforge.ParseValue([]byte(text))
	require.NoError(tb, err)
	return v
}

func mustString(tb testing.TB, x any) string {
	tb.Helper()
	v, err := flowforge.Freeze(x)
	require.NoError(tb, err)
	return v.String()
}
