package memory

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// SetQuota says what a workspace may take.
func (s *Store) SetQuota(ctx context.Context, workspace flowforge.Workspace, quota store.Quota) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if quota == (store.Quota{}) {
		delete(s.quotas, workspace)
	} else {
		s.quotas[workspace] = quota
	}
	s.tell(auth.Told(ctx, ""))
	return nil
}

// QuotaOf gives what was set.
func (s *Store) QuotaOf(ctx context.Context, workspace flowforge.Workspace) (store.Quota, error) {
	if err := s.enter(ctx); err != nil {
		return store.Quota{}, err
	}
	defer s.mu.Unlock()
	return s.quotas[workspace], nil
}
