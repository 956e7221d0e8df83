package sqlstore

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/flowforge-go/flowforge/store"
)

// Litter is blobs and documents that may have lost the last that refers to them. Prune looks at them when they are
// due. What refers to a blob are the values of runs, which blob_refs notes as they are written, and the few values
// that no run has, which are searched when a blob is about to go.

const (
	kindBlob     = "blob"
	kindDocument = "document"

	// A blob that is put in again is noted so once an hour at most: the others find it as it is.
	blobNoted  = 3_600_000_000 // µs
	blobIsKept = int64(store.BlobGrace/1000) + blobNoted
	lookAgain  = 60_000_000 // µs
)

const (
	insertLitter = `{with workspace:text kind:text hash:text later:bigint}
		INSERT INTO litter (workspace, kind, hash, due_at) SELECT workspace, kind, hash, {now} + later FROM s WHERE true
		ON CONFLICT (workspace, kind, hash) DO UPDATE SET due_at = excluded.due_at`
	dueLitter = `{with most:bigint} SELECT {now}, l.workspace, l.kind, l.hash, l.due_at FROM litter l
		WHERE l.due_at <= {now} ORDER BY l.due_at LIMIT (SELECT most FROM s)`
	// Where it became due anew, something has changed since it was looked at.
	deleteLitter = `{with workspace:text kind:text hash:text due:bigint}
		DELETE FROM litter WHERE (workspace, kind, hash, due_at) IN (SELECT workspace, kind, hash, due FROM s)`

	// The rows are locked first, and what refers to them is read afterwards: who adds a reference locks them, too.
	// What is locked at the moment is looked at later.
	lockBlobs = `{with workspace:text hash:text} SELECT r.hash, r.stored_at, r.size FROM s JOIN blobs r
		ON r.workspace = s.workspace AND r.hash = s.hash ORDER BY r.hash {skip}`
	presentBlobs = `{with workspace:text hash:text} SELECT b.hash FROM s JOIN blobs b
		ON b.workspace = s.workspace AND b.hash = s.hash`
	referredBlobs = `{with workspace:text hash:text} SELECT s.hash FROM s WHERE
		EXISTS (SELECT 1 FROM blob_refs f WHERE f.workspace = s.workspace AND f.hash = s.hash)`
	mentionedBlobs = `{with workspace:text hash:text} SELECT s.hash FROM s WHERE
		EXISTS (SELECT 1 FROM variables v WHERE v.workspace = s.workspace AND v.value LIKE '%' || s.hash || '%')
		OR EXISTS (SELECT 1 FROM schedules c WHERE c.workspace = s.workspace AND c.definition LIKE '%' || s.hash || '%')
		OR EXISTS (SELECT 1 FROM documents d WHERE d.workspace = s.workspace AND d.text LIKE '%' || s.hash || '%')`
	deleteBlobs = `{with workspace:text hash:text}
		DELETE FROM blobs WHERE (workspace, hash) IN (SELECT workspace, hash FROM s)`

	lockDocuments = `{with workspace:text hash:text} SELECT r.hash FROM s JOIN documents r
		ON r.workspace = s.workspace AND r.hash = s.hash ORDER BY r.hash {skip}`
	presentDocuments = `{with workspace:text hash:text} SELECT d.hash FROM s JOIN documents d
		ON d.workspace = s.workspace AND d.hash = s.hash`
	referredDocuments = `{with workspace:text hash:text} SELECT s.hash FROM s WHERE
		EXISTS (SELECT 1 FROM runs o WHERE o.workspace = s.workspace AND o.document = s.hash)
		OR EXISTS (SELECT 1 FROM workflows w WHERE w.workspace = s.workspace AND w.document = s.hash)
		OR EXISTS (SELECT 1 FROM versions v WHERE v.workspace = s.workspace AND v.document = s.hash)`
	deleteDocuments = `{with workspace:text hash:text}
		DELETE FROM documents WHERE (workspace, hash) IN (SELECT workspace, hash FROM s)`

	// Only hashes of blobs that are there are references.
	insertRefs = `{with workspace:text run:text hash:text}
		INSERT INTO blob_refs (workspace, run, hash)
		SELECT DISTINCT s.workspace, s.run, s.hash FROM s JOIN (
			SELECT r.workspace, r.hash FROM blobs r WHERE (r.workspace, r.hash) IN (SELECT workspace, hash FROM s) {share}
		) b ON b.workspace = s.workspace AND b.hash = s.hash WHERE true
		ON CONFLICT DO NOTHING`
)

// references gives a row of insertRefs for each hash in the last cells of rows that begin with the names of a run.
func (p *payloads) references(to [][]any, last int, rows [][]any) [][]any {
	for _, row := range rows {
		for _, cell := range row[len(row)-last:] {
			for hash := range p.hashes(cell) {
				to = append(to, []any{row[0], row[1], hash})
			}
		}
	}
	return to
}

// hashes gives the hashes in a cell and, where it stands for a blob, in that.
func (p *payloads) hashes(cell any) iter.Seq[string] {
	outer := store.Hashes("")
	switch cell := cell.(type) {
	case string:
		outer = store.Hashes(cell)
	case []byte:
		outer = store.Hashes(cell)
	}
	return func(yield func(string) bool) {
		for hash := range outer {
			if !yield(hash) {
				return
			}
			for _, inner := range p.within[hash] {
				if !yield(inner) {
					return
				}
			}
		}
	}
}

// note notes the hashes in a text that becomes a blob.
func (p *payloads) note(hash string, text []byte) {
	if inner := slices.Collect(store.Hashes(text)); len(inner) > 0 {
		if p.within == nil {
			p.within = map[string][]string{}
		}
		p.within[hash] = inner
	}
}

