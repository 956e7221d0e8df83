package http_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/connectors/connectortest"
	connhttp "github.com/flowforge-go/flowforge/connectors/http"
	"github.com/flowforge-go/flowforge/nodes"
)

type object = map[string]any

func bearer() nodes.Credential {
	return nodes.Credential{
		Name: "key", Type: connectors.TypeBearer,
		Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret("s3cret-token")},
	}
}

func TestConform(t *testing.T) {
	t.Parallel()
	connectortest.Conform(t, connectortest.Suite{
		Types: connhttp.Types,
		Uses: []connectortest.Use{
			{
				Type:   "http.request",
				Params: func(base string) any { return object{"method": "POST", "url": base + "/v1", "json": object{"a": 1}} },
				Slot:   "auth", Credential: bearer(), Secret: "s3cret-token",
				Answer: connectortest.Answer{JSON: object{"echo": "Bearer s3cret-token"}},
			},
			{
				Type:   "http.paginate",
				Params: func(base string) any { return object{"url": base + "/v1", "by": "link", "items": "list"} },
				Slot:   "auth", Credential: bearer(), Secret: "s3cret-token",
				Answer: connectortest.Answer{JSON: object{"list": []any{"s3cret-token"}}},
			},
		},
	})
}

// request runs http.request once against a service that gives one answer.
func request(t *testing.T, answer connectortest.Answer, params object) (object, *connectortest.Server, error) {
	t.Helper()
	server := connectortest.NewServer(t, answer)
	if _, has := params["url"]; !has {
		params["url"] = server.URL + "/path"
	}
	out, err := connectortest.Run(t, connhttp.Types(connectortest.NewClient(t)), "http.request", params, nil)
	result, _ := out.Any().(object)
	return result, server, err
}

func TestRequestSays(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte{0, 1, 2})
	for _, test := range []struct {
		name                string
		params              object
		method, query, body string
		header              map[string]string
	}{
		{"GET", object{}, "GET", "", "", map[string]string{"Idempotency-Key": "", "Content-Type": ""}},
		{
			"query",
			object{"query": object{"q": "a b&c", "n": int64(9007199254740993), "list": []any{1, true}, "none": nil}},
			"GET", "list=1&list=true&n=9007199254740993&q=a+b%26c", "", nil,
		},
		{"headers", object{"headers": object{"X-One": "1", "x-num": 7}}, "GET", "", "", map[string]string{"X-One": "1", "X-Num": "7"}},
		{
			"json",
			object{"json": object{"id": int64(9007199254740993), "s": "<é>"}},
			"POST", "", `{"id":9007199254740993,"s":"<é>"}`,
			map[string]string{"Content-Type": "application/json"},
		},
		{
			"form",
			object{"form": object{"a": "1 2", "b": []any{1, 2}}},
			"POST", "", "a=1+2&b=1&b=2",
			map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		},
		{"text", object{"text": "hi", "method": "PUT"}, "PUT", "", "hi", map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{
			"own content type",
			object{"text": "<a/>", "headers": object{"Content-Type": "application/xml"}},
			"POST", "", "<a/>",
			map[string]string{"Content-Type": "application/xml"},
		},
		{
			"binary",
			object{"binary": object{"base64": encoded}},
			"POST", "", "\x00\x01\x02",
			map[string]string{"Content-Type": "application/octet-stream"},
		},
		{
			"own key",
			object{"method": "DELETE", "headers": object{"idempotency-key": "mine"}},
			"DELETE", "", "",
			map[string]string{"Idempotency-Key": "mine"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, server, err := request(t, connectortest.Answer{}, test.params)
			require.NoError(t, err)
			got := server.Requests()[0]
			require.Equal(t, test.method, got.Method)
			require.Equal(t, test.query, got.Query.Encode())
			require.Equal(t, test.body, string(got.Body))
			for name, want := range test.header {
				require.Equal(t, want, got.Header.Get(name), name)
			}
		})
	}
}

