package sqlstore

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"

	"github.com/flowforge-go/flowforge"
)

// maxInline is the size in bytes above which a payload is kept as a blob. Below that the databases themselves keep
// long texts outside their rows.
const maxInline = 64 << 10

// reference begins a text that stands for a blob; no JSON begins so.
const reference = '@'

// payloads are the blobs that a transaction adds.
type payloads struct {
	rows [][]any
	seen map[[2]string]bool

	within map[string][]string // hashes in the texts of these, by their own
}

const insertBlobs = `{with workspace:text hash:text size:bigint data:bytea}
	INSERT INTO blobs (workspace, hash, size, data, stored_at) SELECT workspace, hash, size, data, {now} FROM s WHERE true
	ON CONFLICT (workspace, hash) DO UPDATE SET stored_at = excluded.stored_at
	WHERE blobs.stored_at < excluded.stored_at - 3600000000`

// value gives what is kept of a value: NULL for null.
func (p *payloads) value(workspace flowforge.Workspace, v flowforge.Value) (any, error) {
	if v.IsNull() {
		return nil, nil // NULL
	}
	if err := v.Check(); err != nil {
		return nil, err
	}
	return p.text(workspace, v.JSON())
}

func (p *payloads) text(workspace flowforge.Workspace, text []byte) (any, error) {
	if len(text) <= maxInline {
		return string(text), nil
	}
	hash, packed, err := pack(text)
	if err != nil {
		return nil, err
	}
	key := [2]string{string(workspace), hash}
	if !p.seen[key] {
		p.note(hash, text)
		if p.seen == nil {
			p.seen = map[[2]string]bool{}
		}
		p.seen[key] = true
		p.rows = append(p.rows, []any{string(workspace), hash, int64(len(text)), packed})
	}
	return string(reference) + hash, nil
}

// ports gives the names of ports and their values, each as a JSON list.
func (p *payloads) ports(workspace flowforge.Workspace, ports flowforge.Ports) (names, values any, err error) {
	if ports == nil {
		return nil, nil, nil
	}
	list := make([]flowforge.Port, len(ports))
	var b bytes.Buffer
	b.WriteByte('[')
	for i, out := range ports {
		if err := out.Value.Check(); err != nil {
			return nil, nil, err
		}
		list[i] = out.Port
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(out.Value.JSON())
	}
	b.WriteByte(']')
	if names, err = encode(list); err != nil {
		return nil, nil, err
	}
	values, err = p.text(workspace, b.Bytes())
	return names, values, err
}

// pack hashes and compresses data.
func pack(data []byte) (hash string, packed []byte, err error) {
	sum := sha256.Sum256(data)
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return "", nil, err
	}
	if _, err = w.Write(data); err != nil {
		return "", nil, err
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return hex.EncodeToString(sum[:]), b.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// A loader puts payloads where they belong once those that are blobs were read.
type loader struct {
	rows [][]any
	put  map[[2]string][]func([]byte) error
	err  error
}

func (l *loader) fail(err error) {
	if err != nil && l.err == nil {
		l.err = err
	}
}

// text gives a payload's text to put, at once or when it was loaded; NULL is not given.
func (l *loader) text(workspace flowforge.Workspace, cell []byte, put func([]byte) error) {
	switch {
	case cell == nil:
	case len(cell) == 0 || cell[0] != reference:
		l.fail(put(cell))
	default:
		key := [2]string{string(workspace), string(cell[1:])}
		if l.put == nil {
			l.put = map[[2]string][]func([]byte) error{}
		}
		if l.put[key] == nil {
			l.rows = append(l.rows, []any{key[0], key[1]})
		}
		l.put[key] = append(l.put[key], put)
	}
}

// value reads a value.
func (l *loader) value(workspace flowforge.Workspace, cell []byte, into *flowforge.Value) {
	l.text(workspace, cell, func(text []byte) error {
		var err error
		*into, err = flowforge.StoredValue(text)
		return err
	})
}

// ports reads what ports kept; values may be nil for those that were dropped, which are null.
func (l *loader) ports(workspace flowforge.Workspace, names, values []byte, into *flowforge.Ports) {
	if names == nil {
		return
	}
	var list []flowforge.Port
	if err := json.Unmarshal(names, &list); err != nil {
		l.fail(err)
		return
	}
	ports := make(flowforge.Ports, len(list))
	for i := range list {
		ports[i].Port = list[i]
	}
	*into = ports
	l.text(workspace, values, func(text []byte) error { return splitValues(text, ports) })
}

func splitValues(text []byte, ports flowforge.Ports) error {
	if len(ports) == 1 && len(text) > 2 {
		var err error
		ports[0].Value, err = flowforge.StoredValue(text[1 : len(text)-1])
		return err
	}
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	for i := range min(len(values), len(ports)) {
		var err error
		if ports[i].Value, err = flowforge.StoredValue(values[i]); err != nil {
			return err
		}
	}
	return nil
}

const selectBlobs = `{with workspace:text hash:text}
	SELECT b.workspace, b.hash, b.data FROM s JOIN blobs b ON b.workspace = s.workspace AND b.hash = s.hash`

// load reads the blobs, with run, which runs a call.
func (l *loader) load(ctx context.Context, run func(ctx context.Context, calls ...*call) error) error {
	if l.err != nil || len(l.rows) == 0 {
		return l.err
	}
	blobs := query(selectBlobs, l.rows)
	if err := run(ctx, blobs); err != nil {
		return err
	}
	for i := range blobs.out {
		r := &blobs.out[i]
		key := [2]string{r.text(), r.text()}
		text, err := unpack(r.bytes())
		if err != nil {
			return err
		}
		for _, put := range l.put[key] {
			if err := put(text); err != nil {
				return err
			}
		}
	}
	return nil
}
