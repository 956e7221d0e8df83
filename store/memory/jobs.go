package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

type jobKey struct {
	workspace flowforge.Workspace
	kind, id  string
}

func keyOfLease(l *store.JobLease) jobKey { return jobKey{l.Workspace, l.Kind, l.ID} }

type job struct {
	store.JobStanding
	epoch int64
	spot  spot // where it waits to be due; one that has failed for good is in no line
}

// due sets when a job is due, and who has it until then.
func (s *Store) due(j *job, at time.Time, worker flowforge.WorkerID) {
	j.DueAt, j.Worker, j.Failed = at, worker, false
	j.spot.leave()
	line := s.jobLines[j.Kind]
	if line == nil {
		made := s.newLine()
		line = &made
		s.jobLines[j.Kind] = line
	}
	line.join(&j.spot, rank{at: at, order: s.next()})
}

// PutJobs makes jobs.
func (s *Store) PutJobs(ctx context.Context, jobs []store.Job) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, put := range jobs {
		key := jobKey{put.Workspace, put.Kind, put.ID}
		if s.jobs[key] != nil {
			continue
		}
		if put.DueAt.IsZero() {
			put.DueAt = s.now()
		}
		made := &job{JobStanding: store.JobStanding{Job: put}}
		made.spot.job = made
		s.jobs[key] = made
		s.due(made, put.DueAt, "")
	}
	return nil
}

// ClaimJobs leases jobs.
func (s *Store) ClaimJobs(ctx context.Context, claim store.JobClaim) ([]store.ClaimedJob, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	var claimed []store.ClaimedJob
	for len(claimed) < claim.Limit {
		var first *spot
		for _, kind := range claim.Kinds {
			if line := s.jobLines[kind]; line != nil {
				if top := line.due(now); top != nil && (first == nil || top.rank.less(&first.rank)) {
					first = top
				}
			}
		}
		if first == nil {
			break
		}
		j := first.job
		j.epoch++
		j.Attempts++
		s.due(j, now.Add(claim.For), claim.Worker)
		work := j.Job
		work.DueAt = time.Time{}
		claimed = append(claimed, store.ClaimedJob{Job: work, Attempt: j.Attempts, Lease: store.JobLease{
			Workspace: j.Workspace, Kind: j.Kind, ID: j.ID, Epoch: j.epoch, For: claim.For,
		}})
	}
	return claimed, nil
}

// held gives the job of a lease; nil where the lease was lost.
func (s *Store) held(l *store.JobLease) *job {
	if j := s.jobs[keyOfLease(l)]; j != nil && j.epoch == l.Epoch && j.Worker != "" {
		return j
	}
	return nil
}

// RenewJobs prolongs leases.
func (s *Store) RenewJobs(ctx context.Context, leases []store.JobLease) ([]bool, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	lost := make([]bool, len(leases))
	for i := range leases {
		if j := s.held(&leases[i]); j != nil {
			s.due(j, s.now().Add(leases[i].For), j.Worker)
		} else {
			lost[i] = true
		}
	}
	return lost, nil
}

// FinishJob says what came of an attempt.
func (s *Store) FinishJob(ctx context.Context, lease store.JobLease, result store.JobResult) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	j := s.held(&lease)
	if j == nil {
		return flowforge.Errorf(flowforge.CodeStaleEpoch, "job %s of kind %s: epoch %d is over", lease.ID, lease.Kind, lease.Epoch)
	}
	if result.Error == "" {
		j.Attempts = 0
	} else {
		j.Error = result.Error
	}
	switch {
	case result.Again > 0:
		s.due(j, s.now().Add(result.Again), "")
	case result.Error != "":
		j.spot.leave()
		j.DueAt, j.Worker, j.Failed = time.Time{}, "", true
	default:
		j.spot.leave()
		delete(s.jobs, keyOfLease(&lease))
	}
	return nil
}

// ListJobs gives the jobs of a workspace.
func (s *Store) ListJobs(ctx context.Context, workspace flowforge.Workspace, filter store.JobFilter) ([]store.JobStanding, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	order := func(kind, id, otherKind, otherID string) int {
		return cmp.Or(strings.Compare(kind, otherKind), strings.Compare(id, otherID))
	}
	var all []store.JobStanding
	for key, j := range s.jobs {
		if key.workspace == workspace && (j.Failed || !filter.Failed) && order(j.Kind, j.ID, filter.AfterKind, filter.AfterID) > 0 {
			all = append(all, j.JobStanding)
		}
	}
	slices.SortFunc(all, func(a, b store.JobStanding) int { return order(a.Kind, a.ID, b.Kind, b.ID) })
	_, to := page(len(all), 0, filter.Limit)
	return all[:to], nil
}

// RetryJob makes a failed job due again.
func (s *Store) RetryJob(ctx context.Context, workspace flowforge.Workspace, kind, id string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	j := s.jobs[jobKey{workspace, kind, id}]
	if j == nil || !j.Failed {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no job %q of kind %q that has failed", id, kind)
	}
	j.Attempts = 0
	s.due(j, s.now(), "")
	return nil
}
