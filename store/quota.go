package store

import (
	"context"

	"github.com/flowforge-go/flowforge"
)

// Quotas keeps what workspaces may take of what they share.
type Quotas interface {
	SetQuota(ctx context.Context, workspace flowforge.Workspace, quota Quota) error
	// QuotaOf gives what was set, or the zero Quota.
	QuotaOf(ctx context.Context, workspace flowforge.Workspace) (Quota, error)
}

// Quota is what a workspace may take. A store gives it its share of claims; the rest is for who creates runs.
type Quota struct {
	Weight  int `json:"weight,omitempty"`  // share of what workers take, beside other workspaces whose runs wait; 0: 1
	Queued  int `json:"queued,omitempty"`  // runs that may wait for their first worker; 0: any number
	Running int `json:"running,omitempty"` // runs that may be in progress; 0: any number
}
