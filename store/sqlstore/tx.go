package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Tx makes a store.Tx of the program's own transaction, which is a *sql.Tx or a bun.Tx on the store's database.
func Tx(tx bun.IConn) store.Tx {
	if wrapped, ok := tx.(bun.Tx); ok && wrapped.Tx != nil {
		return programTx{wrapped.Tx} // whose methods leave question marks alone
	}
	return programTx{tx}
}

type programTx struct{ link }

// FlowForgeTx marks it as a store.Tx.
func (programTx) FlowForgeTx() {}

// TxFrom gives the transaction that the work of CommitWith runs in.
func TxFrom(ctx context.Context) (bun.Tx, bool) {
	tx, ok := ctx.Value(txKey{}).(bun.Tx)
	return tx, ok
}

type txKey struct{}

// CreateIn makes runs within the program's transaction. It must not be used by others meanwhile.
func (s *Store) CreateIn(ctx context.Context, tx store.Tx, runs []store.NewRun) ([]store.Created, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	own, ok := tx.(programTx)
	if !ok {
		return nil, flowforge.Errorf(flowforge.CodeUnsupported, "a %T is no transaction of this store: make one with sqlstore.Tx", tx)
	}
	answers := make([]store.Created, len(runs))
	all := make([]*creation, len(runs))
	for i := range runs {
		n := runs[i]
		n.Lease = nil
		all[i] = &creation{NewRun: &n, answer: &answers[i]}
	}
	x := s.within(own)
	err := x.borrow(ctx)
	if err == nil {
		err = s.create(ctx, x, all, false)
	}
	if err == nil {
		err = x.giveBack(ctx)
	}
	if err != nil {
		return nil, s.failure(ctx, "create runs", err)
	}
	return answers, nil
}

// within makes a session of a transaction that others begin and end.
func (s *Store) within(tx link) *session {
	return &session{store: s, role: roleEngine, link: tx, foreign: true, begun: true}
}

// borrow takes the engine's role in a transaction of others, giveBack their own again.
func (x *session) borrow(ctx context.Context) error {
	if !x.store.rls {
		return nil
	}
	before := &call{text: `SELECT current_setting('role')`, returns: true}
	if err := x.run(ctx, before); err != nil {
		return err
	}
	x.before = before.out[0].text()
	return x.run(ctx, exec("SET LOCAL ROLE "+roleEngine, nil))
}

func (x *session) giveBack(ctx context.Context) error {
	if !x.store.rls {
		return nil
	}
	return x.run(ctx, query(`SELECT set_config('role', `+literal(x.before)+`, true)`, nil))
}

// liteWork bounds the work of CommitWith on SQLite, which holds the only writer meanwhile.
const liteWork = time.Second

// CommitWith commits a transition together with what work does in its transaction.
func (s *Store) CommitWith(
	ctx context.Context, lease store.Lease, work func(ctx context.Context) (store.Transition, error),
) (store.Committed, error) {
	if err := s.enter(ctx); err != nil {
		return store.Committed{}, err
	}
	tx, release, err := s.beginTx(ctx)
	if err != nil {
		return store.Committed{}, s.failure(ctx, "begin a transaction", err)
	}
	defer release()
	answer, err := s.commitWith(ctx, tx, lease, work)
	if err != nil {
		_ = tx.Rollback() // the error counts
		return store.Committed{}, err
	}
	if err := tx.Commit(); err != nil {
		return store.Committed{}, s.failure(ctx, "commit", err)
	}
	return answer, nil
}

// beginTx begins a transaction; on SQLite it is the writer's.
func (s *Store) beginTx(ctx context.Context) (tx bun.Tx, release func(), err error) {
	if s.writer == nil {
		tx, err = s.db.BeginTx(ctx, nil)
		return tx, func() {}, err
	}
	if err := s.writer.lock(ctx); err != nil {
		return bun.Tx{}, nil, err
	}
	if tx, err = s.writer.conn.BeginTx(ctx, &sql.TxOptions{}); err != nil {
		s.writer.unlock()
		return bun.Tx{}, nil, err
	}
	return tx, s.writer.unlock, nil
}

func (s *Store) commitWith(
	ctx context.Context, tx bun.Tx, lease store.Lease, work func(ctx context.Context) (store.Transition, error),
) (store.Committed, error) {
	x := s.within(tx.Tx)
	fail := func(err error) (store.Committed, error) { return store.Committed{}, s.failure(ctx, "commit", err) }
	if err := x.borrow(ctx); err != nil {
		return fail(err)
	}
	locked := query(lockRuns, [][]any{cells(keyOf(lease.Workspace, lease.Run))})
	if err := x.run(ctx, locked); err != nil {
		return fail(err)
	}
	if len(locked.out) == 0 {
		return fail(noRun(lease.Run))
	}
	if l := locked.out[0].live(); !l.held || l.epoch != lease.Epoch {
		return fail(flowforge.Errorf(flowforge.CodeStaleEpoch, "run %s: epoch %d is over, it is %d", lease.Run, lease.Epoch, l.epoch))
	}
	if err := x.giveBack(ctx); err != nil {
		return fail(err)
	}
	inner := context.WithValue(ctx, txKey{}, tx)
	if s.dialect.lite {
		var cancel context.CancelFunc
		inner, cancel = context.WithTimeout(inner, liteWork)
		defer cancel()
	}
	t, err := work(inner)
	if err != nil {
		return store.Committed{}, err
	}
	if keyOf(t.Workspace, t.Run) != keyOf(lease.Workspace, lease.Run) {
		return fail(flowforge.Errorf(flowforge.CodeConflict, "the transition is of run %s, the lease of run %s", t.Run, lease.Run))
	}
	if err := x.borrow(ctx); err != nil {
		return fail(err)
	}
	var answer store.Committed
	c := &change{Transition: &t, answer: &answer}
	if err := s.commitIn(ctx, x, []*change{c}, true); err != nil {
		return fail(err)
	}
	if answer.Err != nil {
		return store.Committed{}, answer.Err
	}
	return answer, x.giveBack(ctx)
}
