package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/flowforge-go/flowforge"
)

// PutBlob stores data.
func (s *Store) PutBlob(
	ctx context.Context, workspace flowforge.Workspace, data io.Reader,
) (hash string, size int64, err error) {
	content, err := io.ReadAll(data)
	if err != nil {
		return "", 0, fmt.Errorf("read the blob's data: %w", err)
	}
	if err := s.enter(ctx); err != nil {
		return "", 0, err
	}
	hash, packed, err := pack(content)
	if err != nil {
		return "", 0, err
	}
	size = int64(len(content))
	err = s.once(ctx, s.tenant(string(workspace)),
		exec(insertBlobs, [][]any{{string(workspace), hash, size, packed}}),
		exec(insertLitter, [][]any{{string(workspace), kindBlob, hash, blobIsKept}}))
	return hash, size, s.failure(ctx, "store a blob", err)
}

// OpenBlob reads stored data.
func (s *Store) OpenBlob(
	ctx context.Context, workspace flowforge.Workspace, hash string,
) (io.ReadCloser, error) {
	found := query(selectBlobs, [][]any{{string(workspace), hash}})
	if err := s.read(ctx, "read a blob", string(workspace), found); err != nil {
		return nil, err
	}
	if len(found.out) == 0 {
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no blob %s", hash)
	}
	r := &found.out[0]
	_, _ = r.text(), r.text()
	content, err := unpack(r.bytes())
	if err != nil {
		return nil, s.failure(ctx, "read a blob", err)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}
