package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// admit says what must be so before a new run may begin. The store decides, in the commit that creates the run and in
// this order: debounce and batch, the backlog of the workspace, singleton, rate_limit, and concurrency that rejects;
// then the run waits for concurrency, throttle and the quota of its workspace, all at once, behind those of higher
// priority and those that have waited longer.
func (e *Engine) admit(ctx context.Context, fresh *store.NewRun, workflow *dag.Workflow) error {
	quota, err := e.quotas.of(ctx, e, fresh.Run.Workspace)
	if err != nil {
		return err
	}
	fresh.Backlog = quota.Queued
	if workflow.Flow != nil {
		if err := e.applyFlow(ctx, fresh, workflow); err != nil {
			return err
		}
	}
	if quota.Running > 0 {
		fresh.Slots = append(fresh.Slots, store.Slot{Key: "workspace", Limit: quota.Running})
	}
	return nil
}

// applyFlow adds what the settings of a workflow ask for.
func (e *Engine) applyFlow(ctx context.Context, fresh *store.NewRun, workflow *dag.Workflow) error {
	settings, flow := &workflow.Document.Settings, workflow.Flow
	k := &keys{ctx: ctx, workflow: fresh.Run.Workflow.Name, env: &expr.Env{
		Input: fresh.Run.Input, Trigger: fresh.Run.Input, Vars: fresh.Run.Vars, Run: factsOf(fresh.Run),
		Now: e.now, Random: e.config.Random, UUID: e.config.NewID,
	}}
	slot := func(name string, template *expr.Template, s store.Slot) {
		s.Key = k.of(name, template)
		fresh.Slots = append(fresh.Slots, s)
	}
	if flow.Singleton != nil {
		slot("singleton", flow.Singleton, store.Slot{Limit: 1, AtLimit: store.LimitAnswers})
	}
	if rate := settings.RateLimit; rate != nil {
		slot("rate_limit", flow.RateLimit, store.Slot{Limit: rate.Limit, For: rate.Period.Std(), AtLimit: store.LimitRefuses})
	}
	if c := settings.Concurrency; c != nil {
		slot("concurrency", flow.Concurrency, store.Slot{
			Limit: c.Limit, AtLimit: atLimit(c.OnLimit), ReleaseWhileWaiting: c.ReleaseWhileWaiting,
		})
	}
	if rate := settings.Throttle; rate != nil {
		slot("throttle", flow.Throttle, store.Slot{Limit: rate.Limit, For: rate.Period.Std()})
	}
	if d := settings.Debounce; d != nil {
		fresh.Gather = &store.Gather{Key: k.of("debounce", flow.Debounce), Period: d.Period.Std()}
		fresh.WakeAt = e.now().Add(d.Period.Std())
	}
	if b := settings.Batch; b != nil {
		fresh.Gather = &store.Gather{Key: k.of("batch", flow.Batch), Size: b.Size, Period: b.Period.Std()}
		if b.Size > 1 {
			fresh.WakeAt = e.now().Add(cmp.Or(b.Period.Std(), never))
		}
		fresh.Run.Input = flowforge.MustValue([]any{fresh.Run.Input})
	}
	return k.err
}

// never is how long a batch without a period waits to be full.
const never = 100 * 365 * 24 * time.Hour

func atLimit(on flowforge.OnLimit) store.AtLimit {
	switch on {
	case flowforge.OnLimitReject:
		return store.LimitRefuses
	case flowforge.OnLimitCancelRunning:
		return store.LimitCancels
	case flowforge.OnLimitQueue:
	}
	return store.LimitWaits
}

// keys makes the keys of a start; the first error stays.
type keys struct {
	ctx      context.Context //nolint:containedctx // It lives as long as the start that it is made for.
	workflow string
	env      *expr.Env
	err      error
}

// maxKey bounds the length of the part of a key that is made of the input; a longer one is told by its hash.
const maxKey = 200

// of gives a key that belongs to the workflow: "concurrency/enrich-lead/acme".
func (k *keys) of(name string, template *expr.Template) string {
	value, err := template.Eval(k.ctx, k.env)
	if err != nil {
		k.err = cmp.Or(k.err, error(flowforge.Errorf(flowforge.CodeInvalidInput, "settings.%s.key: %w", name, err)))
		return ""
	}
	text, is := value.Any().(string)
	if !is {
		text = value.String()
	}
	if len(text) > maxKey {
		sum := sha256.Sum256([]byte(text))
		text = hex.EncodeToString(sum[:])
	}
	key := name + "/" + strings.ReplaceAll(k.workflow, "/", "%2F")
	if text != "" {
		key += "/" + text
	}
	return key
}

