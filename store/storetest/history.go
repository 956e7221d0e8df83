package storetest

import (
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func historyCases() []testCase {
	return []testCase{
		{"events, node runs and logs come in pages", paged},
	}
}

func listCases() []testCase {
	return []testCase{
		{"runs are listed newest first, without their values", func(k *kit) {
			first, second, third := k.newRun(), k.newRun(), k.newRun()
			third.Run.CreatedAt = second.Run.CreatedAt
			k.create(second, third, first)
			want := []flowforge.RunID{third.Run.ID, second.Run.ID, first.Run.ID}
			require.Equal(k, want, k.list(store.Filter{}))
			runs, err := k.Store.List(k.ctx, acme, store.Filter{Limit: 1})
			require.NoError(k, err)
			third.Run.Input, third.Run.Vars = flowforge.Value{}, flowforge.Value{}
			require.Equal(k, text(k, third.Run), text(k, runs[0]))
		}},
		{"an output is not listed", func(k *kit) {
			o := k.start(k.newRun())
			end := o.end(flowforge.RunSucceeded)
			end.End.Output = flowforge.MustValue("output")
			k.commit(end)
			runs, err := k.Store.List(k.ctx, acme, store.Filter{})
			require.NoError(k, err)
			require.True(k, runs[0].Output.IsNull())
			require.False(k, k.run(o.lease.Run).Output.IsNull())
		}},
	}
}

func pageCases() []testCase {
	return []testCase{
		{"a page begins after the last of the page before", func(k *kit) {
			want := make([]flowforge.RunID, 0, 120)
			for range cap(want) {
				n := k.newRun()
				n.Run.CreatedAt = n.Run.CreatedAt.Truncate(time.Minute)
				k.create(n)
				want = append(want, n.Run.ID)
			}
			slices.Reverse(want)
			require.Equal(k, want[:50], k.list(store.Filter{}), "50 without a limit")
			require.Equal(k, want, k.pages(store.Filter{Limit: 7}))
		}},
		{"a page after a run that does not exist is not found", func(k *kit) {
			k.create(k.newRun())
			_, err := k.Store.List(k.ctx, acme, store.Filter{Before: "missing"})
			k.code(flowforge.CodeNotFound, err)
		}},
		{"a list is filtered by workflow and statuses", func(k *kit) {
			queued, running, failed := k.newRun(), k.newRun(), k.newRun()
			running.Run.Workflow.Name = "second"
			k.create(queued)
			r, f := k.start(running), k.start(failed)
			k.commit(r.next(flowforge.EventRunStarted), f.end(flowforge.RunFailed))
			require.Equal(k, []flowforge.RunID{failed.Run.ID, queued.Run.ID}, k.list(store.Filter{Workflow: "flow"}))
			require.Equal(k, []flowforge.RunID{running.Run.ID}, k.list(store.Filter{Workflow: "second"}))
			require.Empty(k, k.list(store.Filter{Workflow: "fl"}))
			require.Equal(k, []flowforge.RunID{failed.Run.ID}, k.list(store.Filter{Statuses: []flowforge.RunStatus{flowforge.RunFailed}}))
			require.Equal(k, []flowforge.RunID{running.Run.ID, queued.Run.ID}, k.list(store.Filter{
				Statuses: []flowforge.RunStatus{flowforge.RunQueued, flowforge.RunRunning},
			}))
			require.Empty(k, k.list(store.Filter{Workflow: "second", Statuses: []flowforge.RunStatus{flowforge.RunFailed}}))
		}},
	}
}

func filterCases() []testCase {
	return []testCase{
		{"a list is filtered by the run they came from, in pages", func(k *kit) {
			parent := k.newRun()
			k.create(parent)
			children := make([]flowforge.RunID, 0, 9)
			for i := range cap(children) {
				n, retry := k.newRun(), k.newRun()
				n.Run.Origin = &flowforge.Origin{Run: parent.Run.ID, Kind: flowforge.OriginParent, Node: "a"}
				retry.Run.Origin = &flowforge.Origin{Run: n.Run.ID, Kind: flowforge.OriginParent}
				k.create(n, retry)
				children = append(children, n.Run.ID)
				if i == 0 {
					require.Equal(k, []flowforge.RunID{retry.Run.ID}, k.list(store.Filter{Origin: n.Run.ID}))
				}
			}
			slices.Reverse(children)
			require.Equal(k, children, k.list(store.Filter{Origin: parent.Run.ID}))
			require.Equal(k, children, k.pages(store.Filter{Origin: parent.Run.ID, Limit: 4}))
			require.Empty(k, k.list(store.Filter{Origin: "missing"}))
		}},
		{"a list is filtered by when runs were created: not before From, and before To", func(k *kit) {
			all := make([]store.NewRun, 20)
			for i := range all {
				all[i] = k.newRun()
				all[i].Run.CreatedAt = time.Date(2026, 1, 2, 3, 4, i/2, 1_000, time.UTC)
			}
			k.create(all...)
			between := func(from, to int) []flowforge.RunID {
				ids := make([]flowforge.RunID, 0, to-from)
				for _, n := range all[from:to] {
					ids = append(ids, n.Run.ID)
				}
				slices.Reverse(ids)
				return ids
			}
			from, to := all[6].Run.CreatedAt, all[14].Run.CreatedAt
			require.Equal(k, between(6, 20), k.list(store.Filter{From: from}))
			require.Equal(k, between(8, 20), k.list(store.Filter{From: from.Add(time.Microsecond)}))
			require.Equal(k, between(0, 14), k.list(store.Filter{To: to}))
			require.Equal(k, between(0, 16), k.list(store.Filter{To: to.Add(time.Microsecond)}))
			require.Equal(k, between(6, 14), k.list(store.Filter{From: from, To: to}))
			require.Equal(k, between(6, 14), k.pages(store.Filter{From: from, To: to, Limit: 3}))
			require.Equal(k, between(6, 10), k.list(store.Filter{From: from, To: to, Before: all[10].Run.ID}))
			require.Equal(k, between(6, 14), k.list(store.Filter{From: from, To: to, Before: all[19].Run.ID}))
			require.Empty(k, k.list(store.Filter{From: to, To: from}))
		}},
	}
}

func filtersCases() []testCase {
	return []testCase{
		{"filters are all kept at once", func(k *kit) {
			n, second := k.newRun(), k.newRun()
			n.Run.Origin = &flowforge.Origin{Run: "parent", Kind: flowforge.OriginParent}
			second.Run.Origin = n.Run.Origin
			second.Run.Workflow.Name = "second"
			k.create(n, second, k.newRun())
			filter := store.Filter{
				Origin: "parent", Workflow: "flow", From: n.Run.CreatedAt, To: second.Run.CreatedAt.Add(time.Minute),
				Statuses: []flowforge.RunStatus{flowforge.RunQueued},
			}
			require.Equal(k, []flowforge.RunID{n.Run.ID}, k.list(filter))
			filter.Statuses[0] = flowforge.RunFailed
			require.Empty(k, k.list(filter))
		}},
	}
}

// pages gives the IDs of all pages of a list.
func (k *kit) pages(filter store.Filter) (ids []flowforge.RunID) {
	k.Helper()
	for page := k.list(filter); len(page) > 0; page = k.list(filter) {
		ids = append(ids, page...)
		filter.Before = page[len(page)-1]
	}
	return ids
}

func documentCases() []testCase {
	return []testCase{
		{"a run that does not exist has no history", func(k *kit) {
			for name, err := range k.histories(acme, "missing") {
				k.code(flowforge.CodeNotFound, err)
				require.Error(k, err, name)
			}
			_, err := k.Store.Document(k.ctx, acme, "missing")
			k.code(flowforge.CodeNotFound, err)
		}},
		{"a document is there for each run that was started with it", func(k *kit) {
			first, second := k.newRun(), k.newRun()
			second.Document = store.Document{Hash: "second", Text: flowforge.MustValue("text")}
			k.create(first, second)
			for hash, want := range map[string]flowforge.Value{"hash": first.Document.Text, "second": second.Document.Text} {
				doc, err := k.Store.Document(k.ctx, acme, hash)
				require.NoError(k, err)
				require.Equal(k, store.Document{Hash: hash, Text: want}.Text.String(), doc.Text.String())
			}
		}},
		{"a closed store refuses everything", func(k *kit) {
			n := k.newRun()
			k.create(n)
			require.NoError(k, k.Store.Close())
			_, err := k.Store.Create(k.ctx, []store.NewRun{n})
			k.code(flowforge.CodeClosed, err)
			_, err = k.Store.Commit(k.ctx, nil)
			k.code(flowforge.CodeClosed, err)
			for _, err := range k.histories(acme, n.Run.ID) {
				k.code(flowforge.CodeClosed, err)
			}
		}},
	}
}

// list gives the IDs of a page of acme's runs.
func (k *kit) list(filter store.Filter) []flowforge.RunID {
	k.Helper()
	runs, err := k.Store.List(k.ctx, acme, filter)
	require.NoError(k, err)
	ids := make([]flowforge.RunID, 0, len(runs))
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	return ids
}

// histories reads a run in each way there is.
func (k *kit) histories(workspace flowforge.Workspace, id flowforge.RunID) map[string]error {
	errs := map[string]error{}
	_, errs["Run"] = k.Store.Run(k.ctx, workspace, id)
	_, errs["NodeRuns"] = k.Store.NodeRuns(k.ctx, workspace, id, 0, 10)
	_, errs["Events"] = k.Store.Events(k.ctx, workspace, id, 0, 10)
	_, errs["Logs"] = k.Store.Logs(k.ctx, workspace, id, 0, 10)
	_, errs["Messages"] = k.Store.Messages(k.ctx, workspace, id)
	return errs
}

func paged(k *kit) {
	o := k.start(k.newRun())
	const many = 119
	step := o.next(make([]flowforge.EventKind, many)...)
	for i := range many {
		step.Events[i].Kind = flowforge.EventNodeSucceeded
		step.Nodes = append(step.Nodes, flowforge.NodeRun{Node: "a", Element: strconv.Itoa(i), Status: flowforge.NodeSucceeded})
		step.Logs = append(step.Logs, store.LogLine{Message: strconv.Itoa(i)})
	}
	k.commit(step)
	var events, nodes, logs []string
	pages := func(skip, limit int) (lengths [3]int) {
		page, err := k.Store.Events(k.ctx, acme, o.lease.Run, int64(skip)+1, limit)
		require.NoError(k, err)
		for _, event := range page {
			events = append(events, strconv.FormatInt(event.Seq-2, 10))
		}
		nodePage, err := k.Store.NodeRuns(k.ctx, acme, o.lease.Run, skip, limit)
		require.NoError(k, err)
		for _, node := range nodePage {
			nodes = append(nodes, node.Element)
		}
		logPage, err := k.Store.Logs(k.ctx, acme, o.lease.Run, skip, limit)
		require.NoError(k, err)
		for _, line := range logPage {
			logs = append(logs, line.Message)
		}
		return [3]int{len(page), len(nodePage), len(logPage)}
	}
	require.Equal(k, [3]int{50, 50, 50}, pages(0, 0), "50 without a limit")
	require.Equal(k, [3]int{50, 50, 50}, pages(50, 50))
	require.Equal(k, [3]int{19, 19, 19}, pages(100, 50))
	require.Equal(k, [3]int{}, pages(many, 50))
	require.Equal(k, [3]int{}, pages(many+100, 50))
	require.Len(k, events, many)
	for i := range many {
		require.Equal(k, []string{strconv.Itoa(i), strconv.Itoa(i), strconv.Itoa(i)}, []string{events[i], nodes[i], logs[i]})
	}
}
