package builtin_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	schema := object{"type": "object", "properties": object{"n": object{"type": "integer", "minimum": 1}}, "additionalProperties": false}
	testRows(t, "data.validate", []row{
		{name: "fits", params: object{"schema": schema}, input: object{"n": 1}, want: object{"n": 1}},
		{name: "does not", params: object{"schema": schema}, input: object{"n": "1"}, code: "validation_failed", says: "/n: this must be an integer, not a string"},
		{name: "unknown field", params: object{"schema": schema}, input: object{"m": 1}, code: "validation_failed", says: `/m: there is no field "m" here`},
		{name: "the whole", params: object{"schema": schema}, input: 7, code: "validation_failed", says: "the whole value: this must be an object"},
		{name: "not a schema", params: object{"schema": object{"type": 7}}, code: flowforge.CodeInvalidParams, says: "schema:"},
		{name: "from elsewhere", params: object{"schema": object{"$ref": "file:///etc/passwd"}}, code: flowforge.CodeInvalidParams, says: "cannot refer to another document"},
		{name: "report", params: object{"schema": schema, "mode": "report"}, input: object{"n": 1}, want: object{"valid": true, "problems": list{}, "value": object{"n": 1}}},
	})
	_, err := nodetest.Run(t, typeOf(t, "data.validate"), object{"schema": schema}, object{"n": 0})
	require.Contains(t, nodes.FailureOf(err).Details.String(), `"pointer":"/n"`)
	require.True(t, nodes.AdviceOf(err).Permanent)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	testRows(t, "data.json", []row{
		{name: "parse", params: object{"action": "parse"}, input: `[1, 1.0, 1e2, {"a": null}]`, want: list{1, 1, 100, object{"a": nil}}},
		{name: "not JSON", params: object{"action": "parse"}, input: `{"a": }`, code: "invalid_data", says: `the text begins "{\"a\": }"`},
		{name: "two", params: object{"action": "parse"}, input: `1 2`, code: "invalid_data", says: "after top-level value"},
		{name: "parsed already", params: object{"action": "parse"}, input: object{}, code: "invalid_data", says: "it may be parsed already"},
		{name: "deep", params: object{"action": "parse"}, input: strings.Repeat("[", 5000) + strings.Repeat("]", 5000), code: "invalid_data", says: "nested"},
		{name: "indent", params: object{"action": "write", "indent": true, "value": object{"b": 1, "a": "<&>"}}, want: "{\n  \"a\": \"<&>\",\n  \"b\": 1\n}"},
		{name: "null", params: object{"action": "write", "value": nil}, want: "null"},
	})
}

func TestEncode(t *testing.T) {
	t.Parallel()
	testRows(t, "data.encode", []row{
		{name: "base64 without padding", params: object{"action": "decode", "encoding": "base64"}, input: " YQ \n", want: "a"},
		{name: "base64 of lines", params: object{"action": "decode", "encoding": "base64"}, input: "YW\nJj", want: "abc"},
		{name: "base64url", params: object{"action": "encode", "encoding": "base64url"}, input: "??>", want: "Pz8-"},
		{name: "hex", params: object{"action": "encode", "encoding": "hex"}, input: "é", want: "c3a9"},
		{name: "url", params: object{"action": "encode", "encoding": "url"}, input: "a b&c", want: "a+b%26c"},
		{name: "no base64", params: object{"action": "decode", "encoding": "base64"}, input: "***", code: "invalid_data", says: `"***" is not base64`},
		{name: "no text", params: object{"action": "decode", "encoding": "hex"}, input: "ff00", code: "invalid_data", says: "2 bytes of something else"},
		{name: "no string", params: object{"action": "encode", "encoding": "hex"}, input: 7, code: "invalid_data", says: "the input is the number 7, not text"},
	})
}

