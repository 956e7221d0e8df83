package http_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/connectortest"
	connhttp "github.com/flowforge-go/flowforge/connectors/http"
	"github.com/flowforge-go/flowforge/nodes"
)

// api is a service of ten items, three a page, that speaks every way of pagination.
func api(t *testing.T) *connectortest.Server {
	t.Helper()
	const total, size = 10, 3
	return connectortest.NewHandler(t, func(r connectortest.Request) connectortest.Answer {
		from, _ := strconv.Atoi(r.Query.Get("cursor") + r.Query.Get("offset"))
		if page, err := strconv.Atoi(r.Query.Get("page")); err == nil {
			from = (page - 1) * size
		}
		if body, ok := r.JSON().(object); ok {
			if variables, ok := body["variables"].(object); ok {
				from, _ = strconv.Atoi(fmt.Sprint(variables["after"]))
			}
		}
		items := []any{}
		for i := from; i < min(from+size, total); i++ {
			items = append(items, i)
		}
		body, answer := object{"data": object{"rows": items}, "more": from+size < total}, connectortest.Answer{}
		if from+size < total {
			body["next"], body["cursor"] = fmt.Sprintf("/rows?cursor=%d&q=1", from+size), from+size
			answer.Header = map[string]string{
				"Link": fmt.Sprintf(`</rows?cursor=0>; rel="first", <?cursor=%d&q=1>; title="a, b"; rel="last next"`, from+size),
			}
		}
		if r.Path == "/list" {
			answer.JSON = items
		} else {
			answer.JSON = body
		}
		return answer
	})
}

func paginate(t *testing.T, params object, host *connectortest.Host) (object, error) {
	t.Helper()
	out, err := connectortest.Run(t, connhttp.Types(connectortest.NewClient(t)), "http.paginate", params, host)
	result, _ := out.Any().(object)
	return result, err
}

func TestPaginate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		params  object
		items   int
		pages   int
		stopped string
	}{
		{"link", object{"by": "link"}, 10, 4, "end"},
		{"link of a bare list", object{"by": "link", "items": "", "url": "/list"}, 10, 4, "end"},
		{"next URL", object{"by": "next_url", "next": "next"}, 10, 4, "end"},
		{"cursor", object{"by": "cursor", "next": "cursor"}, 10, 4, "end"},
		{"cursor in the body", object{
			"by": "cursor", "next": "cursor", "in_body": true, "param": "variables.after", "json": object{"query": "q", "variables": object{"n": 1}},
		}, 10, 4, "end"},
		{"pages until an empty one", object{"by": "page"}, 10, 5, "end"},
		{"pages until a short one", object{"by": "page", "size": 3, "size_param": "limit"}, 10, 4, "end"},
		{"pages from the third", object{"by": "page", "start": 3}, 4, 3, "end"},
		{"pages while there are more", object{"by": "page", "has_more": "more"}, 10, 4, "end"},
		{"offset", object{"by": "offset"}, 10, 5, "end"},
		{"offset from 4", object{"by": "offset", "start": 4, "size": 3}, 6, 3, "end"},
		{"two pages", object{"by": "link", "max_pages": 2}, 6, 2, "max_pages"},
		{"five items", object{"by": "link", "max_items": 5}, 5, 2, "max_items"},
		{"until", object{"by": "link", "until": "{{ index == 1 }}"}, 6, 2, "until"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := api(t)
			path, _ := test.params["url"].(string)
			if path == "" {
				path = "/rows"
			}
			test.params["url"] = server.URL + path
			if _, has := test.params["items"]; !has {
				test.params["items"] = "data.rows"
			}
			test.params["query"] = object{"q": 1}
			host := &connectortest.Host{Eval: func(_ string, scope nodes.Scope) (any, error) { return scope.Index == 1, nil }}
			out, err := paginate(t, test.params, host)
			require.NoError(t, err)
			require.Len(t, out["items"], test.items)
			require.EqualValues(t, test.items, out["count"])
			require.EqualValues(t, test.pages, out["pages"])
			require.Equal(t, test.stopped, out["stopped"])
			require.Equal(t, test.pages, host.Heartbeats())
			require.Contains(t, host.Progresses()[test.pages-1], fmt.Sprintf("page %d, %d items", test.pages, test.items))
			for _, request := range server.Requests() {
				require.Equal(t, "1", request.Query.Get("q"))
			}
		})
	}
}

func TestPaginateCarriesItsCredentialAndAKeyForEachPage(t *testing.T) {
	t.Parallel()
	server := api(t)
	host := &connectortest.Host{Credentials: map[string]nodes.Credential{"auth": bearer()}}
	_, err := paginate(t, object{
		"url": server.URL + "/rows", "by": "cursor", "items": "data.rows", "next": "cursor", "in_body": true, "param": "variables.after",
	}, host)
	require.NoError(t, err)
	keys := map[string]bool{}
	for _, request := range server.Requests()[1:] {
		require.Equal(t, "POST", request.Method)
		require.Equal(t, "Bearer s3cret-token", request.Header.Get("Authorization"))
		keys[request.Header.Get("Idempotency-Key")] = true
	}
	require.Len(t, keys, 3)
}

func TestPaginateRefuses(t *testing.T) {
	t.Parallel()
	page := func(next any) object { return object{"list": []any{1}, "next": next} }
	for _, test := range []struct {
		name   string
		body   any
		params object
		want   flowforge.Code
	}{
		{"the same URL again", page("?a=1"), object{"by": "next_url", "next": "next"}, connhttp.CodeLoop},
		{"the same cursor again", page("abc"), object{"by": "cursor", "next": "next"}, connhttp.CodeLoop},
		{"the same page again", page(nil), object{"by": "page"}, connhttp.CodeLoop},
		{"another host", page("http://127.0.0.2/x"), object{"by": "next_url", "next": "next"}, connhttp.CodeOtherHost},
		{"another port", page("http://127.0.0.1:1/x"), object{"by": "next_url", "next": "next"}, connhttp.CodeOtherHost},
		{"no host", page("https:///x"), object{"by": "next_url", "next": "next"}, connhttp.CodeOtherHost},
		{"not a URL", page("http://%zz"), object{"by": "next_url", "next": "next"}, connhttp.CodeItems},
		{"no list", object{"list": 7}, object{"by": "page"}, connhttp.CodeItems},
		{"not JSON", nil, object{"by": "page"}, "response_not_json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := connectortest.NewServer(t, connectortest.Answer{JSON: test.body, Body: "<html>"})
			test.params["url"], test.params["items"] = server.URL, "list"
			_, err := paginate(t, test.params, nil)
			require.Equal(t, test.want, flowforge.CodeOf(err), err)
			require.True(t, nodes.AdviceOf(err).Permanent)
			require.LessOrEqual(t, len(server.Requests()), 2)
		})
	}
	var server *connectortest.Server
	server = connectortest.NewHandler(t, func(connectortest.Request) connectortest.Answer {
		return connectortest.Answer{JSON: page("https" + strings.TrimPrefix(server.URL, "http"))}
	})
	_, err := paginate(t, object{"url": server.URL, "by": "next_url", "next": "next", "items": "list"}, nil)
	require.Equal(t, connhttp.CodeOtherHost, flowforge.CodeOf(err), "another scheme")

	problems := connhttp.Types(nil)[1].Check(flowforge.MustValue(object{"url": "x", "by": "cursor"}))
	require.Len(t, problems, 1)
	require.Equal(t, "/next", problems[0].Pointer)
}
