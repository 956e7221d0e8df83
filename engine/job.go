package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// JobKind is a kind of work that worker loops do beside runs. A job is done at least once: what is done twice must be
// as if it was done once.
type JobKind struct {
	Name    string                // unique in the engine
	Every   time.Duration         // one engine of all does it so often; 0: on demand, by Enqueue
	Retry   flowforge.RetryPolicy // of attempts that failed; then it has failed for good, or waits for its next period
	Timeout time.Duration         // of one attempt; 0: a minute
	Do      func(ctx context.Context, job store.Job) error
}

// How jobs are looked after.
const (
	jobsPool     = "flowforge.jobs" // where hints about jobs go; a run in a pool of this name would only make loops look in vain
	jobsAtOnce   = 10               // of one engine
	maxJobPause  = 2 * time.Second  // between two looks: a hint may be lost, and jobs become due
	jobTimeout   = time.Minute
	recurringJob = "recurring" // ID of the one job of a kind with Every
)

// Enqueue puts a job into the store, from where a worker loop that knows its kind takes it. One without an ID gets one;
// a job of the same workspace, kind and ID that is not done changes nothing.
func (e *Engine) Enqueue(ctx context.Context, job store.Job) error {
	if job.Kind == "" {
		return flowforge.Errorf(flowforge.CodeInvalidInput, "the job has no kind")
	}
	if job.ID == "" {
		job.ID = e.config.NewID()
	}
	if job.Workspace == "" {
		job.Workspace = flowforge.Local
	}
	if err := e.config.Store.PutJobs(ctx, []store.Job{job}); err != nil {
		return err
	}
	if err := e.config.Queue.Push(ctx, queue.Hint{Pool: jobsPool}); err != nil {
		e.logger.WarnContext(ctx, "push hint: the job waits for the next poll", "kind", job.Kind, "job", job.ID, "error", err)
	}
	return nil
}

// Jobs gives the jobs of a workspace that are not done, in order of kind and ID.
func (e *Engine) Jobs(ctx context.Context, workspace flowforge.Workspace, filter store.JobFilter) ([]store.JobStanding, error) {
	return e.config.Store.ListJobs(ctx, workspace, filter)
}

// RetryJob makes a job that has failed for good due again; one that there is not is an Error with CodeNotFound.
func (e *Engine) RetryJob(ctx context.Context, workspace flowforge.Workspace, kind, id string) error {
	if err := e.config.Store.RetryJob(ctx, workspace, kind, id); err != nil {
		return err
	}
	return e.config.Queue.Push(ctx, queue.Hint{Pool: jobsPool})
}

// jobKinds gives the kinds that this engine does, its own first.
func (e *Engine) jobKinds() map[string]*JobKind {
	kinds := map[string]*JobKind{}
	for _, kind := range append([]JobKind{e.retention()}, e.config.Jobs...) {
		kinds[kind.Name] = &kind
	}
	return kinds
}

// checkJobs refuses kinds that could not be told apart or done.
func (e *Engine) checkJobs() error {
	for _, kind := range e.config.Jobs {
		if kind.Name == "" || kind.Do == nil {
			return flowforge.Errorf(flowforge.CodeInvalidInput, "the kind of jobs %q needs a Name and a Do", kind.Name)
		}
	}
	if kinds := e.jobKinds(); len(kinds) != len(e.config.Jobs)+1 {
		return flowforge.Errorf(flowforge.CodeInvalidInput, "two kinds of jobs have the same name, or that of the engine's own: retention")
	}
	return nil
}

// doJobs does jobs until ctx ends; those under way are then stopped and given back.
func (e *Engine) doJobs(ctx context.Context) {
	d := &jobDoer{engine: e, kinds: e.jobKinds(), told: make(chan struct{}, 1), room: make(chan struct{}, jobsAtOnce)}
	for name := range d.kinds {
		d.names = append(d.names, name)
	}
	defer d.underWay.Wait()
	d.underWay.Go(func() {
		if err := e.config.Queue.Subscribe(ctx, []string{jobsPool}, func(queue.Hint) { d.tell() }); err != nil && ctx.Err() == nil {
			e.logger.WarnContext(ctx, "listen for jobs", "error", err)
		}
	})
	for begun := false; ctx.Err() == nil; {
		if err := d.look(ctx, &begun); err != nil && ctx.Err() == nil {
			e.logger.WarnContext(ctx, "do jobs", "error", err)
		}
		e.pauseOr(ctx, time.Duration(float64(maxJobPause)*(0.8+0.2*e.config.Random())), d.told)
	}
}