func TestCrypto(t *testing.T) {
	t.Parallel()
	testRows(t, "data.crypto", []row{
		{name: "md5", params: object{"action": "hash", "algorithm": "md5"}, input: "", want: "d41d8cd98f00b204e9800998ecf8427e"},
		{name: "sha1", params: object{"action": "hash", "algorithm": "sha1"}, input: "abc", want: "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{name: "sha384", params: object{"action": "hash", "algorithm": "sha384", "encoding": "base64url"}, input: "abc", want: "ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP_W-2AhgcroefMI1i67KE0yCWn"},
		{name: "bytes", params: object{"action": "hash", "algorithm": "sha1", "input_encoding": "hex"}, input: "616263", want: "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{name: "bad bytes", params: object{"action": "hash", "input_encoding": "hex"}, input: "xyz", code: "invalid_data", says: "is not hex"},
		{name: "no key", params: object{"action": "hmac"}, input: "x", code: flowforge.CodeNoCredential},
	})
	host := &nodetest.Host{Input: flowforge.MustValue("what do ya want for nothing?"), Credentials: map[string]nodes.Credential{
		"key": {Name: "jefe", Type: "hmac", Fields: map[string]flowforge.Secret{"secret": flowforge.NewSecret("Jefe")}},
	}}
	ports, err := host.Run(t.Context(), typeOf(t, "data.crypto"), object{"action": "hmac", "algorithm": "sha512"})
	require.NoError(t, err)
	require.Contains(t, ports.String(), "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554")
}

func TestRandom(t *testing.T) {
	t.Parallel()
	get := func(params any) any {
		ports, err := nodetest.Run(t, typeOf(t, "data.random"), params, nil)
		require.NoError(t, err)
		return ports[0].Value.Any()
	}
	require.Regexp(t, `^[0-9a-f]{32}$`, get(object{}))
	first := get(object{})
	require.NotEqual(t, first, get(object{}))
	require.Regexp(t, `^[A-Za-z0-9]{300}$`, get(object{"kind": "text", "length": 300}))
	require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, get(object{"kind": "base64url", "length": 32}))
	for range 50 {
		require.Contains(t, []any{int64(-1), int64(0), int64(1)}, get(object{"kind": "integer", "min": -1, "max": 1}))
	}
	require.Equal(t, int64(5), get(object{"kind": "integer", "min": 5, "max": 5}))
	get(object{"kind": "integer", "min": int64(-1 << 63), "max": int64(1<<63 - 1)})
	testRows(t, "data.random", []row{
		{name: "nothing between", params: object{"kind": "integer", "min": 2, "max": 1}, code: flowforge.CodeInvalidParams, says: "below min"},
		{name: "too long", params: object{"length": 1 << 30}, code: flowforge.CodeInvalidParams},
	})
}

func TestDatetime(t *testing.T) {
	t.Parallel()
	format := func(name, from, format, input, want string) row {
		return row{name: name, params: object{"action": "format", "from": from, "format": format}, input: input, want: want}
	}
	testRows(t, "data.datetime", []row{
		format("keeps its zone", "", "", "2026-07-01T12:00:00.123+02:00", "2026-07-01T12:00:00.123+02:00"),
		format("a date is midnight", "", "rfc3339", "2026-07-01", "2026-07-01T00:00:00Z"),
		format("without zone", "", "", "2026-07-01T10:20", "2026-07-01T10:20:00Z"),
		format("pattern", "", "EEE, d MMM yy 'at' hh:mm a, 'o''clock'", "2026-07-01T15:04:05Z", "Wed, 1 Jul 26 at 03:04 PM, o'clock"),
		format("milliseconds", "", "HH:mm:ss.SSS", "2026-07-01T15:04:05.06Z", "15:04:05.060"),
		format("milliseconds without a point", "", "ssSSS", "2026-07-01T15:04:05.06Z", "05060"),
		format("reads a pattern", "dd.MM.yyyy HH:mm:ss.SSS", "", "01.02.2026 03:04:05.006", "2026-02-01T03:04:05.006Z"),
		format("reads T", "yyyyMMdd'T'HHmmss", "", "20260201T030405", "2026-02-01T03:04:05Z"),
		format("reads milliseconds", "unix_ms", "", "1500", "1970-01-01T00:00:01.5Z"),
		format("writes a number's text", "unix", "date", "86400", "1970-01-02"),
		{name: "seconds", params: object{"action": "format"}, input: 1.5, want: "1970-01-01T00:00:01.5Z"},
		{name: "to unix", params: object{"action": "format", "format": "unix"}, input: "1970-01-02", want: 86400},
		{name: "in a zone", params: object{"action": "format", "zone": "America/New_York"}, input: "2026-01-01T00:00:00Z", want: "2025-12-31T19:00:00-05:00"},
		{name: "read in a zone", params: object{"action": "format", "zone": "America/New_York"}, input: "2026-01-01T00:00:00", want: "2026-01-01T00:00:00-05:00"},
		{name: "day over the change of clocks", params: object{"action": "add", "days": 1, "zone": "Europe/Paris"}, input: "2026-03-28T12:00:00+01:00", want: "2026-03-29T12:00:00+02:00"},
		{name: "hours over the change of clocks", params: object{"action": "add", "span": "1d", "zone": "Europe/Paris"}, input: "2026-03-28T12:00:00+01:00", want: "2026-03-29T13:00:00+02:00"},
		{name: "leap day and a year", params: object{"action": "add", "years": 1}, input: "2024-02-29", want: "2025-02-28T00:00:00Z"},
		{name: "back over a year", params: object{"action": "add", "months": -13, "span": "-1h30m"}, input: "2026-01-31T02:00:00Z", want: "2024-12-31T00:30:00Z"},
		{name: "diff", params: object{"action": "diff", "to": "2025-12-31T23:59:59.5Z"}, input: "2026-01-01", want: -0.5},
		{name: "diff of a long time", params: object{"action": "diff", "to": "2500-01-01", "unit": "days"}, input: "1500-01-01", want: 365243},
		{name: "months", params: object{"action": "diff", "to": "2026-03-30", "unit": "months"}, input: "2026-01-31", want: 1},
		{name: "months to the last day", params: object{"action": "diff", "to": "2026-02-28", "unit": "months"}, input: "2026-01-31", want: 1},
		{name: "years back", params: object{"action": "diff", "to": "2000-01-02", "unit": "years"}, input: "2026-01-01", want: -25},
		{name: "parse", params: object{"action": "parse"}, input: "2027-01-03T04:05:06.789+01:00", want: object{
			"rfc3339": "2027-01-03T04:05:06.789+01:00", "unix": 1798945506, "unix_ms": 1798945506789, "year": 2027, "month": 1, "day": 3, "hour": 4, "minute": 5,
			"second": 6, "millisecond": 789, "weekday": 7, "day_of_year": 3, "week": 53, "week_year": 2026, "zone": "", "offset_seconds": 3600,
		}},
		{name: "no time", params: object{"action": "format"}, input: "tomorrow", code: "invalid_data", says: `"tomorrow" is not a time like`},
		{name: "no time for the pattern", params: object{"action": "format", "from": "dd.MM.yyyy"}, input: "2026-01-01", code: "invalid_data", says: "dd.MM.yyyy"},
		{name: "no value", params: object{"action": "format"}, input: nil, code: "invalid_data", says: "not null"},
		{name: "number out of range", params: object{"action": "format"}, input: 1e300, code: "invalid_data"},
		{name: "no zone", params: object{"action": "format", "zone": "Paris"}, input: 0, code: flowforge.CodeInvalidParams, says: `there is no time zone "Paris"`},
		{name: "not the host's zone", params: object{"action": "format", "zone": "Local"}, input: 0, code: flowforge.CodeInvalidParams},
		{name: "not a file", params: object{"action": "format", "zone": "../../etc/passwd"}, input: 0, code: flowforge.CodeInvalidParams},
		{name: "unknown letters", params: object{"action": "format", "format": "YYYY"}, input: 0, code: flowforge.CodeInvalidParams, says: `"YYYY" in the pattern`},
		{name: "open quote", params: object{"action": "format", "format": "yyyy'"}, input: 0, code: flowforge.CodeInvalidParams, says: "does not end"},
		{name: "text to read over", params: object{"action": "format", "from": "'Q'yyyy"}, input: "Q2026", code: flowforge.CodeInvalidParams, says: `"Q"`},
		{name: "span", params: object{"action": "add", "span": "1 week"}, input: 0, code: flowforge.CodeInvalidParams, says: "span:"},
		{name: "far", params: object{"action": "add", "years": 1 << 40}, input: 0, code: flowforge.CodeInvalidParams, says: "too far"},
	})
}
