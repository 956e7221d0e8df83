package sqlstore

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	openHeads = `{with workspace:text}
		INSERT INTO audit_heads (workspace, seq, hash) SELECT workspace, 0, NULL FROM s WHERE true ON CONFLICT (workspace) DO NOTHING`
	lockHeads = `{with workspace:text}
		SELECT r.workspace, r.seq, r.hash FROM s JOIN audit_heads r ON r.workspace = s.workspace ORDER BY r.workspace {lock}`
	moveHeads = `{with workspace:text seq:bigint hash:bytea}
		UPDATE audit_heads AS h SET seq = s.seq, hash = s.hash FROM s WHERE h.workspace = s.workspace`
	insertAudit = `{with workspace:text seq:bigint at:bigint kind:text person:text session:text key:text action:text target:text
		detail:text address:text request:text prev:bytea hash:bytea}
		INSERT INTO audit (workspace, seq, at, kind, user_id, session, key_id, action, target, detail, address, request, prev, hash)
		SELECT workspace, seq, at, kind, person, session, key, action, target, detail, address, request, prev, hash FROM s`
	listAudit = `{with workspace:text after:bigint most:bigint}
		SELECT a.seq, a.at, a.kind, a.user_id, a.session, a.key_id, a.action, a.target, a.detail, a.address, a.request,
			a.prev, a.hash FROM audit a WHERE a.workspace = (SELECT workspace FROM s) AND a.seq > (SELECT after FROM s)
		ORDER BY a.seq LIMIT (SELECT most FROM s)`
	selectHead = `{with workspace:text} SELECT h.seq, h.hash FROM s JOIN audit_heads h ON h.workspace = s.workspace`
)

// identity makes a session for what belongs to no workspace: users, their sessions, and who is looked for by a token.
func (s *Store) identity() *session { return &session{store: s, role: roleIdentity, pool: s.db} }

// owned makes a session for what is a workspace's, or the installation's where it is "".
func (s *Store) owned(workspace flowforge.Workspace) *session {
	if workspace == "" {
		return s.identity()
	}
	return s.tenant(string(workspace))
}

// look runs calls that write nothing in a session.
func (s *Store) look(ctx context.Context, op string, x *session, calls ...*call) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if s.dialect.lite {
		x.link, x.begun, x.foreign = s.reads, true, true
	}
	return s.failure(ctx, op, s.once(ctx, x, calls...))
}

// A changing is a transaction that changes something of identity.
type changing struct {
	op      string
	session func() *session
	calls   []*call
	judge   func() error // says what came of the calls; with an error nothing is changed. nil: nothing to say
	entries []auth.Entry
}

// change runs a transaction, and writes the entries that tell of it with it (S32).
func (s *Store) change(ctx context.Context, c changing) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.failure(ctx, c.op, retry(ctx, func() error {
		x := c.session()
		defer x.close(ctx)
		ends := endsOf(c.entries)
		if err := x.run(ctx, append(slices.Clone(c.calls), ends.calls...)...); err != nil {
			return err
		}
		if c.judge != nil {
			if err := c.judge(); err != nil {
				return err
			}
		}
		written, err := ends.chain(c.entries)
		if err != nil {
			return err
		}
		return x.commit(ctx, written...)
	}))
}

func compareHeads(a, b []any) int {
	left, _ := a[0].(string)
	right, _ := b[0].(string)
	switch {
	case left < right:
		return -1
	case left > right:
		return 1
	}
	return 0
}

// commitTold commits the last calls of a change of configuration, with the entries that tell of it.
func (x *session) commitTold(ctx context.Context, entries []auth.Entry, calls ...*call) error {
	if len(entries) == 0 {
		return x.commit(ctx, calls...)
	}
	ends := endsOf(entries)
	if err := x.run(ctx, append(calls, ends.calls...)...); err != nil {
		return err
	}
	written, err := ends.chain(entries)
	if err != nil {
		return err
	}
	return x.commit(ctx, written...)
}

