package bench

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// runsOfWorker is how many runs there are for each worker.
const runsOfWorker = 5_000

// spread starts runs, and then the workers in processes of their own that run them. It reports how many ended in a
// second while all workers were busy, by the store's clock, and how long a run took from its first step to its end.
func (b *bench) spread(ctx context.Context, document *flowforge.Workflow, report *Report) error {
	runs := b.Runs
	if runs == 0 {
		runs = runsOfWorker * b.Workers
	}
	waiting, err := b.backlog(ctx, document, runs)
	if err != nil {
		return err
	}
	b.Tell("%d runs wait for %d workers", runs, b.Workers)
	end, err := b.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	took, ends := make([]time.Duration, 0, runs), make([]time.Time, 0, runs)
	for i, id := range waiting {
		run, err := b.engine.Wait(ctx, flowforge.Local, id)
		if err != nil {
			return err
		}
		took, ends = append(took, run.FinishedAt.Sub(run.StartedAt)), append(ends, run.FinishedAt)
		if n := i + 1; n%1_000 == 0 {
			b.Tell("%s: %d runs have ended", b.Workload, n)
		}
	}
	report.fillSpread(took, ends)
	return nil
}

// backlog starts runs that nobody here runs.
func (b *bench) backlog(ctx context.Context, document *flowforge.Workflow, runs int) ([]flowforge.RunID, error) {
	ids, failed := make([]flowforge.RunID, runs), make([]error, inFlight)
	var crew sync.WaitGroup
	for i := range inFlight {
		crew.Go(func() {
			for n := i; n < runs && failed[i] == nil; n += inFlight {
				run, err := b.engine.Start(ctx, engine.StartRequest{Document: document, Input: flowforge.MustValue(nil)})
				ids[n], failed[i] = run.ID, err
			}
		})
	}
	crew.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// fillSpread reports the runs that ended while all workers were at work: neither the first tenth nor the last.
func (r *Report) fillSpread(took []time.Duration, ends []time.Time) {
	slices.SortFunc(ends, time.Time.Compare)
	const edge = 10
	from, to := len(ends)/edge, len(ends)-1-len(ends)/edge
	r.fill(took, ends[to].Sub(ends[from]), 0)
	if r.Seconds > 0 {
		r.RunsPerS = round(float64(to-from) / r.Seconds)
	}
}