// waitWhereRefused lets a run wait where others are refused, and never become another run: one that another run starts,
// since that waits for its very end, and one that a schedule starts, since each time has its run.
func waitWhereRefused(child *store.NewRun) {
	kept := child.Slots[:0]
	for _, slot := range child.Slots {
		if slot.AtLimit == store.LimitAnswers {
			continue
		}
		if slot.AtLimit == store.LimitRefuses {
			slot.AtLimit = store.LimitWaits
		}
		kept = append(kept, slot)
	}
	child.Slots, child.Gather, child.WakeAt, child.Backlog = kept, nil, time.Time{}, 0
}

// refusal gives the error of a run that was not created.
func refusal(answer store.Created) error {
	if answer.Err != nil && answer.After > 0 {
		return nodes.RetryAfter(answer.Err, answer.After)
	}
	return answer.Err
}

// admitAgain is admit for a run that is made of an old one: it waits as a child does, and has the input that the old
// one had, be it gathered.
func (e *Engine) admitAgain(ctx context.Context, fresh *store.NewRun, workflow *dag.Workflow) error {
	input := fresh.Run.Input
	if workflow.Flow != nil && workflow.Flow.Batch != nil {
		if inputs, _ := input.Any().([]any); len(inputs) > 0 {
			fresh.Run.Input = flowforge.MustValue(inputs[0]) // as the keys were made
		}
	}
	err := e.admit(ctx, fresh, workflow)
	waitWhereRefused(fresh)
	fresh.Run.Input = input
	return err
}

// gathered gives what a claimed run begins with and which messages that comes from: the inputs of all starts that
// joined it, or with debounce the latest. A nil input is the run's own.
func gathered(c *store.Claimed, workflow *dag.Workflow) (input *flowforge.Value, reads []string, err error) {
	var all []any
	if workflow.Flow != nil && workflow.Flow.Batch != nil {
		all, _ = c.Run.Input.Any().([]any)
	}
	for i := range c.Messages {
		message := &c.Messages[i]
		if message.Kind != store.MessageInput {
			continue
		}
		reads, input = append(reads, message.ID), &message.Payload
		if more, is := message.Payload.Any().([]any); is && all != nil {
			all = append(slices.Clip(all), more...)
		}
	}
	if input == nil || all == nil {
		return input, reads, nil
	}
	list, err := flowforge.ValueOf(all)
	return &list, reads, err
}

// quotaCache remembers the quotas of workspaces for a moment, since each start asks.
type quotaCache struct {
	mu    sync.Mutex
	known map[flowforge.Workspace]knownQuota
}

type knownQuota struct {
	store.Quota
	until time.Time
}

// quotaFor is how long it may take until all engines know of a new quota.
const quotaFor = 5 * time.Second

// maxQuotas bounds how many workspaces are remembered.
const maxQuotas = 10_000

func (q *quotaCache) of(ctx context.Context, e *Engine, workspace flowforge.Workspace) (store.Quota, error) {
	now := e.clock.Now()
	q.mu.Lock()
	known, is := q.known[workspace]
	q.mu.Unlock()
	if is && now.Before(known.until) {
		return known.Quota, nil
	}
	quota, err := e.config.Store.QuotaOf(ctx, workspace)
	if err != nil {
		return quota, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil || len(q.known) >= maxQuotas {
		q.known = make(map[flowforge.Workspace]knownQuota)
	}
	q.known[workspace] = knownQuota{quota, now.Add(quotaFor)}
	return quota, nil
}

// forget makes the next start ask for the quota of a workspace.
func (q *quotaCache) forget(workspace flowforge.Workspace) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.known, workspace)
}

// tellSuperseded lets runs of this engine know at once that a new one of the workflow may have sent them away.
func (e *Engine) tellSuperseded(workflow *dag.Workflow) {
	if c := workflow.Document.Settings.Concurrency; c != nil && c.OnLimit == flowforge.OnLimitCancelRunning {
		e.readMailSoon()
	}
}

// passOnSlots lets those go on who waited for what a run has given back.
func (e *Engine) passOnSlots(run flowforge.Run, freed bool) {
	if !freed {
		return
	}
	if e.claims() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.bell()
		return
	}
	run.ID = ""
	e.hint(e.base, run)
}