// auditEnds are the locked ends of chains.
type auditEnds struct{ calls []*call }

// endsOf gives the calls that lock the ends of the chains that entries belong to.
func endsOf(entries []auth.Entry) *auditEnds {
	var heads [][]any
	for _, e := range entries {
		heads = append(heads, []any{string(e.Workspace)})
	}
	slices.SortFunc(heads, compareHeads) // so that two transactions lock them in one order
	heads = slices.CompactFunc(heads, func(a, b []any) bool { return a[0] == b[0] })
	return &auditEnds{calls: []*call{exec(openHeads, heads), query(lockHeads, heads)}}
}

// chain gives the calls that write entries behind the ends.
func (a *auditEnds) chain(entries []auth.Entry) ([]*call, error) {
	type end struct {
		seq  int64
		hash []byte
	}
	ends := map[flowforge.Workspace]end{}
	rows := a.calls[1].out
	for i := range rows {
		r := &rows[i]
		ends[flowforge.Workspace(r.text())] = end{r.int(), r.bytes()}
		if r.err != nil {
			return nil, r.err
		}
	}
	inserts := make([][]any, 0, len(entries))
	for _, e := range entries {
		last := ends[e.Workspace]
		e = e.Chained(last.seq+1, last.hash)
		ends[e.Workspace] = end{e.Seq, e.Hash}
		detail, err := encode(e.Detail)
		if err != nil {
			return nil, err
		}
		inserts = append(inserts, []any{
			string(e.Workspace), e.Seq, e.At.UnixMicro(), string(e.Kind), string(e.User), string(e.Session), string(e.Key),
			e.Action, e.Target, detail, e.Address, e.Request, blob(e.Prev), e.Hash,
		})
	}
	moves := make([][]any, 0, len(ends))
	for workspace, last := range ends {
		moves = append(moves, []any{string(workspace), last.seq, blob(last.hash)})
	}
	return []*call{exec(insertAudit, inserts), exec(moveHeads, moves)}, nil
}

// blob is bytes as a cell; nil is NULL.
func blob(data []byte) any {
	if data == nil {
		return nil
	}
	return data
}

// AppendAudit writes entries of what changed nothing that is kept.
func (s *Store) AppendAudit(ctx context.Context, entries ...auth.Entry) error {
	return s.change(ctx, changing{op: "write the audit log", session: s.identity, entries: entries})
}

// ListAudit gives entries in order.
func (s *Store) ListAudit(
	ctx context.Context, workspace flowforge.Workspace, after int64, limit int,
) ([]auth.Entry, error) {
	found := query(listAudit, [][]any{{string(workspace), after, most(limit)}})
	if err := s.look(ctx, "read the audit log", s.owned(workspace), found); err != nil {
		return nil, err
	}
	all := make([]auth.Entry, len(found.out))
	for i := range found.out {
		r, e := &found.out[i], &all[i]
		e.Workspace, e.Seq, e.At, e.Kind = workspace, r.int(), r.time(), auth.Kind(r.text())
		e.User, e.Session, e.Key = auth.UserID(r.text()), auth.SessionID(r.text()), auth.KeyID(r.text())
		e.Action, e.Target = r.text(), r.text()
		r.json(&e.Detail)
		e.Address, e.Request, e.Prev, e.Hash = r.text(), r.text(), r.bytes(), r.bytes()
		if r.err != nil {
			return nil, s.failure(ctx, "read the audit log", r.err)
		}
	}
	return all, nil
}

// AuditHead gives the number and the hash of the latest entry.
func (s *Store) AuditHead(ctx context.Context, workspace flowforge.Workspace) (seq int64, hash []byte, err error) {
	found := query(selectHead, [][]any{{string(workspace)}})
	if err := s.look(ctx, "read the audit log", s.owned(workspace), found); err != nil || len(found.out) == 0 {
		return 0, nil, err
	}
	r := &found.out[0]
	seq, hash = r.int(), r.bytes()
	return seq, hash, s.failure(ctx, "read the audit log", r.err)
}
