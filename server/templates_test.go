package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/server"
)

func TestEachTemplateDoesWhatItSays(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	tests := map[string]struct{ input, signal, want any }{
		"hello":    {object{"name": "Ada"}, nil, "Hello, Ada!"},
		"approval": {object{"request": "a desk"}, object{"approved": true}, object{"outcome": "approved", "request": "a desk"}},
		"triage":   {object{"kind": "receipt", "id": 7}, nil, object{"kind": "receipt", "id": 7.0, "queue": "archive"}},
		"sales-report": {object{"sales": []any{
			object{"country": "FR", "amount": 5}, object{"country": "DE", "amount": 9}, object{"country": "FR", "amount": 1},
		}}, nil, "DE: 9 in 1 orders\nFR: 6 in 2 orders\n"},
		"clean-contacts": {object{"contacts": []any{
			object{"name": "Rob", "email": "r@x.org"},
			object{"name": "Ada", "email": "a@x.org"},
			object{"name": "Tim"},
			object{"name": "Robert", "email": "R@x.org"},
		}}, nil, []any{object{"name": "Ada", "email": "a@x.org"}, object{"name": "Rob", "email": "r@x.org"}}},
		"compare-lists": {object{
			"before": []any{object{"id": 1}, object{"id": 2, "x": 1}},
			"after":  []any{object{"id": 2, "x": 2}, object{"id": 3}, object{"id": 4}},
		}, nil, object{"added": 2.0, "removed": 1.0, "changed": 1.0}},
		"check-input": {object{"email": "a@x.org", "age": 36}, nil, object{"accepted": true}},
		"price-list": {object{
			"html": `<p class=product><b class=name>Tea</b> <i class=price>3</i><p class=product><b class=name>Milk</b>`,
		}, nil, []any{object{"name": "Tea", "price": "3"}}},
		"newsletter":    {object{"title": "A < B", "text": "See **this**."}, nil, "<h1>A &lt; B</h1><p>See <strong>this</strong>.</p>\n"},
		"read-xml":      {object{"xml": "<books><book><title>Go</title></book></books>"}, nil, []any{"Go"}},
		"order-total":   {object{"lines": []any{object{"price": 2, "quantity": 3}, object{"price": 5, "quantity": 1}}}, nil, object{"total": 11.0, "lines": 2.0}},
		"count-down":    {object{"left": 4}, nil, 4.0},
		"guarded-order": {object{"id": 7, "amount": 5000}, nil, "We are sorry: order 7 is above the limit."},
	}
	listed := a.ask("GET", "/api/v1/templates?limit=200", nil).is(200).has("items.len", len(tests), "next_cursor", nil)
	require.GreaterOrEqual(t, len(tests), 12)
	items, _ := listed.get("items").([]any)
	for _, item := range items {
		id := text(item.(object)["id"])
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			test, known := tests[id]
			require.True(t, known)
			a := &api{t, a.handler, "ada"}
			a.ask("GET", "/api/v1/templates/"+id, nil).is(200).has("id", id, "document.name", id)
			a.ask("POST", "/api/v1/templates/"+id+"/workflows", object{"name": "my " + id}).is(201).has("name", "my "+id, "problems", nil)
			a.ask("POST", "/api/v1/workflows/my%20"+id+"/publish", nil).is(200)
			run := a.ask("POST", "/api/v1/workflows/my%20"+id+"/runs", object{"input": test.input}).is(201)
			at := run.header.Get("Location")
			if test.signal != nil {
				a.ask("POST", at+"/signals", object{"name": "decision", "data": test.signal}).is(200)
			}
			ended := a.ask("GET", at+"?wait=20s", nil).is(200).has("status", "succeeded")
			require.Equal(t, test.want, ended.get("output"))
		})
	}
	a.ask("GET", "/api/v1/templates/none", nil).problem(404, "not_found")
	a.as("viewer").ask("POST", "/api/v1/templates/hello/workflows", object{"name": "x"}).problem(403, "forbidden")
}
