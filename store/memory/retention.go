package memory

import (
	"context"
	"maps"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Finished runs wait for their time in a line for each way to end.
type endedKey struct {
	workspace flowforge.Workspace
	status    flowforge.RunStatus
}

// SetRetention says how long the runs of a workspace are kept after their end.
func (s *Store) SetRetention(
	ctx context.Context, workspace flowforge.Workspace, keep map[flowforge.RunStatus]time.Duration,
) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if len(keep) == 0 {
		delete(s.keeping, workspace)
	} else {
		s.keeping[workspace] = maps.Clone(keep)
	}
	s.tell(auth.Told(ctx, ""))
	return nil
}

// RetentionOf gives what was set.
func (s *Store) RetentionOf(
	ctx context.Context, workspace flowforge.Workspace,
) (map[flowforge.RunStatus]time.Duration, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return maps.Clone(s.keeping[workspace]), nil
}

// Prune forgets finished runs that are past their time, and blobs that nothing refers to any more.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	now := s.now()
	pruned := 0
	for ; pruned < limit; pruned++ {
		r := s.pastTime(now)
		if r == nil {
			break
		}
		s.forget(r)
	}
	for workspace := range s.littered {
		s.sweep(workspace, now)
	}
	return pruned, nil
}

// pastTime gives the run that has been past its time the longest, or nil.
func (s *Store) pastTime(now time.Time) *run {
	var first *run
	var since time.Time
	for workspace, keeping := range s.keeping {
		for status, keep := range keeping {
			l := s.ended[endedKey{workspace, status}]
			if l == nil {
				continue
			}
			over := l.first().rank.at.Add(keep)
			if !over.After(now) && (first == nil || over.Before(since)) {
				first, since = l.first().run, over
			}
		}
	}
	return first
}

// finish takes note of a run that has ended, and forgets the one that has been so the longest if there are too
// many.
func (s *Store) finish(r *run) {
	key := endedKey{r.Workspace, r.Status}
	l := s.ended[key]
	if l == nil {
		added := s.newLine()
		l = &added
		s.ended[key] = l
	}
	l.join(&r.spot, rank{at: r.FinishedAt, order: s.next()})
	r.finished = s.finished.PushBack(r)
	if s.keep >= 0 && s.finished.Len() > s.keep {
		s.forget(s.finished.Front().Value.(*run)) //nolint:errcheck,forcetypeassert // It holds nothing else.
	}
}

// forget leaves nothing of a finished run.
func (s *Store) forget(r *run) {
	delete(s.runs, runKey{r.Workspace, r.ID})
	if r.key != "" {
		delete(s.keys, idempotencyKey{r.Workspace, r.key})
	}
	for _, t := range r.tasks {
		delete(s.tasks, t.ID)
	}
	for _, name := range r.joined {
		delete(s.joined, idempotencyKey{r.Workspace, name})
	}
	if r.group.runs--; r.group.runs == 0 {
		delete(s.groups, r.group.name)
	}
	s.finished.Remove(r.finished)
	ended := r.spot.line
	r.spot.leave()
	if ended.first() == nil {
		delete(s.ended, endedKey{r.Workspace, r.Status})
	}
	if s.blobs[r.Workspace] != nil {
		s.littered[r.Workspace] = struct{}{}
	}
	s.dropDocument(r.Workspace, r.text)
	s.unlist(r)
}
