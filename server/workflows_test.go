package server_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/server"
)

func TestTwoEditorsNeverOverwriteEachOther(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	first := a.ask("POST", "/api/v1/workflows", hello("w")).is(201).header.Get("ETag")
	changed := hello("w")
	changed["description"] = "one"
	for _, change := range []struct {
		method, path string
		body         any
	}{
		{"PUT", "/api/v1/workflows/w", changed},
		{"PATCH", "/api/v1/workflows/w", object{"description": "two"}},
		{"POST", "/api/v1/workflows/w/nodes", object{"id": "n", "type": "core.noop"}},
		{"PUT", "/api/v1/workflows/w/nodes/greet", object{"id": "greet", "type": "core.noop"}},
		{"DELETE", "/api/v1/workflows/w/nodes/greet", nil},
		{"POST", "/api/v1/workflows/w/connections", object{"from": "greet", "to": "greet"}},
		{"DELETE", "/api/v1/workflows/w/connections?from=greet&to=x", nil},
		{"DELETE", "/api/v1/workflows/w", nil},
	} {
		a.ask(change.method, change.path, change.body).problem(428, "precondition_required")
		a.ask(change.method, change.path, change.body, "If-Match", `"another"`).problem(412, "changed")
		a.ask(change.method, change.path, change.body, "If-Match", `W/`+first).problem(412, "changed")
	}
	second := a.ask("PUT", "/api/v1/workflows/w", changed, "If-Match", first).is(200).header.Get("ETag")
	require.NotEqual(t, first, second)
	a.ask("PUT", "/api/v1/workflows/w", changed, "If-Match", first).problem(412, "changed")
	a.ask("PATCH", "/api/v1/workflows/w", object{"description": "two"}, "If-Match", "*").is(200).
		has("document.description", "two", "document.name", "w")
	a.ask("DELETE", "/api/v1/workflows/w", nil, "If-Match", second).problem(412, "changed")
	now := a.ask("GET", "/api/v1/workflows/w", nil).is(200).header.Get("ETag")
	require.Empty(t, a.ask("GET", "/api/v1/workflows/w", nil, "If-None-Match", now).is(304).text)
	a.ask("DELETE", "/api/v1/workflows/w", nil, "If-Match", now).is(204)
	a.ask("GET", "/api/v1/workflows/w", nil).problem(404, "not_found")
}

func TestADraftIsDrawnPartByPart(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	a.ask("POST", "/api/v1/workflows", object{"name": "w", "nodes": []any{}}).is(201).has("problems.len", 1)
	a.ask("POST", "/api/v1/workflows/w/publish", nil).problem(422, "invalid_workflow")
	tag := a.ask("GET", "/api/v1/workflows/w/nodes", nil).is(200).has("items.len", 0).header.Get("ETag")
	do := func(method, path string, body any, status int) *reply {
		t.Helper()
		got := a.ask(method, "/api/v1/workflows/w"+path, body, "If-Match", tag).is(status)
		if status < 300 {
			tag = got.header.Get("ETag")
		}
		return got
	}
	do("POST", "/nodes", object{"id": "a", "type": "core.set"}, 201).has("item.id", "a")
	do("POST", "/nodes", object{"id": "a", "type": "core.noop"}, 409)
	do("POST", "/nodes", object{"id": "b", "type": "no.such"}, 201).has("problems.0.pointer", "/nodes/1/type")
	do("POST", "/nodes", object{"id": "c", "kind": "x"}, 422)
	do("PUT", "/nodes/b", object{"id": "b", "type": "core.noop", "position": object{"x": 1.5, "y": -2}}, 200).has("problems.len", 0)
	do("POST", "/connections", object{"from": "a.out", "to": "b"}, 201).has("item.from", "a.out")
	do("POST", "/connections", object{"from": "a", "to": "b.in"}, 409)
	do("POST", "/connections", object{"from": "b", "to": "a"}, 201).has("problems.0.code", "cycle")
	do("DELETE", "/connections?from=b&to=a", nil, 200).has("problems.len", 0)
	do("DELETE", "/connections?from=b&to=a", nil, 404)
	do("PUT", "/nodes/b", object{"id": "a", "type": "core.noop"}, 409)
	do("PUT", "/nodes/b", object{"id": "last", "type": "core.noop"}, 200).has("item.id", "last", "problems.len", 0)
	a.ask("GET", "/api/v1/workflows/w/connections", nil).is(200).has("items.0.to", "last")
	a.ask("GET", "/api/v1/workflows/w/nodes/b", nil).problem(404, "not_found")
	do("DELETE", "/nodes/b", nil, 404)
	do("DELETE", "/nodes/last", nil, 200)
	a.ask("GET", "/api/v1/workflows/w/connections", nil).is(200).has("items.len", 0)
	a.ask("POST", "/api/v1/workflows/w/publish", nil).is(200).has("version", 1)
}

