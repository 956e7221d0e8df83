package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

const (
	upsertQuota = `{with workspace:text weight:bigint queued:bigint running:bigint}
		INSERT INTO quotas (workspace, weight, queued, running) SELECT workspace, weight, queued, running FROM s WHERE true
		ON CONFLICT (workspace) DO UPDATE SET weight = excluded.weight, queued = excluded.queued, running = excluded.running`
	selectQuota = `{with workspace:text}
		SELECT q.weight, q.queued, q.running FROM quotas q WHERE q.workspace = (SELECT workspace FROM s)`
)

// SetQuota says what a workspace may take.
func (s *Store) SetQuota(ctx context.Context, workspace flowforge.Workspace, quota store.Quota) error {
	return s.writeOf(ctx, "set a quota", workspace, auth.Told(ctx, ""), nil, exec(upsertQuota, [][]any{
		{string(workspace), int64(quota.Weight), int64(quota.Queued), int64(quota.Running)},
	}))
}

// QuotaOf gives what was set.
func (s *Store) QuotaOf(ctx context.Context, workspace flowforge.Workspace) (store.Quota, error) {
	found := query(selectQuota, [][]any{{string(workspace)}})
	if err := s.read(ctx, "read a quota", string(workspace), found); err != nil || len(found.out) == 0 {
		return store.Quota{}, err
	}
	r := &found.out[0]
	quota := store.Quota{Weight: int(r.int()), Queued: int(r.int()), Running: int(r.int())}
	return quota, s.failure(ctx, "read a quota", r.err)
}
