package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func workflowCases() []testCase {
	return []testCase{
		{"a draft of a new name makes a workflow", func(k *kit) {
			saved := k.saveDraft("flow", "one")
			require.NotEmpty(k, saved.ID)
			require.Equal(k, store.DraftVersion, saved.Version)
			require.Zero(k, saved.Published)
			require.Equal(k, saved.ID, k.workflow("flow", store.DraftVersion, "one").ID)
			_, err := k.Store.Workflow(k.ctx, acme, "flow", store.PublishedVersion)
			k.code(flowforge.CodeNotFound, err)
			require.NotEqual(k, saved.ID, k.saveDraft("second", "one").ID)
		}},
		{"a draft of a known name replaces the draft", func(k *kit) {
			first := k.saveDraft("flow", "one")
			require.Equal(k, first.ID, k.saveDraft("flow", "two").ID)
			k.workflow("flow", store.DraftVersion, "two")
			require.Len(k, k.listWorkflows("", 0), 1)
		}},
		{"a draft with an ID may change the name, but not to one that is taken", func(k *kit) {
			first, second := k.saveDraft("first", "one"), k.saveDraft("second", "two")
			k.publish(first.ID, 1)
			first.Name = "renamed"
			renamed, err := k.Store.SaveDraft(k.ctx, acme, first)
			require.NoError(k, err)
			require.Equal(k, first.ID, renamed.ID)
			require.Equal(k, 1, renamed.Published)
			k.workflow("renamed", 1, "one")
			_, err = k.Store.Workflow(k.ctx, acme, "first", store.DraftVersion)
			k.code(flowforge.CodeNotFound, err)
			require.Equal(k, []string{"renamed", "second"}, k.listWorkflows("", 0))
			second.Name = "renamed"
			_, err = k.Store.SaveDraft(k.ctx, acme, second)
			k.code(flowforge.CodeConflict, err)
			k.workflow("second", store.DraftVersion, "two")
			second.ID, second.Name = "missing", "third"
			_, err = k.Store.SaveDraft(k.ctx, acme, second)
			k.code(flowforge.CodeNotFound, err)
		}},
	}
}

func replaceCases() []testCase {
	return []testCase{
		{"a draft replaces only the one that it is to replace", func(k *kit) {
			saved := k.saveDraft("flow", "one")
			k.code(flowforge.CodeChanged, k.replace(saved, "two", "hash of zero"))
			k.workflow("flow", store.DraftVersion, "one")
			require.NoError(k, k.replace(saved, "two", "hash of one"))
			k.code(flowforge.CodeChanged, k.replace(saved, "three", "hash of one"))
			saved.ID = ""
			k.code(flowforge.CodeChanged, k.replace(saved, "three", "hash of one"))
			k.code(flowforge.CodeConflict, k.replace(saved, "three", store.NoDraft))
			k.workflow("flow", store.DraftVersion, "two")
			saved.Name = "new"
			k.code(flowforge.CodeChanged, k.replace(saved, "three", "hash of one"))
			require.NoError(k, k.replace(saved, "three", store.NoDraft))
			k.workflow("new", store.DraftVersion, "three")
		}},
		{"of many who replace the same draft one succeeds", func(k *kit) {
			saved := k.saveDraft("flow", "one")
			var all sync.WaitGroup
			answers := make(chan error, 8)
			for i := range cap(answers) {
				all.Go(func() { answers <- k.replace(saved, fmt.Sprint("two, by ", i), "hash of one") })
			}
			all.Wait()
			close(answers)
			done := 0
			for err := range answers {
				if err == nil {
					done++
					continue
				}
				k.code(flowforge.CodeChanged, err)
			}
			require.Equal(k, 1, done)
		}},
		{"a workflow that was deleted is not there any more, and its name is free", func(k *kit) {
			id := k.published("one", "two")
			other := k.saveDraft("other", "one")
			k.code(flowforge.CodeChanged, k.Store.DeleteWorkflow(k.ctx, acme, id, "hash of one"))
			k.workflow("flow", 1, "one")
			require.NoError(k, k.Store.DeleteWorkflow(k.ctx, acme, id, "hash of two"))
			for _, version := range []int{store.DraftVersion, store.PublishedVersion, 1} {
				_, err := k.Store.Workflow(k.ctx, acme, "flow", version)
				k.code(flowforge.CodeNotFound, err)
			}
			_, err := k.Store.Versions(k.ctx, acme, id, 0, 0)
			k.code(flowforge.CodeNotFound, err)
			k.code(flowforge.CodeNotFound, k.Store.DeleteWorkflow(k.ctx, acme, id, ""))
			require.Equal(k, []string{"other"}, k.listWorkflows("", 0))
			again := k.saveDraft("flow", "three")
			require.NotEqual(k, id, again.ID)
			k.publish(again.ID, 1)
			require.NoError(k, k.Store.DeleteWorkflow(k.ctx, acme, other.ID, ""))
		}},
	}
}

