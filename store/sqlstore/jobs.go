package sqlstore

import (
	"cmp"
	"context"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const (
	insertJobs = `{with workspace:text kind:text id:text payload:text due:bigint}
		INSERT INTO jobs (workspace, kind, id, payload, due_at, attempts, epoch)
		SELECT workspace, kind, id, payload, coalesce(due, {now}), 0, 0 FROM s WHERE true
		ON CONFLICT (workspace, kind, id) DO NOTHING`
	renewJobs = `{with workspace:text kind:text id:text epoch:bigint span:bigint}
		UPDATE jobs AS r SET due_at = {now} + s.span FROM s
		WHERE r.workspace = s.workspace AND r.kind = s.kind AND r.id = s.id AND r.epoch = s.epoch AND r.worker IS NOT NULL`
	heldJobs = `{with workspace:text kind:text id:text epoch:bigint n:bigint}
		SELECT s.n FROM s JOIN jobs r ON r.workspace = s.workspace AND r.kind = s.kind AND r.id = s.id
		WHERE r.epoch = s.epoch AND r.worker IS NOT NULL`
	doneJob = `{with workspace:text kind:text id:text epoch:bigint}
		DELETE FROM jobs WHERE (workspace, kind, id, epoch) IN (SELECT workspace, kind, id, epoch FROM s)
			AND worker IS NOT NULL RETURNING id`
	againJob = `{with workspace:text kind:text id:text epoch:bigint span:bigint error:text}
		UPDATE jobs AS r SET due_at = {now} + s.span, worker = NULL, error = coalesce(s.error, r.error),
			attempts = CASE WHEN s.error IS NULL THEN 0 ELSE r.attempts END FROM s
		WHERE r.workspace = s.workspace AND r.kind = s.kind AND r.id = s.id AND r.epoch = s.epoch AND r.worker IS NOT NULL
		RETURNING {r}id`
	listJobs = `{with workspace:text failed:bigint kind:text id:text most:bigint}
		SELECT j.kind, j.id, j.payload, j.due_at, j.worker, j.attempts, j.error FROM s JOIN jobs j ON j.workspace = s.workspace
		WHERE (s.failed = 0 OR j.due_at IS NULL) AND (j.kind > s.kind OR j.kind = s.kind AND j.id > s.id)
		ORDER BY j.kind, j.id LIMIT (SELECT most FROM s)`
	retryJob = `{with workspace:text kind:text id:text}
		UPDATE jobs AS r SET due_at = {now}, attempts = 0 FROM s
		WHERE r.workspace = s.workspace AND r.kind = s.kind AND r.id = s.id AND r.due_at IS NULL RETURNING {r}id`
)

// PutJobs makes jobs.
func (s *Store) PutJobs(ctx context.Context, jobs []store.Job) error {
	rows := make([][]any, len(jobs))
	for i, j := range jobs {
		if err := j.Payload.Check(); err != nil {
			return err
		}
		rows[i] = []any{string(j.Workspace), j.Kind, j.ID, j.Payload.String(), micros(j.DueAt)}
	}
	return s.ofEngine(ctx, "put jobs", exec(insertJobs, rows))
}

// ofEngine runs calls that write what is of many workspaces, in a transaction of their own.
func (s *Store) ofEngine(ctx context.Context, op string, calls ...*call) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.failure(ctx, op, retry(ctx, func() error { return s.once(ctx, s.engine(), calls...) }))
}

