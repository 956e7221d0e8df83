package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// heed does what a hint asks for: the run it names may have a message, and others, whose hints were merged with it, may
// be ready.
func (e *Engine) heed(hint queue.Hint, ring func()) {
	if r := e.owned(hint.Run); r != nil {
		r.readInbox()
	}
	ring()
}

// How long an idle worker waits before it looks for runs without having been told to.
const (
	claimPause    = 250 * time.Millisecond
	maxClaimPause = 2 * time.Second
	claimAtOnce   = 100 // runs
)

// Run is the worker loop: it claims runs and runs them until ctx ends. Then it takes no more, begins no more
// attempts, and gives each run back as soon as its attempts have ended, for another worker to go on with; those
// that Do waits for go on here. Several loops may be active.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return flowforge.Errorf(flowforge.CodeClosed, "the engine is closed")
	}
	e.loops.Add(1)
	e.mu.Unlock()
	defer e.loops.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	bell := make(chan struct{}, 1)
	ring := func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
	e.mu.Lock()
	e.bell = ring
	e.mu.Unlock()
	e.looping.Add(1)
	listening := make(chan error, 1)
	go func() {
		listening <- e.config.Queue.Subscribe(ctx, e.config.Pools, func(hint queue.Hint) { e.heed(hint, ring) })
	}()
	var background sync.WaitGroup
	background.Go(func() { e.doJobs(ctx) })
	background.Go(func() { e.fireSchedules(ctx) })
	if e.scaler != nil && e.looping.Load() == 1 {
		background.Go(func() { e.scale(ctx) })
	}
	e.claimUntil(ctx, bell, ring)
	if e.looping.Add(-1) == 0 {
		e.handOver() //nolint:contextcheck // The run goes on in contexts of its own.
	}
	err := <-listening
	background.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, e.drain(e.base)) //nolint:contextcheck // ctx has ended; draining takes as long as the runs do.
}

// claimUntil claims runs until ctx ends.
func (e *Engine) claimUntil(ctx context.Context, bell <-chan struct{}, ring func()) {
	pause := claimPause
	for ctx.Err() == nil {
		claimed, next, err := e.claim(ctx)
		tasks, taskErr := e.claimTasks(ctx)
		claimed, err = claimed+tasks, cmp.Or(err, taskErr)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				e.logger.ErrorContext(ctx, "claim runs and tasks", "error", err)
			}
			pause = maxClaimPause
		case claimed >= claimAtOnce:
			continue
		case claimed > 0:
			pause = claimPause
		default:
			pause = min(2*pause, maxClaimPause)
		}
		wait := time.Duration(float64(pause) * (0.8 + 0.4*e.config.Random()))
		if next > 0 {
			wait = min(wait, next)
		}
		timer := e.clock.AfterFunc(wait, ring)
		select {
		case <-bell:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// claim takes over runs that are ready, as many as there is room for, and begins them. It also tells how long it
// takes until another one wakes; 0: that is not known.
func (e *Engine) claim(ctx context.Context) (claimed int, next time.Duration, err error) {
	e.mu.Lock()
	room := min(e.config.MaxRuns-len(e.runs), claimAtOnce, e.slots.room())
	if e.backlog = room <= 0; e.backlog {
		e.slots.roomAgain(e.bell)
	}
	e.mu.Unlock()
	if room <= 0 {
		return 0, 0, nil
	}
	if err := e.syncClock(ctx); err != nil {
		return 0, 0, err
	}
	claims, err := e.config.Store.Claim(ctx, e.wishes(room))
	if err != nil {
		return 0, 0, err
	}
	failpoint("claim.after")
	e.mu.Lock()
	e.backlog = len(claims.Runs) == room
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return 0, 0, e.handBackClaims(ctx, claims.Runs)
	}
	for _, c := range claims.Runs {
		e.takeOver(ctx, c)
	}
	if len(claims.Runs) == room {
		e.mu.Lock()
		now := e.clock.Now()
		e.slots.look(now.Sub(e.filled) < claimPause)
		e.filled = now
		e.slots.roomAgain(e.bell)
		e.mu.Unlock()
	}
	return len(claims.Runs), claims.Next, nil
}