// replace saves a draft with other content, where the one that is there has a hash.
func (k *kit) replace(saved store.SavedWorkflow, content, hash string) error {
	saved.Document = store.Document{Hash: "hash of " + content, Text: flowforge.MustValue(content)}
	saved.Replaces, saved.SavedAt = hash, k.Now()
	got, err := k.Store.SaveDraft(k.ctx, acme, saved)
	if err == nil && got.Replaces != "" {
		return errors.New("what is saved says what it replaces")
	}
	return err
}

func versionCases() []testCase {
	return []testCase{
		{"publishing makes versions 1, 2, 3 that never change", func(k *kit) {
			for version, content := range []string{"one", "two", "two", "one"} {
				saved := k.saveDraft("flow", content)
				require.Equal(k, version, saved.Published)
				k.publish(saved.ID, version+1)
			}
			k.saveDraft("flow", "draft")
			for version, content := range []string{"one", "two", "two", "one"} {
				k.workflow("flow", version+1, content)
			}
			require.Equal(k, 4, k.workflow("flow", store.PublishedVersion, "one").Version)
			require.Equal(k, 4, k.workflow("flow", store.DraftVersion, "draft").Published)
		}},
		{"a version that does not exist is not found", func(k *kit) {
			k.publish(k.saveDraft("flow", "one").ID, 1)
			for _, version := range []int{2, -2} {
				_, err := k.Store.Workflow(k.ctx, acme, "flow", version)
				k.code(flowforge.CodeNotFound, err)
			}
			_, err := k.Store.Publish(k.ctx, acme, "missing", "")
			k.code(flowforge.CodeNotFound, err)
		}},
		{"workflows are listed by name, in pages, without documents", func(k *kit) {
			want := strings.Fields("m c a q b z x f")
			for _, name := range want {
				k.saveDraft(name, "one")
			}
			slices.Sort(want)
			require.Equal(k, want, k.listWorkflows("", 0))
			require.Equal(k, want[:3], k.listWorkflows("", 3))
			require.Equal(k, want[3:6], k.listWorkflows(want[2], 3))
			require.Equal(k, []string{"c", "f"}, k.listWorkflows("bb", 2), "after a name that is not there")
			require.Empty(k, k.listWorkflows("z", 0))
			listed, err := k.Store.ListWorkflows(k.ctx, acme, "", 1)
			require.NoError(k, err)
			require.True(k, listed[0].Document.Text.IsNull())
		}},
		{"the document of a version is one that can be read by its hash", func(k *kit) {
			k.publish(k.saveDraft("flow", "one").ID, 1)
			k.saveDraft("flow", "two")
			for _, content := range []string{"one", "two"} {
				doc, err := k.Store.Document(k.ctx, acme, "hash of "+content)
				require.NoError(k, err)
				require.Equal(k, content, doc.Text.Any())
			}
		}},
	}
}

func rollbackCases() []testCase {
	return []testCase{
		{"rolling back makes an older version the one that starts use, and changes no version", func(k *kit) {
			id := k.published("one", "two", "three")
			back, err := k.Store.Rollback(k.ctx, acme, id, 1)
			require.NoError(k, err)
			require.Equal(k, []int{1, 1}, []int{back.Version, back.Published})
			require.Equal(k, id, back.ID)
			require.Equal(k, "one", back.Document.Text.Any())
			require.Equal(k, 1, k.workflow("flow", store.PublishedVersion, "one").Version)
			require.Equal(k, 1, k.workflow("flow", 3, "three").Published)
			require.Equal(k, 1, k.workflow("flow", store.DraftVersion, "three").Published)
			back, err = k.Store.Rollback(k.ctx, acme, id, 2)
			require.NoError(k, err)
			require.Equal(k, 2, back.Published)
		}},
		{"publishing after a rollback makes the next number, and the one that starts use", func(k *kit) {
			id := k.published("one", "two")
			_, err := k.Store.Rollback(k.ctx, acme, id, 1)
			require.NoError(k, err)
			k.saveDraft("flow", "three")
			k.publish(id, 3)
			require.Equal(k, 3, k.workflow("flow", store.PublishedVersion, "three").Version)
		}},
		{"a version that does not exist cannot be rolled back to", func(k *kit) {
			id := k.published("one")
			for _, version := range []int{0, 2, -1} {
				_, err := k.Store.Rollback(k.ctx, acme, id, version)
				k.code(flowforge.CodeNotFound, err)
			}
			_, err := k.Store.Rollback(k.ctx, acme, "missing", 1)
			k.code(flowforge.CodeNotFound, err)
			k.workflow("flow", store.PublishedVersion, "one")
		}},
	}
}