func TestVersionsOfAWorkflow(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	a.ask("POST", "/api/v1/workflows", hello("w")).is(201)
	a.ask("POST", "/api/v1/workflows", hello("w")).problem(409, "conflict")
	for version := 1; version <= 3; version++ {
		a.ask("PATCH", "/api/v1/workflows/w", object{"description": strconv.Itoa(version)}, "If-Match", "*").is(200)
		a.ask("POST", "/api/v1/workflows/w/publish", nil).is(200).has("version", version)
	}
	page := a.ask("GET", "/api/v1/workflows/w/versions?limit=2", nil).is(200).has("items.0.version", 3, "items.1.version", 2)
	next, _ := page.get("next_cursor").(string)
	a.ask("GET", "/api/v1/workflows/w/versions?limit=2&cursor="+next, nil).is(200).
		has("items.len", 1, "items.0.version", 1, "next_cursor", nil)
	a.ask("GET", "/api/v1/workflows?cursor="+next, nil).problem(422, "invalid_request")
	a.ask("GET", "/api/v1/workflows/w?version=2", nil).is(200).has("document.description", "2", "version", 2)
	a.ask("GET", "/api/v1/workflows/w?version=4", nil).problem(404, "not_found")
	a.ask("POST", "/api/v1/workflows/w/rollback", object{"version": 1}).is(200).has("published_version", 1)
	a.ask("GET", "/api/v1/workflows/w?version=published", nil).is(200).has("version", 1)
	a.ask("GET", "/api/v1/workflows/w/diff?from=1&to=3", nil).is(200).
		has("changes.len", 1, "changes.0.what", "description", "changes.0.after", "3")
	a.ask("PUT", "/api/v1/workflows/w", hello("renamed"), "If-Match", "*").problem(409, "conflict")
	a.ask("POST", "/api/v1/workflows/w/duplicate", object{"name": "copy", "version": "2"}).is(201).
		has("name", "copy", "document.description", "2")
	a.ask("PUT", "/api/v1/workflows/copy", hello("renamed"), "If-Match", "*").is(200).has("name", "renamed")
	a.ask("GET", "/api/v1/workflows", nil).is(200).has("items.len", 2, "items.0.name", "renamed", "items.1.published_version", 1)
	a.ask("GET", "/api/v1/workflows?search=REN", nil).is(200).has("items.len", 1)
}

func TestDocumentsGoOutAndComeBack(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	a.ask("POST", "/api/v1/workflows", hello("w")).is(201)
	for format, media := range map[string]string{"json": "application/json", "yaml": "application/yaml"} {
		got := a.ask("GET", "/api/v1/workflows/w/export?format="+format, nil).is(200)
		require.Equal(t, media, got.header.Get("Content-Type"))
		require.Contains(t, got.header.Get("Content-Disposition"), "attachment")
		a.ask("DELETE", "/api/v1/workflows/w", nil, "If-Match", "*").is(204)
		a.ask("POST", "/api/v1/import", string(got.text), "Content-Type", media).is(201).has("name", "w", "problems", nil)
	}
	a.ask("POST", "/api/v1/import", "name: [", "Content-Type", "application/yaml").problem(422, "invalid_workflow")
	a.ask("POST", "/api/v1/validate", hello("w")).is(200).has("valid", true, "problems.len", 0)
	broken := hello("w")
	broken["output"] = "{{ nodes.none.output }}"
	a.ask("POST", "/api/v1/validate", broken).is(200).has("valid", false, "problems.0.pointer", "/output")
	broken["extra"] = 1
	a.ask("POST", "/api/v1/validate", broken).problem(422, "invalid_workflow").has("errors.0.pointer", "/extra")
}

func TestAnotherWorkspacesWorkflowsAreNotThere(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	a.ask("POST", "/api/v1/workflows", hello("w")).is(201)
	a.ask("POST", "/api/v1/workflows/w/publish", nil).is(200)
	run, _ := a.ask("POST", "/api/v1/workflows/w/runs", object{"input": object{"name": "Ada"}, "wait": "20s"}).is(201).get("id").(string)
	otto := a.as("otto")
	for _, request := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/workflows/w", nil},
		{"PUT", "/workflows/w", hello("w")},
		{"PATCH", "/workflows/w", object{}},
		{"DELETE", "/workflows/w", nil},
		{"POST", "/workflows/w/publish", nil},
		{"POST", "/workflows/w/rollback", object{"version": 1}},
		{"POST", "/workflows/w/duplicate", object{"name": "stolen"}},
		{"POST", "/workflows/w/runs", object{}},
		{"GET", "/workflows/w/versions", nil},
		{"GET", "/workflows/w/diff", nil},
		{"GET", "/workflows/w/export", nil},
		{"GET", "/workflows/w/nodes", nil},
		{"GET", "/runs/" + run, nil},
		{"GET", "/runs/" + run + "/nodes", nil},
		{"GET", "/runs/" + run + "/events", nil},
		{"GET", "/runs/" + run + "/logs", nil},
		{"GET", "/runs/" + run + "/explain", nil},
		{"POST", "/runs/" + run + "/cancel", nil},
		{"POST", "/runs/" + run + "/retry", nil},
		{"POST", "/runs/" + run + "/signals", object{"name": "s"}},
	} {
		otto.ask(request.method, "/api/v1"+request.path, request.body, "If-Match", "*").problem(404, "not_found")
	}
	otto.ask("GET", "/api/v1/workflows", nil).is(200).has("items.len", 0)
	otto.ask("GET", "/api/v1/runs", nil).is(200).has("items.len", 0)
}
