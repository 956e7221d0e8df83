package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/server"
)

// withRuns is a server with a published workflow that waits for the signal "go".
func withRuns(t *testing.T, config server.Config) *api {
	t.Helper()
	a := newAPI(t, config)
	a.ask("POST", "/api/v1/workflows", object{
		"name": "waits", "nodes": []any{object{"id": "w", "type": "core.wait", "params": object{"signal": "go"}}},
	}).is(201)
	a.ask("POST", "/api/v1/workflows/waits/publish", nil).is(200)
	a.ask("POST", "/api/v1/workflows", hello("hello")).is(201)
	a.ask("POST", "/api/v1/workflows/hello/publish", nil).is(200)
	return a
}

func text(part any) string {
	s, _ := part.(string)
	return s
}

func TestARunIsStartedOnceForAKey(t *testing.T) {
	t.Parallel()
	a := withRuns(t, server.Config{})
	body := object{"input": object{"name": "Ada"}}
	first := a.ask("POST", "/api/v1/workflows/hello/runs", body, "Idempotency-Key", "k").is(201)
	again := a.ask("POST", "/api/v1/workflows/hello/runs", body, "Idempotency-Key", "k").is(201)
	require.Equal(t, first.get("id"), again.get("id"))
	other := object{"input": object{"name": "Grace"}}
	a.ask("POST", "/api/v1/workflows/hello/runs", other, "Idempotency-Key", "k").problem(422, "key_reused")
	a.ask("POST", "/api/v1/runs", object{"document": hello("x"), "input": object{"name": "Ada"}}, "Idempotency-Key", "k").problem(422, "key_reused")
	elsewhere := a.as("otto").ask("POST", "/api/v1/runs", object{"document": hello("x"), "input": object{"name": "Ada"}}, "Idempotency-Key", "k").is(201)
	require.NotEqual(t, first.get("id"), elsewhere.get("id"), "keys are a workspace's own")
	a.ask("GET", "/api/v1/runs", nil).is(200).has("items.len", 1)
}

func TestARunIsControlled(t *testing.T) {
	t.Parallel()
	a := withRuns(t, server.Config{})
	run := text(a.ask("POST", "/api/v1/workflows/waits/runs", object{"wait": "1ms"}).is(201).get("id"))
	at := "/api/v1/runs/" + run
	a.ask("POST", at+"/retry", nil).problem(409, "conflict")
	a.ask("POST", at+"/pause", object{"reason": "lunch"}).is(200).has("id", run)
	a.ask("POST", at+"/resume", nil).is(200)
	a.ask("POST", at+"/decisions", object{"node": "w", "outcome": "not_done"}).problem(409, "conflict")
	a.ask("POST", at+"/signals", object{"name": "go", "data": object{"by": "Ada"}}).is(200)
	a.ask("GET", at+"?wait=20s", nil).is(200).has("status", "succeeded")
	a.ask("POST", at+"/cancel", nil).problem(409, "conflict")
	a.ask("GET", at+"/explain", nil).is(200)
	made := a.ask("POST", at+"/retry", object{"from": "start"}, "Idempotency-Key", "r").is(201).has("origin.run", run)
	require.Equal(t, made.get("id"), a.ask("POST", at+"/retry", object{"from": "start"}, "Idempotency-Key", "r").is(201).get("id"))
	again := "/api/v1/runs/" + text(made.get("id"))
	a.ask("POST", again+"/cancel", object{"reason": "enough"}).is(200)
	a.ask("GET", again+"?wait=20s", nil).is(200).has("status", "canceled")
	a.as("viewer").ask("POST", again+"/cancel", nil).problem(403, "forbidden")
}

