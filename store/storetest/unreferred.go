package storetest

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func unreferredCases() []testCase {
	return []testCase{
		{"a document is forgotten with the last that refers to it", func(k *kit) {
			first, second, third := k.newRun(), k.newRun(), k.newRun()
			saved := k.saveDraft("flow", "saved")
			first.Document = store.Document{Hash: "shared", Text: flowforge.MustValue("shared")}
			second.Document, third.Document = first.Document, saved.Document
			a, b, c := k.start(first), k.start(second), k.start(third)
			k.keepNothing()
			k.commit(a.end(flowforge.RunSucceeded), c.end(flowforge.RunSucceeded))
			require.Equal(k, 2, k.prune(10))
			k.document("shared", true)
			k.document("hash of saved", true)
			k.commit(b.end(flowforge.RunSucceeded))
			require.Equal(k, 1, k.prune(10))
			k.document("shared", false)
			k.document("hash of saved", true)
			k.create(second)
			k.document("shared", true)
		}},
		{"the documents of a deleted workflow are forgotten with the last run of theirs", func(k *kit) {
			id := k.published("first", "second")
			n := k.newRun()
			n.Document = store.Document{Hash: "hash of first", Text: flowforge.MustValue("first")}
			o := k.start(n)
			k.keepNothing()
			require.NoError(k, k.Store.DeleteWorkflow(k.ctx, acme, id, ""))
			k.ended(flowforge.RunSucceeded)
			require.Equal(k, 1, k.prune(10))
			k.document("hash of first", true)
			k.document("hash of second", false)
			k.commit(o.end(flowforge.RunSucceeded))
			require.Equal(k, 1, k.prune(10))
			k.document("hash of first", false)
		}},
		{"a blob is forgotten with the last value that has its hash in a text", func(k *kit) {
			lone, shared, varied := k.putBlob("lone"), k.putBlob("shared"), k.putBlob("varied")
			k.setVariable(acme, "v", flowforge.MustValue([]any{"blob/" + varied}))
			a, b := k.start(k.newRun()), k.start(k.newRun())
			k.commit(a.outputs(lone, shared, varied), b.outputs(shared), a.end(flowforge.RunSucceeded))
			k.keepNothing()
			k.Advance(2 * store.BlobGrace)
			require.Equal(k, 1, k.prune(10))
			require.Equal(k, []bool{false, true, true}, k.blobs(lone, shared, varied))
			k.commit(b.end(flowforge.RunSucceeded))
			require.Equal(k, 1, k.prune(10))
			require.Equal(k, []bool{false, false, true}, k.blobs(lone, shared, varied))
		}},
		{"a blob that was put in lately is kept, since what refers to it comes later", func(k *kit) {
			old, again := k.putBlob("old"), k.putBlob("again")
			k.keepNothing()
			k.Advance(2 * store.BlobGrace)
			fresh := k.putBlob("fresh")
			k.putBlob("again")
			k.ended(flowforge.RunSucceeded)
			require.Equal(k, 1, k.prune(10))
			require.Equal(k, []bool{false, true, true}, k.blobs(old, fresh, again))
			k.Advance(2 * store.BlobGrace)
			k.prune(10)
			require.Equal(k, []bool{false, false, false}, k.blobs(old, fresh, again))
		}},
	}
}

func sharedCases() []testCase {
	return []testCase{
		{"a large value is there as long as its run, and so are the blobs that it refers to", func(k *kit) {
			hash := k.putBlob("blob")
			large := flowforge.MustValue([]any{strings.Repeat("large ", 50_000), map[string]any{"sha256": hash}})
			first, second, third := k.newRun(), k.newRun(), k.newRun()
			first.Run.Input, second.Run.Input = large, large
			a, b, c := k.start(first), k.start(second), k.start(third)
			step := c.outputs(hash)
			step.Nodes[0].Output = flowforge.Out(large)
			k.commit(step, a.end(flowforge.RunSucceeded))
			k.keepNothing()
			k.Advance(2 * store.BlobGrace)
			require.Equal(k, 1, k.prune(10))
			require.Equal(k, large.String(), k.run(second.Run.ID).Input.String())
			k.commit(b.end(flowforge.RunSucceeded))
			require.Equal(k, 1, k.prune(10))
			output, _ := k.nodes(third.Run.ID)[0].Output.Get(flowforge.PortOut)
			require.Equal(k, large.String(), output.String())
			require.Equal(k, []bool{true}, k.blobs(hash))
			k.commit(c.end(flowforge.RunSucceeded))
			require.Equal(k, 1, k.prune(10))
			require.Equal(k, []bool{false}, k.blobs(hash))
		}},
		{"a blob is of one workspace, and so is what refers to it", func(k *kit) {
			hash := k.putBlob("blob")
			_, _, err := k.Store.PutBlob(k.ctx, other, strings.NewReader("blob"))
			require.NoError(k, err)
			n := k.newRun()
			n.Run.Workspace = other
			mine, theirs := k.start(k.newRun()), k.start(n)
			k.commit(mine.outputs(hash), theirs.outputs(hash), mine.end(flowforge.RunSucceeded))
			k.keepNothing()
			k.Advance(2 * store.BlobGrace)
			require.Equal(k, 1, k.prune(10))
			require.Equal(k, []bool{false}, k.blobs(hash))
			_, err = k.Store.OpenBlob(k.ctx, other, hash)
			require.NoError(k, err)
		}},
	}
}

// outputs is a transition that records an output for each hash of a blob.
func (o *owned) outputs(hashes ...string) store.Transition {
	t := o.next(flowforge.EventNodeSucceeded)
	for i, hash := range hashes {
		node := result("each", flowforge.NodeSucceeded, o.kit.Now())
		node.Element = string(rune('0' + i))
		node.Output = flowforge.Out(flowforge.MustValue(map[string]any{"blob": map[string]any{"sha256": hash, "size": 4}}))
		t.Nodes = append(t.Nodes, node)
	}
	return t
}

func (k *kit) document(hash string, there bool) {
	k.Helper()
	_, err := k.Store.Document(k.ctx, acme, hash)
	if there {
		require.NoError(k, err)
	} else {
		k.code(flowforge.CodeNotFound, err)
	}
}

func (k *kit) putBlob(content string) string {
	k.Helper()
	hash, _, err := k.Store.PutBlob(k.ctx, acme, strings.NewReader(content))
	require.NoError(k, err)
	return hash
}

// blobs tells which of acme's blobs are there.
func (k *kit) blobs(hashes ...string) []bool {
	k.Helper()
	there := make([]bool, 0, len(hashes))
	for _, hash := range hashes {
		reader, err := k.Store.OpenBlob(k.ctx, acme, hash)
		if err == nil {
			require.NoError(k, reader.Close())
		} else {
			k.code(flowforge.CodeNotFound, err)
		}
		there = append(there, err == nil)
	}
	return there
}