// A jobDoer does the jobs of one worker loop.
type jobDoer struct {
	engine   *Engine
	kinds    map[string]*JobKind
	names    []string
	told     chan struct{} // there may be something to do
	room     chan struct{} // holds one for each job under way
	underWay sync.WaitGroup
}

func (d *jobDoer) tell() {
	select {
	case d.told <- struct{}{}:
	default:
	}
}

// look puts the recurring jobs, once, and begins those that are due.
func (d *jobDoer) look(ctx context.Context, begun *bool) error {
	e := d.engine
	if !*begun {
		if err := d.putRecurring(ctx); err != nil {
			return err
		}
		*begun = true
	}
	free := jobsAtOnce - len(d.room)
	if free == 0 {
		return nil // the next that ends tells
	}
	claimed, err := e.config.Store.ClaimJobs(ctx, store.JobClaim{Worker: e.worker, Kinds: d.names, Limit: free, For: e.config.Lease})
	for _, c := range claimed {
		d.room <- struct{}{}
		d.underWay.Go(func() {
			d.do(ctx, c)
			<-d.room
			d.tell()
		})
	}
	return err
}

func (d *jobDoer) putRecurring(ctx context.Context) error {
	if err := d.engine.syncClock(ctx); err != nil {
		return err
	}
	var jobs []store.Job
	for _, kind := range d.kinds {
		if kind.Every > 0 {
			jobs = append(jobs, store.Job{
				Workspace: flowforge.Local, Kind: kind.Name, ID: recurringJob, DueAt: d.engine.now().Add(kind.Every),
			})
		}
	}
	return d.engine.config.Store.PutJobs(ctx, jobs)
}

// do makes one attempt of a job and says what came of it.
func (d *jobDoer) do(ctx context.Context, c store.ClaimedJob) {
	kind := d.kinds[c.Job.Kind]
	failed := d.attempt(ctx, kind, c)
	result := store.JobResult{Again: kind.Every}
	switch {
	case ctx.Err() != nil:
		result = store.JobResult{Again: time.Millisecond} // it was stopped, and is another's now
	case failed != nil:
		d.engine.logger.WarnContext(ctx, "do job", "kind", c.Job.Kind, "job", c.Job.ID, "attempt", c.Attempt, "error", failed)
		result.Error = failed.Error()
		if kind.Retry.Allows(flowforge.CodeOf(failed), c.Attempt) {
			result.Again = max(kind.Retry.Backoff(c.Attempt, d.engine.config.Random()), time.Millisecond)
		}
	}
	if err := d.engine.config.Store.FinishJob(context.WithoutCancel(ctx), c.Lease, result); err != nil {
		d.engine.logger.WarnContext(ctx, "finish job: it is done again when its lease has ended",
			"kind", c.Job.Kind, "job", c.Job.ID, "error", err)
	}
}

// attempt does a job while its lease can be renewed.
func (d *jobDoer) attempt(ctx context.Context, kind *JobKind, c store.ClaimedJob) (err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	limit := kind.Timeout
	if limit <= 0 {
		limit = jobTimeout
	}
	timer := d.engine.clock.AfterFunc(limit, func() {
		stop(flowforge.Errorf(flowforge.CodeTimeout, "the job took longer than %s", flowforge.Duration(limit)))
	})
	defer timer.Stop()
	d.underWay.Go(func() { d.keep(ctx, stop, c.Lease) })
	defer func() {
		if p := recover(); p != nil {
			err = flowforge.Errorf(flowforge.CodePanic, "the job panicked: %v", p)
		}
	}()
	if err = kind.Do(ctx, c.Job); err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// keep renews a lease until ctx ends. Where that cannot be done for half of the lease, or it was lost, the attempt is
// stopped, so that no two are made at once.
func (d *jobDoer) keep(ctx context.Context, stop context.CancelCauseFunc, lease store.JobLease) {
	renewed := d.engine.clock.Now()
	for {
		d.engine.pause(ctx, lease.For/4)
		if ctx.Err() != nil {
			return
		}
		asked := d.engine.clock.Now()
		lost, err := d.engine.config.Store.RenewJobs(ctx, []store.JobLease{lease})
		switch {
		case err == nil && !lost[0]:
			renewed = asked
		case err == nil || asked.Sub(renewed) >= lease.For/2:
			stop(flowforge.Errorf(flowforge.CodeWorkerLost, "the lease of the job could not be renewed"))
			return
		}
	}
}
