package memory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/flowforge-go/flowforge"
)

type blobKey struct {
	workspace flowforge.Workspace
	hash      string
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
	s.blobs[blobKey{workspace, hash}] = content
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
	content, ok := s.blobs[blobKey{workspace, hash}]
	if !ok {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no blob %s", hash)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}