// ClaimJobs leases jobs.
func (s *Store) ClaimJobs(ctx context.Context, claim store.JobClaim) ([]store.ClaimedJob, error) {
	if len(claim.Kinds) == 0 || claim.Limit <= 0 {
		return nil, s.enter(ctx)
	}
	for _, kind := range claim.Kinds {
		if err := checkText(kind); err != nil {
			return nil, err
		}
	}
	take := query(fmt.Sprintf(`{with worker:text span:bigint}, c AS MATERIALIZED (
			SELECT r.workspace, r.kind, r.id FROM jobs r WHERE r.due_at <= {now} AND r.kind IN (%s)
			ORDER BY r.due_at, r.workspace, r.kind, r.id LIMIT %d {skip})
		UPDATE jobs AS r SET epoch = r.epoch + 1, attempts = r.attempts + 1, worker = s.worker, due_at = {now} + s.span
		FROM c, s WHERE r.workspace = c.workspace AND r.kind = c.kind AND r.id = c.id
		RETURNING {r}workspace, {r}kind, {r}id, {r}payload, {r}attempts, {r}epoch`, literals(claim.Kinds), claim.Limit),
		[][]any{{string(claim.Worker), claim.For.Microseconds()}})
	if err := s.ofEngine(ctx, "claim jobs", take); err != nil {
		return nil, err
	}
	claimed := make([]store.ClaimedJob, len(take.out))
	for i := range take.out {
		r := &take.out[i]
		job := store.Job{Workspace: flowforge.Workspace(r.text()), Kind: r.text(), ID: r.text()}
		payload, err := flowforge.StoredValue(r.next())
		job.Payload = payload
		claimed[i] = store.ClaimedJob{Job: job, Attempt: int(r.int()), Lease: store.JobLease{
			Workspace: job.Workspace, Kind: job.Kind, ID: job.ID, Epoch: r.int(), For: claim.For,
		}}
		if err = cmp.Or(err, r.err); err != nil {
			return nil, s.failure(ctx, "claim jobs", err)
		}
	}
	return claimed, nil
}

// RenewJobs prolongs leases.
func (s *Store) RenewJobs(ctx context.Context, leases []store.JobLease) ([]bool, error) {
	lost := make([]bool, len(leases))
	renews, reads := make([][]any, len(leases)), make([][]any, len(leases))
	for i, l := range leases {
		lost[i] = true
		renews[i] = []any{string(l.Workspace), l.Kind, l.ID, l.Epoch, l.For.Microseconds()}
		reads[i] = []any{string(l.Workspace), l.Kind, l.ID, l.Epoch, int64(i)}
	}
	held := query(heldJobs, reads)
	if err := s.ofEngine(ctx, "renew jobs", exec(renewJobs, renews), held); err != nil {
		return nil, err
	}
	for i := range held.out {
		lost[held.out[i].int()] = false
	}
	return lost, nil
}

// FinishJob says what came of an attempt.
func (s *Store) FinishJob(ctx context.Context, lease store.JobLease, result store.JobResult) error {
	end := query(doneJob, [][]any{{string(lease.Workspace), lease.Kind, lease.ID, lease.Epoch}})
	if result != (store.JobResult{}) {
		var span, failure any
		if result.Again > 0 {
			span = result.Again.Microseconds()
		}
		if result.Error != "" {
			failure = result.Error
		}
		end = query(againJob, [][]any{{string(lease.Workspace), lease.Kind, lease.ID, lease.Epoch, span, failure}})
	}
	if err := s.ofEngine(ctx, "finish a job", end); err != nil {
		return err
	}
	if len(end.out) == 0 {
		return flowforge.Errorf(flowforge.CodeStaleEpoch, "job %s of kind %s: epoch %d is over", lease.ID, lease.Kind, lease.Epoch)
	}
	return nil
}

// ListJobs gives the jobs of a workspace.
func (s *Store) ListJobs(ctx context.Context, workspace flowforge.Workspace, filter store.JobFilter) ([]store.JobStanding, error) {
	failed := int64(0)
	if filter.Failed {
		failed = 1
	}
	found := query(listJobs, [][]any{{string(workspace), failed, filter.AfterKind, filter.AfterID, most(filter.Limit)}})
	if err := s.read(ctx, "list jobs", string(workspace), found); err != nil {
		return nil, err
	}
	all := make([]store.JobStanding, len(found.out))
	for i := range found.out {
		r, j := &found.out[i], &all[i]
		j.Job = store.Job{Workspace: workspace, Kind: r.text(), ID: r.text()}
		payload, err := flowforge.StoredValue(r.next())
		j.Payload, j.DueAt, j.Worker = payload, r.time(), flowforge.WorkerID(r.text())
		j.Attempts, j.Error, j.Failed = int(r.int()), r.text(), j.DueAt.IsZero()
		if err = cmp.Or(err, r.err); err != nil {
			return nil, s.failure(ctx, "list jobs", err)
		}
	}
	return all, nil
}

// RetryJob makes a failed job due again.
func (s *Store) RetryJob(ctx context.Context, workspace flowforge.Workspace, kind, id string) error {
	again := query(retryJob, [][]any{{string(workspace), kind, id}})
	return s.writeOf(ctx, "retry a job", workspace, nil, func() error {
		if len(again.out) == 0 {
			return flowforge.Errorf(flowforge.CodeNotFound, "there is no job %q of kind %q that has failed", id, kind)
		}
		return nil
	}, again)
}