func TestKeyIsTheCallsOnEachAttempt(t *testing.T) {
	t.Parallel()
	for range 2 {
		_, server, err := request(t, connectortest.Answer{}, object{"json": 1})
		require.NoError(t, err)
		require.Equal(t, connectortest.NewCall(flowforge.Value{}, nil).IdempotencyKey(), server.Requests()[0].Header.Get("Idempotency-Key"))
	}
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	host := &connectortest.Host{}
	blob, err := host.Blobs().Put(t.Context(), strings.NewReader("from a blob"))
	require.NoError(t, err)
	server := connectortest.NewServer(t)
	params := object{"url": server.URL, "multipart": []any{
		object{"name": "ti\"t\r\nle", "value": "Report"},
		object{"name": "meta", "value": object{"a": 1}, "content_type": "application/json"},
		object{"name": "small", "file": object{"base64": "AAEC"}, "filename": "a\"b.bin"},
		object{"name": "large", "file": object{"blob": blob, "content_type": "image/png", "size": 11}},
	}}
	types := connhttp.Types(connectortest.NewClient(t))
	for range 2 {
		_, err = connectortest.Run(t, types, "http.request", params, host)
		require.NoError(t, err)
	}
	requests := server.Requests()
	require.Equal(t, string(requests[0].Body), string(requests[1].Body), "each attempt sends the same bytes")
	_, media, err := mime.ParseMediaType(requests[0].Header.Get("Content-Type"))
	require.NoError(t, err)
	reader := multipart.NewReader(bytes.NewReader(requests[0].Body), media["boundary"])
	var got []string
	for {
		part, err := reader.NextPart()
		if err != nil {
			break
		}
		data, err := io.ReadAll(part)
		require.NoError(t, err)
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), data))
	}
	require.Equal(t, []string{
		"ti%22t%0D%0Ale|||Report", `meta||application/json|{"a":1}`, "small|a%22b.bin|application/octet-stream|\x00\x01\x02",
		"large|file|image/png|from a blob",
	}, got)

	params["multipart"] = []any{object{"name": "x", "value": "1", "content_type": "text/plain\r\nX: 1"}}
	_, err = connectortest.Run(t, types, "http.request", params, host)
	require.Equal(t, flowforge.CodeInvalidParams, flowforge.CodeOf(err))
}

func TestResponseIsRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, contentType, body, response string
		want                              any
	}{
		{"json", "application/json", `{"id":9007199254740993}`, "", object{"id": int64(9007199254740993)}},
		{"problem", "application/problem+json; charset=utf-8", "\xef\xbb\xbf[1]", "auto", []any{int64(1)}},
		{"wrong json is text", "application/json", "<html>", "auto", "<html>"},
		{"text", "text/plain", "hé", "", "hé"},
		{"charset", "text/html; charset=iso-8859-1", "h\xe9", "", "hé"},
		{"json as text", "application/json", `[1]`, "text", "[1]"},
		{"json whatever its type", "text/plain", `[1]`, "json", []any{int64(1)}},
		{"binary", "image/png", "\x89P", "", object{"content_type": "image/png", "size": int64(2), "base64": "iVA="}},
		{"text as binary", "text/plain", "hi", "binary", object{"content_type": "text/plain", "size": int64(2), "base64": "aGk="}},
		{"bytes called text", "text/plain", "a\x00b", "", object{"content_type": "text/plain", "size": int64(3), "base64": "YQBi"}},
		{"nothing", "application/json", "", "json", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			params := object{}
			if test.response != "" {
				params["response"] = test.response
			}
			out, server, err := request(t, connectortest.Answer{
				Status: 201, Body: test.body, Header: map[string]string{"Content-Type": test.contentType, "X-Rate": "5"},
			}, params)
			require.NoError(t, err)
			require.Equal(t, test.want, out["body"])
			require.EqualValues(t, 201, out["status"])
			require.Equal(t, server.URL+"/path", out["url"])
			require.Equal(t, "5", out["headers"].(object)["x-rate"])
		})
	}
}