func versionListCases() []testCase {
	return []testCase{
		{"versions are listed newest first, in pages, without documents", func(k *kit) {
			id := k.published("one", "two", "three", "four", "five")
			_, err := k.Store.Rollback(k.ctx, acme, id, 2)
			require.NoError(k, err)
			versions := func(before, limit int) (numbers []int) {
				listed, err := k.Store.Versions(k.ctx, acme, id, before, limit)
				require.NoError(k, err)
				for _, saved := range listed {
					require.Equal(k, id, saved.ID)
					require.Equal(k, "flow", saved.Name)
					require.Equal(k, 2, saved.Published)
					require.False(k, saved.SavedAt.IsZero())
					require.True(k, saved.Document.Text.IsNull())
					numbers = append(numbers, saved.Version)
				}
				return numbers
			}
			require.Equal(k, []int{5, 4, 3, 2, 1}, versions(0, 0))
			require.Equal(k, []int{5, 4}, versions(0, 2))
			require.Equal(k, []int{3, 2}, versions(4, 2))
			require.Equal(k, []int{5, 4}, versions(100, 2))
			require.Empty(k, versions(1, 2))
			_, err = k.Store.Versions(k.ctx, acme, "missing", 0, 0)
			k.code(flowforge.CodeNotFound, err)
			require.Empty(k, k.draftVersions())
		}},
	}
}

// published makes the workflow "flow" with these versions.
func (k *kit) published(contents ...string) (id flowforge.WorkflowID) {
	k.Helper()
	for i, content := range contents {
		id = k.saveDraft("flow", content).ID
		k.publish(id, i+1)
	}
	return id
}

// draftVersions gives the versions of a workflow that was never published.
func (k *kit) draftVersions() []store.SavedWorkflow {
	k.Helper()
	listed, err := k.Store.Versions(k.ctx, acme, k.saveDraft("draft", "draft").ID, 0, 0)
	require.NoError(k, err)
	return listed
}

func (k *kit) saveDraft(name, content string) store.SavedWorkflow {
	k.Helper()
	at := k.Now()
	saved, err := k.Store.SaveDraft(k.ctx, acme, store.SavedWorkflow{
		Name: name, Document: store.Document{Hash: "hash of " + content, Text: flowforge.MustValue(content)}, SavedAt: at,
	})
	require.NoError(k, err)
	require.Equal(k, name, saved.Name)
	require.Equal(k, content, saved.Document.Text.Any())
	k.sameTime(at, saved.SavedAt)
	return saved
}

func (k *kit) publish(id flowforge.WorkflowID, want int) {
	k.Helper()
	by := "publisher of " + strconv.Itoa(want)
	published, err := k.Store.Publish(k.ctx, acme, id, by)
	require.NoError(k, err)
	require.Equal(k, id, published.ID)
	require.Equal(k, want, published.Version)
	require.Equal(k, want, published.Published)
	require.Equal(k, by, published.PublishedBy)
}

// workflow reads a version and checks its document.
func (k *kit) workflow(name string, version int, content string) store.SavedWorkflow {
	k.Helper()
	saved, err := k.Store.Workflow(k.ctx, acme, name, version)
	require.NoError(k, err)
	require.Equal(k, name, saved.Name)
	require.Equal(k, content, saved.Document.Text.Any())
	require.Equal(k, "hash of "+content, saved.Document.Hash)
	if version != store.PublishedVersion {
		require.Equal(k, version, saved.Version)
	}
	if version == store.DraftVersion {
		require.Empty(k, saved.PublishedBy)
	} else {
		require.Equal(k, "publisher of "+strconv.Itoa(saved.Version), saved.PublishedBy)
	}
	return saved
}

func (k *kit) listWorkflows(after string, limit int) []string {
	k.Helper()
	listed, err := k.Store.ListWorkflows(k.ctx, acme, after, limit)
	require.NoError(k, err)
	names := make([]string, 0, len(listed))
	for _, saved := range listed {
		names = append(names, saved.Name)
	}
	return names
}

func blobCases() []testCase {
	return []testCase{
		{"a blob is read as it was stored, by the SHA-256 of its content", func(k *kit) {
			for _, content := range [][]byte{nil, []byte("text"), bytes.Repeat([]byte{0, 255, '\n'}, 100_000)} {
				for range 2 {
					hash, size, err := k.Store.PutBlob(k.ctx, acme, bytes.NewReader(content))
					require.NoError(k, err)
					sum := sha256.Sum256(content)
					require.Equal(k, hex.EncodeToString(sum[:]), hash)
					require.Equal(k, int64(len(content)), size)
					require.True(k, bytes.Equal(content, k.blob(hash)))
				}
			}
		}},
		{"a blob that does not exist is not found", func(k *kit) {
			_, err := k.Store.OpenBlob(k.ctx, acme, strings.Repeat("0", 64))
			k.code(flowforge.CodeNotFound, err)
		}},
		{"a blob whose data cannot be read to its end is not stored", func(k *kit) {
			broken := errors.New("broken")
			_, _, err := k.Store.PutBlob(k.ctx, acme, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
			require.ErrorIs(k, err, broken)
			sum := sha256.Sum256([]byte("half"))
			_, err = k.Store.OpenBlob(k.ctx, acme, hex.EncodeToString(sum[:]))
			k.code(flowforge.CodeNotFound, err)
		}},
	}
}

func (k *kit) blob(hash string) []byte {
	k.Helper()
	reader, err := k.Store.OpenBlob(k.ctx, acme, hash)
	require.NoError(k, err)
	content, err := io.ReadAll(reader)
	require.NoError(k, err)
	require.NoError(k, reader.Close())
	return content
}
