package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Retention forgets runs that ended long ago.
type Retention interface {
	// SetRetention says how long the runs of a workspace are kept after their end, by terminal status; those of a
	// status that is not named are kept for ever.
	SetRetention(ctx context.Context, workspace flowforge.Workspace, keep map[flowforge.RunStatus]time.Duration) error
	// RetentionOf gives what was set.
	RetentionOf(ctx context.Context, workspace flowforge.Workspace) (map[flowforge.RunStatus]time.Duration, error)
	// Prune forgets finished runs of all workspaces that are past their time, whole and at most limit of them, and
	// the blobs and documents that nothing refers to any more. It tells how many runs it forgot.
	Prune(ctx context.Context, limit int) (int, error)
}
