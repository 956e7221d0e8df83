package connectors_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/connectors/connectortest"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/nodes"
)

func credential(kind string, fields ...string) *nodes.Credential {
	c := &nodes.Credential{Name: "cred", Type: kind, Fields: map[string]flowforge.Secret{}}
	for i := 0; i < len(fields); i += 2 {
		c.Fields[fields[i]] = flowforge.NewSecret(fields[i+1])
	}
	return c
}

func TestCredentialsArePutOnRequests(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		credential *nodes.Credential
		place      connectors.KeyPlace
		header     http.Header
		query      string
	}{
		{"key in the usual header", credential("api_key", "key", "s3cret"), connectors.KeyPlace{}, http.Header{"X-Api-Key": {"s3cret"}}, "q=1"},
		{
			"key where the service wants it", credential("api_key", "key", "s3cret"),
			connectors.KeyPlace{Header: "Authorization", Prefix: "Token "},
			http.Header{"Authorization": {"Token s3cret"}},
			"q=1",
		},
		{
			"key where the credential says", credential("api_key", "key", "s3cret", "query", "api key"),
			connectors.KeyPlace{Header: "X"},
			http.Header{},
			"api+key=s3cret&q=1",
		},
		{
			"basic", credential("basic", "username", "me", "password", "s3cret"),
			connectors.KeyPlace{},
			http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("me:s3cret"))}},
			"q=1",
		},
		{"bearer", credential("bearer", "token", "s3cret"), connectors.KeyPlace{}, http.Header{"Authorization": {"Bearer s3cret"}}, "q=1"},
		{
			"oauth2", credential("oauth2", "access_token", "s3cret"),
			connectors.KeyPlace{},
			http.Header{"Authorization": {"Bearer s3cret"}},
			"q=1",
		},
		{
			"custom",
			credential("custom", "headers", `{"X-Auth":"id={{ id }}; key={{key}}"}`, "query", `{"k":"{{key}}"}`, "id", "me", "key", "s3cret"),
			connectors.KeyPlace{},
			http.Header{"X-Auth": {"id=me; key=s3cret"}},
			"k=s3cret&q=1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := connectortest.NewServer(t)
			response, err := connectortest.NewClient(t).Send(t.Context(), connectors.Request{
				URL: server.URL + "?q=1", Credential: test.credential, Key: test.place,
			})
			require.NoError(t, err)
			require.NotContains(t, response.URL.String(), "s3cret")
			request := server.Requests()[0]
			for _, name := range []string{"User-Agent", "Accept-Encoding"} {
				request.Header.Del(name)
			}
			require.Equal(t, test.header, request.Header)
			require.Equal(t, test.query, request.Query.Encode())
		})
	}
}

func TestCredentialsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	server := connectortest.NewServer(t)
	for _, test := range []struct {
		credential *nodes.Credential
		want       string
	}{
		{credential("api_key"), "has no key"},
		{credential("basic", "username", "me"), "has no password"},
		{credential("bearer"), "has no token"},
		{credential("oauth2"), "has no access_token"},
		{credential("smtp"), `is of type "smtp"`},
		{credential("custom", "headers", "s3cret, not JSON"), "not a JSON object"},
		{credential("custom", "headers", `{"X":"{{nope}}"}`), `uses "nope"`},
		{credential("bearer", "token", "s3c\r\nret"), "cannot be put on a request"},
	} {
		_, err := connectortest.NewClient(t).Send(t.Context(), connectors.Request{URL: server.URL, Credential: test.credential})
		require.ErrorContains(t, err, test.want)
		require.NotContains(t, err.Error(), "s3c")
		require.True(t, nodes.AdviceOf(err).Permanent)
		require.True(t, nodes.AdviceOf(err).NotDone)
	}
	require.Empty(t, server.Requests())
}

func TestSecretsThatComeBackAreTakenOut(t *testing.T) {
	t.Parallel()
	const secret = `s3cr€t/"key"+x`
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.URLEncoding.EncodeToString([]byte(secret)), `s3cr€t/\"key\"+x`,
		hex.EncodeToString([]byte(secret)),
	}
	server := connectortest.NewServer(t, connectortest.Answer{Body: strings.Join(forms, " | "), Header: map[string]string{"X-Echo": "a" + url.QueryEscape(secret)}})
	c := credential("custom", "query", `{"k":"{{key}}"}`, "key", secret)
	response, err := connectortest.NewClient(t).Send(t.Context(), connectors.Request{URL: server.URL, Credential: c})
	require.NoError(t, err)
	for _, form := range forms {
		require.NotContains(t, string(response.Body), form)
	}
	require.Equal(t, "a[redacted]", response.Header.Get("X-Echo"))
	require.NotContains(t, response.URL.String(), "s3cr")
}

func TestFailuresSayWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ body, wantCode, wantMessage string }{
		{`{"error":{"code":"bad_key","message":"wrong"}}`, "bad_key", "wrong"},
		{`{"error":"invalid_grant","error_description":"wrong"}`, "invalid_grant", "wrong"},
		{`{"error":"wrong"}`, "", "wrong"},
		{`{"errors":[{"id":"x1","details":"wrong"}]}`, "x1", "wrong"},
		{`{"message":"wrong","code":17}`, "17", "wrong"},
		{`{"type":"about:blank","title":"No","detail":"wrong"}`, "about:blank", "wrong"},
		{`<html>`, "", ""},
		{``, "", ""},
	} {
		server := connectortest.NewServer(t, connectortest.Answer{Status: http.StatusBadRequest, Body: test.body})
		response, err := connectortest.NewClient(t).Send(t.Context(), connectors.Request{URL: server.URL})
		require.NoError(t, err)
		failure := nodes.FailureOf(response.Failed("x_failed", nil))
		require.Equal(t, flowforge.Code("x_failed"), failure.Code)
		details, _ := failure.Details.Any().(map[string]any)
		code, _ := details["code"].(string)
		message, _ := details["message"].(string)
		require.Equal(t, test.wantCode, code, test.body)
		require.Equal(t, test.wantMessage, message, test.body)
		require.Contains(t, failure.Message, "127.0.0.1 answered 400 Bad Request")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "0": 0, "NaN": 0, "1.5": 1500 * time.Millisecond, "120": 2 * time.Minute, "99999999999": 24 * time.Hour,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"Sat, 02 Jan 2027 03:04:00 GMT": 24 * time.Hour,
	} {
		response := connectors.Response{Header: http.Header{"Retry-After": {text}, "Date": {"Fri, 02 Jan 2026 03:04:05 GMT"}}}
		require.Equal(t, want, response.RetryAfter(), text)
	}
}

func TestIdempotencyKeyAndIntegers(t *testing.T) {
	t.Parallel()
	server := connectortest.NewServer(t, connectortest.Answer{Body: `{"id":9007199254740993}`})
	client := connectortest.NewClient(t)
	body := connectors.JSONBody(flowforge.MustValue(map[string]any{"id": int64(9007199254740993)}))
	for _, request := range []connectors.Request{
		{Method: http.MethodPost, IdempotencyKey: "k", Body: body},
		{Method: http.MethodPost, IdempotencyKey: "k", Header: http.Header{"Idempotency-Key": {"mine"}}},
		{Method: http.MethodGet, IdempotencyKey: "k"},
		{Method: http.MethodDelete, IdempotencyKey: "k"},
	} {
		request.URL = server.URL
		response, err := client.Send(t.Context(), request)
		require.NoError(t, err)
		value, err := response.Value()
		require.NoError(t, err)
		require.Equal(t, `{"id":9007199254740993}`, value.String())
	}
	requests := server.Requests()
	require.Equal(t, `{"id":9007199254740993}`, string(requests[0].Body))
	require.Equal(t, "application/json", requests[0].Header.Get("Content-Type"))
	for i, want := range []string{"k", "mine", "", "k"} {
		require.Equal(t, want, requests[i].Header.Get("Idempotency-Key"))
	}
}

func TestURLsThatCannotBeReadAreNotRepeated(t *testing.T) {
	t.Parallel()
	_, err := connectortest.NewClient(t).Send(t.Context(), connectors.Request{URL: "http://x/%zz?key=s3cret"})
	require.Equal(t, egress.CodeInvalid, flowforge.CodeOf(err))
	require.NotContains(t, err.Error(), "s3cret")
	_, err = connectortest.NewClient(t).Send(t.Context(), connectors.Request{URL: "http://x/\x00?key=s3cret"})
	require.NotContains(t, err.Error(), "s3cret")
}

func TestHosts(t *testing.T) {
	t.Parallel()
	server := connectortest.NewServer(t)
	hostport := strings.TrimPrefix(server.URL, "http://")
	for _, test := range []struct {
		hosts []string
		want  flowforge.Code
	}{
		{nil, ""},
		{[]string{hostport}, ""},
		{[]string{"example.com", hostport}, ""},
		{[]string{"127.0.0.1"}, connectors.CodeHost},
		{[]string{"*.0.0.1"}, connectors.CodeHost},
		{[]string{"*"}, connectors.CodeHost},
		{[]string{""}, connectors.CodeHost},
	} {
		c := credential("bearer", "token", "s3cret")
		c.Hosts = test.hosts
		_, err := connectortest.NewClient(t).Send(t.Context(), connectors.Request{URL: server.URL, Credential: c})
		require.Equal(t, test.want, flowforge.CodeOf(err), test.hosts)
	}
}