func TestManyRunsAtOnce(t *testing.T) {
	t.Parallel()
	a := withRuns(t, server.Config{})
	for range 3 {
		a.ask("POST", "/api/v1/workflows/waits/runs", object{"wait": "1ms"}).is(201)
	}
	page := a.ask("GET", "/api/v1/runs?limit=2", nil).is(200).has("items.len", 2)
	a.ask("GET", "/api/v1/runs?limit=2&cursor="+text(page.get("next_cursor")), nil).is(200).has("items.len", 1, "next_cursor", nil)
	unfinished := object{"workflow": "waits", "statuses": []any{"queued", "running", "waiting"}}
	a.ask("POST", "/api/v1/bulk/runs", object{"action": "cancel", "filter": unfinished, "reason": "enough"}).is(200).
		has("items.len", 3, "done", 3, "more", nil)
	first := text(a.ask("GET", "/api/v1/runs", nil).is(200).get("items.0.id"))
	a.ask("GET", "/api/v1/runs/"+first+"?wait=20s", nil).is(200).has("status", "canceled")
	a.ask("POST", "/api/v1/bulk/runs", object{"action": "pause", "runs": []any{first, "none"}}).is(200).
		has("done", 0, "items.0.code", "conflict", "items.1.code", "not_found")
	a.ask("POST", "/api/v1/bulk/runs", object{"action": "retry", "runs": []any{first}}).is(200).has("done", 1)
	a.ask("POST", "/api/v1/bulk/runs", object{"action": "cancel"}).problem(422, "invalid_request")
	a.ask("POST", "/api/v1/bulk/runs", object{"action": "cancel", "runs": []any{first}, "filter": unfinished}).problem(422, "invalid_request")
	a.ask("POST", "/api/v1/bulk/runs", object{"action": "forget", "runs": []any{first}}).problem(422, "invalid_request")
}

func TestTheRecordsOfARunComeInPages(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	nodes := []any{}
	for _, id := range []string{"a", "b", "c"} {
		nodes = append(nodes, object{"id": id, "type": "core.log", "params": object{"message": id}})
	}
	run := a.ask("POST", "/api/v1/runs", object{"document": object{"name": "w", "nodes": nodes}, "wait": "20s"}).is(201).has("status", "succeeded")
	for _, kind := range []string{"nodes", "events", "logs"} {
		at := "/api/v1/runs/" + text(run.get("id")) + "/" + kind + "?limit=1"
		seen, cursor := 0, ""
		for more := true; more; seen++ {
			page := a.ask("GET", at+cursor, nil).is(200).has("items.len", 1)
			next := text(page.get("next_cursor"))
			cursor, more = "&cursor="+next, next != ""
		}
		require.GreaterOrEqual(t, seen, 3, kind)
	}
	a.ask("GET", "/api/v1/runs/"+text(run.get("id"))+"/events?after=1", nil).is(200).has("items.0.seq", 2)
}

func TestANodeIsTestedAlone(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	set := func(id, template string) object {
		return object{"id": id, "type": "core.set", "params": object{"mode": "replace", "values": object{"x": template}}}
	}
	a.ask("POST", "/api/v1/workflows", object{
		"name": "w", "nodes": []any{set("a", "{{ 1 }}"), set("b", "{{ input.x + 1 }}"), object{"id": "half", "type": "no.such"}},
		"connections": []any{object{"from": "a", "to": "b"}, object{"from": "b", "to": "half"}},
	}).is(201)
	at := "/api/v1/workflows/w/nodes/b/test"
	a.ask("POST", at, object{"wait": "20s"}).is(201).has("status", "succeeded", "output.x", 2, "test", true)
	a.ask("POST", at, object{"alone": true}).problem(422, "invalid_input")
	a.ask("POST", at, object{"alone": true, "wait": "20s", "pins": object{"a": object{"x": 41}}}).is(201).has("output.x", 42)
	a.ask("POST", "/api/v1/workflows/w/nodes/none/test", nil).problem(404, "not_found")
	a.ask("POST", "/api/v1/workflows/w/nodes/half/test", nil).problem(422, "invalid_workflow")
}

