package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const (
	renewTasks = `{with id:text epoch:bigint span:bigint}, l AS MATERIALIZED (
			SELECT r.id, s.span FROM s JOIN tasks r ON r.id = s.id
			WHERE r.epoch = s.epoch AND r.worker IS NOT NULL AND r.finished = 0 {skip})
		UPDATE tasks AS t SET due_at = {now} + l.span FROM l WHERE t.id = l.id`
	releaseTasks = `{with id:text epoch:bigint}, l AS MATERIALIZED (
			SELECT r.id FROM s JOIN tasks r ON r.id = s.id
			WHERE r.epoch = s.epoch AND r.worker IS NOT NULL AND r.finished = 0 {lock})
		UPDATE tasks AS t SET worker = NULL, lost = 0, due_at = CASE WHEN t.canceled = 0 THEN {now} END FROM l WHERE t.id = l.id`
	heldTasks = `{with id:text epoch:bigint n:bigint}
		SELECT s.n, t.canceled FROM s JOIN tasks t ON t.id = s.id
		WHERE t.epoch = s.epoch AND t.worker IS NOT NULL AND t.finished = 0`
	runOfTask = `{with id:text} SELECT t.workspace, t.run FROM s JOIN tasks t ON t.id = s.id`
	lockTask  = `{with id:text}
		SELECT r.epoch, r.finished, CASE WHEN r.worker IS NULL THEN 0 ELSE 1 END FROM s JOIN tasks r ON r.id = s.id {lock}`
	endTask = `{with id:text} UPDATE tasks AS t SET finished = 1, due_at = NULL, call = NULL FROM s WHERE t.id = s.id`
)

// claimTasksText gives the statement that claims tasks, as claimText does for runs.
func claimTasksText(claim *store.Claim) string {
	var parts []string
	for rank := 1; rank <= ranks; rank++ {
		for i, pool := range claim.Pools {
			parts = append(parts, fmt.Sprintf(`SELECT id FROM (SELECT r.id FROM tasks r
				WHERE r.pool = %s AND r.rank = %d AND r.due_at <= {now} AND r.canceled = 0 AND r.node_type IN (%s)
				ORDER BY r.due_at, r.id LIMIT %d {skip}) p%d_%d`,
				literal(pool), rank, literals(claim.NodeTypes), claim.Limit, rank, i))
		}
	}
	return fmt.Sprintf(`{with worker:text span:bigint}, c AS MATERIALIZED (%s LIMIT %d)
		UPDATE tasks AS r SET epoch = r.epoch + 1, lost = r.lost + CASE WHEN r.worker IS NULL THEN 0 ELSE 1 END,
			since = r.due_at, worker = s.worker, due_at = {now} + s.span
		FROM c, s WHERE r.id = c.id
		RETURNING {r}rank, {r}since, {r}id, {r}workspace, {r}run, {r}node, {r}element, {r}pool, {r}node_type, {r}epoch, {r}lost, {r}call`,
		strings.Join(parts, " UNION ALL "), claim.Limit)
}

// ClaimTasks leases tasks.
func (s *Store) ClaimTasks(ctx context.Context, claim store.Claim) ([]store.ClaimedTask, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if len(claim.Pools) == 0 || len(claim.NodeTypes) == 0 || claim.Limit <= 0 {
		return nil, nil
	}
	for _, text := range slices.Concat(claim.Pools, claim.NodeTypes) {
		if err := checkText(text); err != nil {
			return nil, err
		}
	}
	take := query(claimTasksText(&claim), [][]any{{string(claim.Worker), claim.For.Microseconds()}})
	err := retry(ctx, func() error { return s.once(ctx, s.engine(), take) })
	if err != nil {
		return nil, s.failure(ctx, "claim tasks", err)
	}
	type ranked struct {
		store.ClaimedTask
		rank, since int64
	}
	found := make([]ranked, len(take.out))
	var l loader
	for i := range take.out {
		r, c := &take.out[i], &found[i]
		c.rank, c.since = r.int(), r.int()
		c.Task = store.Task{
			ID: flowforge.TaskID(r.text()), Workspace: flowforge.Workspace(r.text()), Run: flowforge.RunID(r.text()),
			Node: store.NodeKey{Node: flowforge.NodeID(r.text()), Element: r.text()}, Pool: r.text(), NodeType: r.text(),
		}
		c.Lease = store.TaskLease{Worker: claim.Worker, Task: c.Task.ID, Epoch: r.int(), For: claim.For}
		c.Lost = int(r.int())
		l.value(c.Task.Workspace, r.next(), &c.Task.Call)
		l.fail(r.err)
	}
	if err := l.load(ctx, func(ctx context.Context, calls ...*call) error {
		return s.read(ctx, "read blobs", "", calls...)
	}); err != nil {
		return nil, s.failure(ctx, "claim tasks", err)
	}
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.since, b.since), cmp.Compare(a.Task.ID, b.Task.ID))
	})
	var tasks []store.ClaimedTask
	for i := range found {
		tasks = append(tasks, found[i].ClaimedTask)
	}
	return tasks, nil
}

