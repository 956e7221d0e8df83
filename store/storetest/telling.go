package storetest

import (
	"context"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// tellingCases check that changes of configuration are written with the entries that tell of them.
func tellingCases() []testCase {
	return []testCase{
		{"each change of configuration is written with its entry", func(k *kit) {
			saved, err := k.Store.SaveDraft(k.telling("create"), acme, store.SavedWorkflow{Name: "flow", Document: k.newRun().Document})
			require.NoError(k, err)
			_, err = k.Store.SaveDraft(k.telling("change"), acme, saved)
			require.NoError(k, err)
			_, err = k.Store.Publish(k.telling("publish"), acme, saved.ID, "ada")
			require.NoError(k, err)
			_, err = k.Store.Rollback(k.telling("rollback"), acme, saved.ID, 1)
			require.NoError(k, err)
			require.NoError(k, k.Store.DeleteWorkflow(k.telling("delete"), acme, saved.ID, ""))
			id := string(saved.ID)
			require.NoError(k, k.Store.SetVariable(k.telling("set"), acme, "a", flowforge.MustValue(1)))
			require.NoError(k, k.Store.DeleteVariable(k.telling("forget"), acme, "a"))
			schedule := store.Schedule{Workspace: acme, ID: "nightly", Definition: flowforge.MustValue(1), State: flowforge.MustValue(1)}
			require.NoError(k, k.Store.SaveSchedule(k.telling("plan"), schedule))
			require.NoError(k, k.Store.DeleteSchedule(k.telling("unplan"), acme, "nightly"))
			require.NoError(k, k.Store.SetQuota(k.telling("quota"), acme, store.Quota{Weight: 2}))
			keep := map[flowforge.RunStatus]time.Duration{flowforge.RunFailed: time.Hour}
			require.NoError(k, k.Store.SetRetention(k.telling("retention"), acme, keep))
			require.Equal(k, []string{
				"create " + id + " flow", "change " + id + " flow", "publish " + id + " flow 1", "rollback " + id + " flow 1", "delete " + id + " flow",
				"set a", "forget a", "plan nightly", "unplan nightly", "quota", "retention",
			}, k.told())
		}},
		{"what is refused is not told of", func(k *kit) {
			saved, err := k.Store.SaveDraft(k.ctx, acme, store.SavedWorkflow{Name: "flow", Document: k.newRun().Document})
			require.NoError(k, err)
			_, err = k.Store.SaveDraft(k.telling("x"), acme, store.SavedWorkflow{Name: "flow", Replaces: store.NoDraft})
			k.code(flowforge.CodeConflict, err)
			_, err = k.Store.Publish(k.telling("x"), acme, "none", "")
			k.code(flowforge.CodeNotFound, err)
			_, err = k.Store.Rollback(k.telling("x"), acme, saved.ID, 3)
			k.code(flowforge.CodeNotFound, err)
			k.code(flowforge.CodeChanged, k.Store.DeleteWorkflow(k.telling("x"), acme, saved.ID, "another"))
			k.code(flowforge.CodeNotFound, k.Store.DeleteVariable(k.telling("x"), acme, "none"))
			k.code(flowforge.CodeNotFound, k.Store.DeleteSchedule(k.telling("x"), acme, "none"))
			k.code(flowforge.CodeConflict, k.Store.SaveSchedule(k.telling("x"), store.Schedule{Workspace: acme, ID: "none", Revision: 3}))
			require.Empty(k, k.told())
		}},
		{"changes of the same moment are a chain", func(k *kit) {
			done := make(chan error)
			for range 8 {
				go func() { done <- k.Store.SetVariable(k.telling("set"), acme, "a", flowforge.MustValue(1)) }()
			}
			for range 8 {
				require.NoError(k, <-done)
			}
			require.Len(k, k.told(), 8)
		}},
	}
}

// telling is the context of a change that an entry tells of.
func (k *kit) telling(action string) context.Context {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000, time.UTC)
	return auth.Telling(k.ctx, auth.Entry{Workspace: acme, At: at, Kind: auth.KindUser, User: "ada", Action: action})
}

// told gives what the chain of acme tells of, which must be whole.
func (k *kit) told() []string {
	k.Helper()
	audit, both := k.Store.(auth.Audit)
	require.True(k, both, "the store keeps no audit log")
	entries, err := audit.ListAudit(k.ctx, acme, 0, 1_000)
	require.NoError(k, err)
	all := make([]string, len(entries))
	var before *auth.Entry
	for i := range entries {
		e := &entries[i]
		require.True(k, e.Intact(before), "entry %d is not what was written", i+1)
		before = e
		all[i] = strings.TrimRight(strings.Join([]string{e.Action, e.Target, e.Detail["name"], e.Detail["version"]}, " "), " ")
	}
	return all
}