func TestSchedulesOfAWorkspace(t *testing.T) {
	t.Parallel()
	a := withRuns(t, server.Config{})
	at := "/api/v1/schedules/every-day"
	body := object{"workflow": "waits", "cron": "0 9 * * *", "time_zone": "Europe/Berlin", "paused": true}
	a.ask("PUT", at, body).is(200).has("id", "every-day", "paused", true, "next_at", nil)
	a.ask("POST", at+"/resume", nil).is(200).has("paused", nil)
	require.NotEmpty(t, a.ask("GET", at, nil).is(200).get("next_at"))
	a.ask("POST", at+"/pause", nil).is(200).has("paused", true)
	run := a.ask("POST", at+"/trigger", nil).is(201).has("origin.schedule", "every-day")
	a.ask("GET", run.header.Get("Location"), nil).is(200)
	a.ask("GET", "/api/v1/schedules", nil).is(200).has("items.len", 1, "items.0.workflow", "waits")
	a.as("otto").ask("GET", at, nil).problem(404, "not_found")
	a.as("otto").ask("POST", at+"/trigger", nil).problem(404, "not_found")
	a.as("viewer").ask("PUT", at, body).problem(403, "forbidden")
	a.ask("POST", at+"/backfill", object{"from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z"}).is(200).has("times", 2)
	a.ask("PUT", at, object{"workflow": "none", "every": "1h"}).problem(404, "not_found")
	a.ask("PUT", at, object{"workflow": "waits", "cron": "never"}).problem(422, "invalid_input")
	a.ask("POST", "/api/v1/preview/schedule", object{"every": "1h", "count": 3}).is(200).has("times.len", 3)
	a.ask("DELETE", at, nil).is(204)
	a.ask("GET", at, nil).problem(404, "not_found")
}

func TestSettingsOfAWorkspace(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	a.ask("PUT", "/api/v1/variables/big", object{"value": 9007199254740993}).is(204)
	require.Contains(t, string(a.ask("GET", "/api/v1/variables", nil).is(200).text), "9007199254740993", "integers are exact")
	a.as("otto").ask("DELETE", "/api/v1/variables/big", nil).problem(404, "not_found")
	a.ask("DELETE", "/api/v1/variables/big", nil).is(204)
	a.ask("PUT", "/api/v1/quota", object{"weight": 2, "running": 5}).is(200)
	a.ask("GET", "/api/v1/quota", nil).is(200).has("weight", 2, "running", 5)
	a.ask("PUT", "/api/v1/quota", object{"weight": 1000}).problem(422, "invalid_input")
	a.as("operator").ask("PUT", "/api/v1/quota", object{}).problem(403, "forbidden")
	a.ask("PUT", "/api/v1/retention", object{"keep": object{"succeeded": "7d"}}).is(200)
	a.ask("GET", "/api/v1/retention", nil).is(200).has("keep.succeeded", "7d")
	a.ask("PUT", "/api/v1/retention", object{"keep": object{"running": "7d"}}).problem(422, "invalid_input")
}

func TestTheCatalogueSaysWhatDocumentsAreMadeOf(t *testing.T) {
	t.Parallel()
	a := withRuns(t, server.Config{})
	a.ask("GET", "/api/v1/catalogue/nodes", nil).is(200)
	a.ask("GET", "/api/v1/catalogue/nodes/core.set", nil).is(200).has("type", "core.set", "version", 1, "params.type", "object")
	a.ask("GET", "/api/v1/catalogue/nodes/core.set?version=99", nil).problem(404, "not_found")
	require.NotEmpty(t, a.ask("GET", "/api/v1/catalogue/functions", nil).is(200).get("items.0.signature"))
	run := a.ask("POST", "/api/v1/workflows/hello/runs", object{"input": object{"name": "Ada"}, "wait": "20s"}).is(201)
	at := "/api/v1/preview/expression"
	a.ask("POST", at, object{"template": "{{ nodes.greet.output.greeting + input.name }}", "run": run.get("id")}).is(200).
		has("value", "Hello, Ada!Ada")
	a.ask("POST", at, object{"template": "{{ 1 + }}"}).problem(422, "invalid_input")
	a.ask("POST", at, object{"template": "{{ input.x.y + 1 }}", "input": object{"x": "s3cr3t"}}).problem(422, "expression_failed")
	a.as("otto").ask("POST", at, object{"template": "x", "run": run.get("id")}).problem(404, "not_found")
}

func TestWhoWaitsIsAnsweredWhenTheServerEnds(t *testing.T) {
	t.Parallel()
	ending := make(chan struct{})
	a := withRuns(t, server.Config{Ending: ending})
	run := text(a.ask("POST", "/api/v1/workflows/waits/runs", nil).is(201).get("id"))
	answered := make(chan *reply, 1)
	go func() { answered <- a.ask("GET", "/api/v1/runs/"+run+"?wait=25s", nil) }()
	close(ending)
	select {
	case got := <-answered:
		require.NotEqual(t, "succeeded", got.is(200).get("status"))
	case <-time.After(10 * time.Second):
		t.Fatal("it waits on")
	}
}
