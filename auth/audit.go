package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
)

// An Entry says who changed what (S32). The entries of a workspace are a chain: each holds the hash of the one before,
// so that none can be changed, left out or put between without a trace. The workspace "" is the installation.
type Entry struct {
	Workspace flowforge.Workspace
	At        time.Time
	Kind      Kind // of the principal; "": nobody who signed in
	User      UserID
	Session   SessionID
	Key       KeyID
	Action    string            // such as "member.add"
	Target    string            // the ID of what was changed
	Detail    map[string]string // never a secret
	Address   string            // where the request came from
	Request   string            // its ID

	// Filled in by the store.
	Seq  int64 // from 1, without a gap
	Prev []byte
	Hash []byte // of all of the above
}

// Chained gives the entry with its place in a chain. Stores call it within the transaction, having locked the chain's
// end. The instant is kept to the microsecond.
func (e *Entry) Chained(seq int64, prev []byte) Entry {
	chained := *e
	chained.Seq, chained.Prev, chained.At = seq, bytes.Clone(prev), e.At.UTC().Truncate(time.Microsecond)
	chained.Hash = chained.sum()
	return chained
}

// Intact reports whether the entry is the one after another, unchanged; nil stands before the first.
func (e *Entry) Intact(before *Entry) bool {
	seq, prev := int64(1), []byte(nil)
	if before != nil {
		seq, prev = before.Seq+1, before.Hash
	}
	return e.Seq == seq && bytes.Equal(e.Prev, prev) && bytes.Equal(e.Hash, e.sum())
}

// sum is SHA-256 over all fields, each after its length, so that no two entries are written alike.
func (e *Entry) sum() []byte {
	var b []byte
	add := func(text string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) } //nolint:gosec // Any bits will do.
	add("flowforge audit 1")
	number(e.Seq)
	number(e.At.UnixMicro())
	for _, text := range []string{
		string(e.Prev), string(e.Workspace), string(e.Kind), string(e.User), string(e.Session), string(e.Key),
		e.Action, e.Target, e.Address, e.Request,
	} {
		add(text)
	}
	number(int64(len(e.Detail)))
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		add(name)
		add(e.Detail[name])
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// Audit is where entries are read, and written when nothing else is. All other methods that change something take the
// entries that tell of it: they are written in the same transaction, or neither is.
type Audit interface {
	// AppendAudit writes entries of what changed nothing that is kept, such as a refused sign-in.
	AppendAudit(ctx context.Context, entries ...Entry) error
	// ListAudit gives entries in order, those after a number.
	ListAudit(ctx context.Context, workspace flowforge.Workspace, after int64, limit int) ([]Entry, error)
	// AuditHead gives the number and the hash of the latest entry, which are kept apart from it; 0: there is none.
	AuditHead(ctx context.Context, workspace flowforge.Workspace) (seq int64, hash []byte, err error)
}
