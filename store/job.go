package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Jobs keeps the work that the platform does for itself: forgetting old runs, deliveries, messages. A job is there
// until it is done; one that failed for good stays, for people to see and to try again.
type Jobs interface {
	// PutJobs makes jobs. One whose workspace, kind and ID are there changes nothing.
	PutJobs(ctx context.Context, jobs []Job) error
	// ClaimJobs leases due jobs of the claim's kinds, those of all workspaces, the longest due first. The leases that
	// have ended are due.
	ClaimJobs(ctx context.Context, claim JobClaim) ([]ClaimedJob, error)
	// RenewJobs prolongs leases, from now on, and tells which were lost.
	RenewJobs(ctx context.Context, leases []JobLease) (lost []bool, err error)
	// FinishJob says what came of an attempt; with another epoch it is CodeStaleEpoch.
	FinishJob(ctx context.Context, lease JobLease, result JobResult) error
	// ListJobs gives a workspace's jobs in order of kind and ID.
	ListJobs(ctx context.Context, workspace flowforge.Workspace, filter JobFilter) ([]JobStanding, error)
	// RetryJob makes a job that has failed for good due at once, with no attempts made; CodeNotFound where there is none.
	RetryJob(ctx context.Context, workspace flowforge.Workspace, kind, id string) error
}

// Job is something to be done.
type Job struct {
	Workspace flowforge.Workspace
	Kind      string
	ID        string // unique within its workspace and kind
	Payload   flowforge.Value
	DueAt     time.Time // by the store's clock; zero: at once
}

// JobClaim asks for jobs to do.
type JobClaim struct {
	Worker flowforge.WorkerID
	Kinds  []string
	Limit  int
	For    time.Duration // of the leases
}

// JobLease is the right to finish a job.
type JobLease struct {
	Workspace flowforge.Workspace
	Kind, ID  string
	Epoch     int64
	For       time.Duration
}

// ClaimedJob is a job with its lease.
type ClaimedJob struct {
	Job     Job
	Lease   JobLease
	Attempt int // 1: the first since it was made, done or tried again by hand
}

// JobResult is what came of an attempt. Without Again and Error the job is done, and gone.
type JobResult struct {
	Again time.Duration // it is due again so much later; 0: not
	Error string        // why it failed; without Again for good
}

// JobFilter picks jobs.
type JobFilter struct {
	Failed             bool   // only those that have failed for good
	AfterKind, AfterID string // only later ones: the last of the page before
	Limit              int    // 0: 50
}

// JobStanding is how a job stands.
type JobStanding struct {
	Job
	Worker   flowforge.WorkerID // whose lease it is, until DueAt; empty: nobody's
	Attempts int
	Error    string // of the last attempt that failed
	Failed   bool   // for good
}