// handBackClaims gives back what was claimed while the engine was being closed.
func (e *Engine) handBackClaims(ctx context.Context, claimed []store.Claimed) error {
	leases := make([]store.Lease, len(claimed))
	for i := range claimed {
		leases[i] = claimed[i].Lease
	}
	return e.config.Store.Release(context.WithoutCancel(ctx), leases)
}

// wishes gives what this engine may claim.
func (e *Engine) wishes(limit int) store.Claim {
	return store.Claim{Worker: e.worker, Pools: e.config.Pools, NodeTypes: e.Served(), Limit: limit, For: e.config.Lease}
}

// planType stands among the node types that a run needs for the journal that its plan writes: a worker that would
// read it otherwise leaves the run alone.
const planType = "flowforge.plan@" + dag.JournalVersion

// Served gives what a run may need for this engine to be able to run it, as a claim names it: its node types with
// their versions, and the version of its plans.
func (e *Engine) Served() []string {
	served := append(e.config.Nodes.Names(), planType)
	slices.Sort(served)
	return served
}

// maxLeasesLost is how many leases of a run may run out in a row before it is ended: it may be what ends its
// workers.
const maxLeasesLost = 10

// takeOver begins a claimed run, or goes on with it.
func (e *Engine) takeOver(ctx context.Context, c store.Claimed) {
	loaded, err := e.loadRun(ctx, c.Run)
	if err == nil && c.Lost >= maxLeasesLost {
		err = flowforge.Errorf(flowforge.CodeWorkerLost, "%d workers in a row were lost while they had the run: it may be what ends them", c.Lost)
	}
	if err != nil {
		e.fail(ctx, c, err)
		return
	}
	input, reads, err := gathered(&c, loaded.workflow)
	if err != nil {
		e.fail(ctx, c, err)
		return
	}
	if input != nil {
		c.Run.Input = *input
	}
	r := e.newRun(c.Run, loaded.workflow, c.Lease.Epoch)
	r.pending.gathered(input, reads)
	r.copied = recordsOf(c.Nodes, true)
	if c.Run.StartedAt.IsZero() && !foreseen(c.Nodes) {
		r.start(c.Messages)
		return
	}
	if err := r.resume(c); err != nil { //nolint:contextcheck // The run goes on in contexts of its own.
		r.lose(err)
		e.fail(ctx, c, err)
	}
}

// foreseen reports whether a run was created with attempts that were to begin at once.
func foreseen(recorded []flowforge.NodeRun) bool {
	return slices.ContainsFunc(recorded, func(n flowforge.NodeRun) bool { return !n.Status.Terminal() })
}

// fail ends a claimed run that cannot be gone on with.
func (e *Engine) fail(ctx context.Context, c store.Claimed, cause error) {
	if flowforge.CodeOf(cause) == flowforge.CodeUnavailable || ctx.Err() != nil {
		return // that is not the run's fault: it is claimed again when its lease has ended
	}
	now, status := e.now(), flowforge.RunFailed
	if c.Run.Status == flowforge.RunCanceling {
		status = flowforge.RunCanceled // that was decided, and has been told
	}
	failure := &flowforge.Failure{Code: flowforge.CodeOf(cause), Message: cause.Error()}
	var ended []flowforge.NodeRun
	for _, n := range c.Nodes {
		if !n.Status.Terminal() {
			n.Status, n.Error, n.FinishedAt, n.Awaits = flowforge.NodeFailed, failure, now, flowforge.Value{}
			ended = append(ended, n)
		}
	}
	answer, err := e.commits.do(context.WithoutCancel(ctx), &store.Transition{
		Workspace: c.Run.Workspace, Run: c.Run.ID, Epoch: c.Lease.Epoch, FromSeq: c.Run.Seq, ToSeq: c.Run.Seq + 1,
		Events: []flowforge.Event{{Run: c.Run.ID, Seq: c.Run.Seq + 1, Kind: flowforge.RunEnd(status), At: now, Error: failure}},
		Status: status,
		End:    &store.End{Error: failure, FinishedAt: now},
		Nodes:  ended,
	})
	if err = cmp.Or(err, answer.Err); err != nil {
		e.logger.ErrorContext(ctx, "end run that cannot be gone on with", "run", c.Run.ID, "error", err)
	}
}
