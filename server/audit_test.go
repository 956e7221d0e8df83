package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Changes of configuration stand in the audit log of the workspace, with those of people and keys, in one chain.
func TestChangesOfConfigurationAreInTheAuditLog(t *testing.T) {
	t.Parallel()
	_, ada := settled(t)
	document := object{"name": "flow", "nodes": []any{object{"id": "n", "type": "core.noop"}}}
	ada.ask("POST", "/api/v1/workflows", document).is(201)
	ada.ask("POST", "/api/v1/workflows", document).is(409) // and is not told of
	etag := ada.ask("GET", "/api/v1/workflows/flow", nil).is(200).header.Get("ETag")
	ada.ask("POST", "/api/v1/workflows/flow/nodes", object{"id": "m", "type": "core.noop"}, "If-Match", etag).is(201)
	ada.ask("POST", "/api/v1/workflows/flow/publish", nil).is(200)
	ada.ask("POST", "/api/v1/workflows/flow/runs", object{}).is(201) // runs have events of their own
	ada.ask("PUT", "/api/v1/variables/limit", object{"value": 3}).is(204)
	ada.ask("PUT", "/api/v1/schedules/nightly", object{"workflow": "flow", "cron": "0 3 * * *"}).is(200)
	ada.ask("POST", "/api/v1/schedules/nightly/pause", nil).is(200)
	ada.ask("PUT", "/api/v1/quota", object{"weight": 2}).is(200)
	ada.ask("PUT", "/api/v1/retention", object{"keep": object{"failed": "7d"}}).is(200)
	ada.ask("DELETE", "/api/v1/variables/limit", nil).is(204)
	ada.ask("DELETE", "/api/v1/workflows/flow", nil, "If-Match", "*").is(204)

	log := ada.ask("GET", "/api/v1/audit", nil).is(200)
	entries, _ := log.get("items").([]any)
	var told []string
	for i, e := range entries {
		e, _ := e.(map[string]any)
		action, _ := e["action"].(string)
		told = append(told, action)
		require.Equal(t, i > 0, e["user"] != nil, action) // at first nobody could sign in
	}
	require.Equal(t, []string{
		"workspace.create", "workflow.create", "node.add", "workflow.publish", "variable.set", "schedule.save", "schedule.pause",
		"quota.set", "retention.set", "variable.delete", "workflow.delete",
	}, told)
	log.has("items.1.detail.name", "flow", "items.3.detail.version", "1", "items.4.target", "limit", "items.5.target", "nightly")
	ada.ask("GET", "/api/v1/audit/verification", nil).is(200).has("intact", true)
}