// references gives what the rows of a batch refer to.
func (b *batch) references(updates [][]any) [][]any {
	refs := b.blobs.references(nil, 2, updates)
	refs = b.blobs.references(refs, 3, b.nodeRows)
	refs = b.blobs.references(refs, 2, b.steps)
	for _, rows := range [][][]any{b.logs, b.sends, b.newTasks, b.inputs} {
		refs = b.blobs.references(refs, 1, rows)
	}
	return refs
}

// references gives what new runs refer to.
func (in *newRows) references() [][]any {
	refs := in.blobs.references(nil, 2, in.runs)
	for _, rows := range in.nodes {
		refs = in.blobs.references(refs, 3, rows)
	}
	return refs
}

// A scrap is a piece of litter.
type scrap struct {
	workspace, kind, hash string
	due                   int64
}

func (c *scrap) row() []any { return []any{c.workspace, c.kind, c.hash, c.due} }

const (
	litterAtOnce = 50      // in one transaction
	bytesAtOnce  = 8 << 20 // of blobs in one transaction, unless one alone has more
)

// sweep looks at due litter, a bounded part of it in each transaction.
func (s *Store) sweep(ctx context.Context) error {
	for {
		found := query(dueLitter, [][]any{{int64(litterAtOnce)}})
		if err := s.read(ctx, "read litter", "", found); err != nil {
			return err
		}
		parts := map[[2]string][]*scrap{}
		var now int64
		for i := range found.out {
			r := &found.out[i]
			now = r.int()
			c := &scrap{r.text(), r.text(), r.text(), r.int()}
			key := [2]string{c.workspace, c.kind}
			parts[key] = append(parts[key], c)
		}
		for key, part := range parts {
			clean := s.sweepBlobs
			if key[1] == kindDocument {
				clean = s.sweepDocuments
			}
			if err := retry(ctx, func() error { return clean(ctx, now, part) }); err != nil {
				return err
			}
		}
		if len(found.out) < litterAtOnce {
			return nil
		}
	}
}

// sweepBlobs deletes those blobs of one workspace that nothing refers to.
func (s *Store) sweepBlobs(ctx context.Context, now int64, part []*scrap) error {
	x := s.engine()
	defer x.close(ctx)
	in := names(part)
	locked, present, referred := query(lockBlobs, in), query(presentBlobs, in), query(referredBlobs, in)
	if err := x.run(ctx, locked, present, referred); err != nil {
		return err
	}
	stored, sizes := map[string]int64{}, map[string]int64{}
	for i := range locked.out {
		r := &locked.out[i]
		hash := r.text()
		stored[hash], sizes[hash] = r.int(), r.int()
	}
	there, kept := hashesOf(present.out), hashesOf(referred.out)
	var old []*scrap
	var over, again [][]any
	size := int64(0)
	for _, c := range part {
		at, mine := stored[c.hash]
		switch later := at + blobIsKept - now; {
		case !there[c.hash] || kept[c.hash]:
			over = append(over, c.row())
		case !mine:
			again = append(again, []any{c.workspace, c.kind, c.hash, int64(lookAgain)})
		case later > 0:
			again = append(again, []any{c.workspace, c.kind, c.hash, later})
		case len(old) == 0 || size+sizes[c.hash] <= bytesAtOnce: // else it stays due
			size += sizes[c.hash]
			old = append(old, c)
		}
	}
	mentioned := query(mentionedBlobs, names(old))
	if err := x.run(ctx, mentioned); err != nil {
		return err
	}
	kept = hashesOf(mentioned.out)
	var gone [][]any
	for _, c := range old {
		if kept[c.hash] {
			again = append(again, []any{c.workspace, c.kind, c.hash, blobIsKept})
			continue
		}
		gone, over = append(gone, []any{c.workspace, c.hash}), append(over, c.row())
	}
	return x.commit(ctx, exec(deleteBlobs, gone), exec(deleteLitter, over), exec(insertLitter, again))
}

// sweepDocuments deletes those documents of one workspace that nothing refers to.
func (s *Store) sweepDocuments(ctx context.Context, _ int64, part []*scrap) error {
	x := s.engine()
	defer x.close(ctx)
	in := names(part)
	locked, present, referred := query(lockDocuments, in), query(presentDocuments, in), query(referredDocuments, in)
	if err := x.run(ctx, locked, present, referred); err != nil {
		return err
	}
	mine, there, kept := hashesOf(locked.out), hashesOf(present.out), hashesOf(referred.out)
	var gone, over, again [][]any
	for _, c := range part {
		switch {
		case !there[c.hash] || kept[c.hash]:
			over = append(over, c.row())
		case !mine[c.hash]:
			again = append(again, []any{c.workspace, c.kind, c.hash, int64(lookAgain)})
		default:
			gone, over = append(gone, []any{c.workspace, c.hash}), append(over, c.row())
		}
	}
	if err := x.commit(ctx, exec(deleteDocuments, gone), exec(deleteLitter, over), exec(insertLitter, again)); err != nil {
		return err
	}
	s.sawDocuments(gone, false)
	return nil
}

func names(part []*scrap) [][]any {
	rows := make([][]any, len(part))
	for i, c := range part {
		rows[i] = []any{c.workspace, c.hash}
	}
	return rows
}

func hashesOf(rows []row) map[string]bool {
	all := make(map[string]bool, len(rows))
	for i := range rows {
		all[string(bytes.Clone(rows[i].next()))] = true
	}
	return all
}
