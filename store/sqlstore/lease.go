package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const (
	// A run that is locked is passed over: what is committed just now, or waits for the program's own transaction,
	// is in nobody else's hands. Its commit prolongs the lease.
	renewRuns = `{with workspace:text run:text epoch:bigint span:bigint}, l AS MATERIALIZED (
			SELECT r.workspace, r.id, s.span FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.run
			WHERE r.epoch = s.epoch AND r.worker IS NOT NULL {skip})
		UPDATE runs AS r SET due_at = {now} + l.span, line = NULL
		FROM l WHERE r.workspace = l.workspace AND r.id = l.id`
	heldRuns = `{with workspace:text run:text epoch:bigint n:bigint}
		SELECT s.n, r.unread FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.run
		WHERE r.epoch = s.epoch AND r.worker IS NOT NULL`
	releaseRuns = `{with workspace:text run:text epoch:bigint}, l AS MATERIALIZED (
			SELECT r.workspace, r.id FROM s JOIN runs r ON r.workspace = s.workspace AND r.id = s.run
			WHERE r.epoch = s.epoch AND r.worker IS NOT NULL ORDER BY r.workspace, r.id {lock})
		UPDATE runs AS r SET worker = NULL, due_at = {now}, lost = 0, line = NULL
		FROM l WHERE r.workspace = l.workspace AND r.id = l.id`
	unreadRuns = `{with worker:text}
		SELECT r.workspace, r.id FROM runs r WHERE r.worker = (SELECT worker FROM s) AND r.worker IS NOT NULL AND r.unread > 0`
)

// Renew prolongs leases, on a connection of its own.
func (s *Store) Renew(ctx context.Context, leases []store.Lease) ([]store.Renewed, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	answers := make([]store.Renewed, len(leases))
	renews, reads := make([][]any, len(leases)), make([][]any, len(leases))
	for i := range leases {
		answers[i].Lost = true
		key := keyOf(leases[i].Workspace, leases[i].Run)
		renews[i] = cells(key, leases[i].Epoch, leases[i].For.Microseconds())
		reads[i] = cells(key, leases[i].Epoch, int64(i))
	}
	held := query(heldRuns, reads)
	err := retry(ctx, func() error {
		x := s.engine()
		x.pool = s.cfg.Leases
		return s.once(ctx, x, exec(renewRuns, renews), held)
	})
	if err != nil {
		return nil, s.failure(ctx, "renew leases", err)
	}
	for i := range held.out {
		r := &held.out[i]
		answers[r.int()] = store.Renewed{Unread: r.int() > 0}
	}
	return answers, nil
}

// Release gives runs back.
func (s *Store) Release(ctx context.Context, leases []store.Lease) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	rows := make([][]any, len(leases))
	for i := range leases {
		rows[i] = cells(keyOf(leases[i].Workspace, leases[i].Run), leases[i].Epoch)
	}
	err := retry(ctx, func() error { return s.once(ctx, s.engine(), exec(releaseRuns, rows)) })
	return s.failure(ctx, "release runs", err)
}

// Unread gives those of the runs that a worker has leased that have unread messages.
func (s *Store) Unread(ctx context.Context, worker flowforge.WorkerID) ([]store.RunKey, error) {
	unread := query(unreadRuns, [][]any{{string(worker)}})
	if err := s.read(ctx, "read inboxes", "", unread); err != nil {
		return nil, err
	}
	var keys []store.RunKey
	for i := range unread.out {
		keys = append(keys, unread.out[i].key())
	}
	return keys, nil
}