// RenewTasks prolongs leases.
func (s *Store) RenewTasks(ctx context.Context, leases []store.TaskLease) ([]store.RenewedTask, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	answers := make([]store.RenewedTask, len(leases))
	renews, reads := make([][]any, len(leases)), make([][]any, len(leases))
	for i, lease := range leases {
		answers[i].Lost = true
		renews[i] = []any{string(lease.Task), lease.Epoch, lease.For.Microseconds()}
		reads[i] = []any{string(lease.Task), lease.Epoch, int64(i)}
	}
	held := query(heldTasks, reads)
	err := retry(ctx, func() error {
		x := s.engine()
		x.pool = s.cfg.Leases
		return s.once(ctx, x, exec(renewTasks, renews), held)
	})
	if err != nil {
		return nil, s.failure(ctx, "renew tasks", err)
	}
	for i := range held.out {
		r := &held.out[i]
		answers[r.int()] = store.RenewedTask{Canceled: r.bool()}
	}
	return answers, nil
}

// ReleaseTasks gives tasks back.
func (s *Store) ReleaseTasks(ctx context.Context, leases []store.TaskLease) error {
	if err := s.enter(ctx); err != nil || len(leases) == 0 {
		return err
	}
	rows := make([][]any, len(leases))
	for i, lease := range leases {
		rows[i] = []any{string(lease.Task), lease.Epoch}
	}
	err := retry(ctx, func() error { return s.once(ctx, s.engine(), exec(releaseTasks, rows)) })
	return s.failure(ctx, "release tasks", err)
}

// FinishTask records a result. The run is locked before its task, as everywhere.
func (s *Store) FinishTask(ctx context.Context, lease store.TaskLease, result store.TaskResult) error {
	result.Task = lease.Task
	payload, err := flowforge.ValueOf(result)
	if err != nil {
		return err
	}
	of := query(runOfTask, [][]any{{string(lease.Task)}})
	if err := s.read(ctx, "read a task", "", of); err != nil {
		return err
	}
	if len(of.out) == 0 {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no task %s", lease.Task)
	}
	key := of.out[0].key()
	message := &store.Message{
		Workspace: key.Workspace, Run: key.Run, ID: "task_done/" + string(lease.Task),
		Kind: store.MessageTaskDone, Payload: payload,
	}
	err = retry(ctx, func() error {
		x := s.engine()
		defer x.close(ctx)
		return s.finish(ctx, x, lease, message)
	})
	return s.failure(ctx, "finish a task", err)
}

func (s *Store) finish(ctx context.Context, x *session, lease store.TaskLease, message *store.Message) error {
	b := s.newBatch()
	b.letters = []store.Message{*message}
	if err := b.read(ctx, x, nil, false); err != nil {
		return err
	}
	in := [][]any{{string(lease.Task)}}
	task := query(lockTask, in)
	if err := x.run(ctx, task); err != nil {
		return err
	}
	if len(task.out) == 0 {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no task %s", lease.Task)
	}
	r := &task.out[0]
	epoch, finished, held := r.int(), r.bool(), r.bool()
	switch {
	case epoch != lease.Epoch || !held:
		return flowforge.Errorf(flowforge.CodeStaleEpoch, "task %s: epoch %d is over, it is %d", lease.Task, lease.Epoch, epoch)
	case finished:
		return nil
	}
	if err := x.run(ctx, exec(endTask, in)); err != nil {
		return err
	}
	if to := b.runs[keyOf(message.Workspace, message.Run)]; to != nil {
		message.At = time.UnixMicro(to.now).UTC()
	}
	if err := b.send(message); err != nil {
		return err
	}
	return b.write(ctx, x)
}
