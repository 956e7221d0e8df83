package store

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Blobs keeps data too large for a row, by the hash of its content and per workspace.
type Blobs interface {
	// PutBlob stores all of data and gives its SHA-256 in hexadecimal and its size in bytes. The blob is kept as
	// long as a value has that hash in a text, and at least for BlobGrace.
	PutBlob(ctx context.Context, workspace flowforge.Workspace, data io.Reader) (hash string, size int64, err error)
	// OpenBlob reads stored data.
	OpenBlob(ctx context.Context, workspace flowforge.Workspace, hash string) (io.ReadCloser, error)
}

// BlobGrace is how long a blob is kept after it was put in last, though nothing refers to it yet.
const BlobGrace = 24 * time.Hour

// Hashes gives the SHA-256 hashes that stand in a text, in lower-case hexadecimal: what it may refer to.
func Hashes[T ~string | ~[]byte](text T) iter.Seq[string] {
	const length = 64
	return func(yield func(string) bool) {
		// Before from there is no digit. Looking for the last character that is none leaps over most of a text.
		for from := 0; from+length <= len(text); {
			last := from + length - 1
			for last >= from && isDigit(text[last]) {
				last--
			}
			if last >= from {
				from = last + 1
				continue
			}
			end := from + length
			for end < len(text) && isDigit(text[end]) {
				end++
			}
			if end == from+length && !yield(string(text[from:end])) {
				return
			}
			from = end + 1
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }
