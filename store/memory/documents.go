package memory

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

type documentKey struct {
	workspace flowforge.Workspace
	hash      string
}

// A document is a text with the number of runs and saved workflows that refer to it; the last one takes it away.
type document struct {
	text flowforge.Value
	refs int
}

func (s *Store) keepDocument(workspace flowforge.Workspace, doc store.Document) {
	if doc.Hash == "" {
		return
	}
	key := documentKey{workspace, doc.Hash}
	kept := s.documents[key]
	if kept == nil {
		kept = &document{text: doc.Text}
		s.documents[key] = kept
	}
	kept.refs++
}

func (s *Store) dropDocument(workspace flowforge.Workspace, hash string) {
	key := documentKey{workspace, hash}
	kept := s.documents[key]
	if kept == nil {
		return
	}
	if kept.refs--; kept.refs == 0 {
		delete(s.documents, key)
	}
}

// Document gives the text of a workflow that a run was started with.
func (s *Store) Document(
	ctx context.Context, workspace flowforge.Workspace, hash string,
) (store.Document, error) {
	if err := s.enter(ctx); err != nil {
		return store.Document{}, err
	}
	defer s.mu.Unlock()
	kept := s.documents[documentKey{workspace, hash}]
	if kept == nil {
		return store.Document{}, flowforge.Errorf(flowforge.CodeNotFound, "there is no document %s", hash)
	}
	return store.Document{Hash: hash, Text: kept.text}, nil
}