func TestLargeBytesBecomeABlobThatCanBeSentOn(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("\x00\xff", 40<<10)
	server := connectortest.NewServer(t, connectortest.Answer{Body: data, Header: map[string]string{"Content-Type": "image/png"}})
	types := connhttp.Types(connectortest.NewClient(t))
	host := &connectortest.Host{}
	out, err := connectortest.Run(t, types, "http.request", object{"url": server.URL}, host)
	require.NoError(t, err)
	body := out.Any().(object)["body"]
	require.NotContains(t, body, "base64")
	_, err = connectortest.Run(t, types, "http.request", object{"url": server.URL, "binary": body}, host)
	require.NoError(t, err)
	sent := server.Requests()[1]
	require.Equal(t, data, string(sent.Body))
	require.Equal(t, "image/png", sent.Header.Get("Content-Type"))
}

func TestStatusPolicy(t *testing.T) {
	t.Parallel()
	answer := connectortest.Answer{Status: 404, JSON: object{"message": "no such thing"}, Header: map[string]string{"X-Request-Id": "r1"}}
	_, _, err := request(t, answer, object{})
	failure := nodes.FailureOf(err)
	require.Equal(t, connhttp.CodeStatus, failure.Code)
	require.Equal(t, "127.0.0.1 answered 404 Not Found: no such thing", failure.Message)
	details := failure.Details.Any().(object)
	require.EqualValues(t, 404, details["status"])
	require.Equal(t, object{"message": "no such thing"}, details["body"])
	require.Equal(t, "r1", details["headers"].(object)["x-request-id"])

	out, _, err := request(t, answer, object{"fail_on_status": false})
	require.NoError(t, err)
	require.EqualValues(t, 404, out["status"])

	redirect := connectortest.Answer{Status: 302, Header: map[string]string{"Location": "/there"}}
	out, _, err = request(t, redirect, object{"follow_redirects": false})
	require.NoError(t, err)
	require.EqualValues(t, 302, out["status"])

	_, _, err = request(t, connectortest.Answer{Body: "not json"}, object{"response": "json"})
	require.Equal(t, connectors.CodeNotJSON, flowforge.CodeOf(err))
	require.True(t, nodes.AdviceOf(err).Permanent)
}

func TestParamsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		params object
		want   string
	}{
		{object{"query": object{"a": object{}}}, "/query/a: an object cannot be sent as text"},
		{object{"form": object{"a": []any{[]any{}}}}, "/form/a: a list of lists"},
		{object{"headers": object{"Host": "x"}}, "Host"},
		{object{"headers": object{"X": "a\r\nb: c"}}, "line break"},
		{object{"binary": object{"base64": "not base64"}}, "not base64"},
		{object{"url": "http://user:s3cret@example.com"}, "use a credential instead"},
		{object{"url": "ftp://example.com"}, "http://"},
	} {
		_, server, err := request(t, connectortest.Answer{}, test.params)
		require.ErrorContains(t, err, test.want)
		require.NotContains(t, err.Error(), "s3cret")
		require.Equal(t, nodes.Advice{Permanent: true, NotDone: true}, nodes.AdviceOf(err))
		require.Empty(t, server.Requests())
	}
	both := flowforge.MustValue(object{"url": "x", "json": 1, "text": "x"})
	problems := connhttp.Types(nil)[0].Check(both)
	require.Len(t, problems, 1)
	require.Equal(t, "/text", problems[0].Pointer)
}

func TestTimeoutOfOneRequest(t *testing.T) {
	t.Parallel()
	_, _, err := request(t, connectortest.Answer{Wait: make(chan struct{})}, object{"timeout": "20ms"})
	require.Equal(t, flowforge.Code("egress_timeout"), flowforge.CodeOf(err))
	require.Equal(t, nodes.Advice{}, nodes.AdviceOf(err))
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	types := connhttp.Types(connectortest.NewClient(t))
	_, err := nodes.NewRegistry(types...)
	require.NoError(t, err)
	for _, nodeType := range types {
		schema, err := nodes.CompileSchema(nodeType.Spec.Params)
		require.NoError(t, err)
		for _, example := range nodeType.Spec.Examples {
			open := func(text string) bool { return strings.Contains(text, "{{") }
			require.NoError(t, schema.Check(example.Params, "", open).Err(), example.Title)
			require.Empty(t, nodeType.Check(example.Params))
		}
		require.Contains(t, nodeType.Spec.Params.String(), `"required":["`)
		require.NotEmpty(t, nodeType.Spec.Credentials)
	}
}
