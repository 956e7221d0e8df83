package memory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

type blob struct {
	content []byte
	at      time.Time // when it was put in last
}

// PutBlob stores data.
func (s *Store) PutBlob(
	ctx context.Context, workspace flowforge.Workspace, data io.Reader,
) (hash string, size int64, err error) {
	content, err := io.ReadAll(data)
	if err != nil {
		return "", 0, fmt.Errorf("read the blob's data: %w", err)
	}
	sum := sha256.Sum256(content)
	hash = hex.EncodeToString(sum[:])
	if err := s.enter(ctx); err != nil {
		return "", 0, err
	}
	defer s.mu.Unlock()
	if s.blobs[workspace] == nil {
		s.blobs[workspace] = map[string]*blob{}
	}
	s.blobs[workspace][hash] = &blob{content, s.now()}
	return hash, int64(len(content)), nil
}

// OpenBlob reads stored data.
func (s *Store) OpenBlob(
	ctx context.Context, workspace flowforge.Workspace, hash string,
) (io.ReadCloser, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	b := s.blobs[workspace][hash]
	if b == nil {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no blob %s", hash)
	}
	return io.NopCloser(bytes.NewReader(b.content)), nil
}

// sweep forgets the blobs of a workspace that nothing refers to any more. It reads all that the workspace has, and
// is only called once runs were forgotten.
func (s *Store) sweep(workspace flowforge.Workspace, now time.Time) {
	all := s.blobs[workspace]
	wanted := make(map[string]bool, len(all))
	s.texts(workspace, func(text []byte) {
		for hash := range store.Hashes(text) {
			wanted[hash] = true
		}
	})
	delete(s.littered, workspace)
	for hash, b := range all {
		switch {
		case wanted[hash]:
		case now.Sub(b.at) < store.BlobGrace:
			s.littered[workspace] = struct{}{} // to be looked at again
		default:
			delete(all, hash)
		}
	}
	if len(all) == 0 {
		delete(s.blobs, workspace)
	}
}

// texts gives all that may refer to a blob of a workspace, as JSON or as the engine wrote it.
func (s *Store) texts(workspace flowforge.Workspace, see func(text []byte)) {
	for _, value := range s.variables[workspace] {
		see(value.JSON())
	}
	if all := s.schedules[workspace]; all != nil {
		for _, kept := range all.byID {
			see(kept.Definition.JSON())
		}
	}
	for key, doc := range s.documents {
		if key.workspace == workspace {
			see(doc.text.JSON())
		}
	}
	if c := s.lists[workspace]; c != nil {
		for _, e := range c.entries {
			if e.run != nil {
				e.run.texts(see)
			}
		}
	}
}

func (r *run) texts(see func(text []byte)) {
	see(r.journal)
	for _, value := range []flowforge.Value{r.Input, r.Vars, r.Output} {
		see(value.JSON())
	}
	for i := range r.nodes.records.len() {
		node := r.nodes.records.at(i).unpack()
		see(node.Awaits.JSON())
		for _, port := range node.Output {
			see(port.Value.JSON())
		}
	}
	for i := range r.events.len() {
		see(r.events.at(i).Data.JSON())
	}
	for i := range r.logs.len() {
		see(r.logs.at(i).Fields.JSON())
	}
	for i := range r.inbox.unread {
		see(r.inbox.unread[i].Payload.JSON())
	}
	for _, t := range r.tasks {
		see(t.Call.JSON())
	}
}
