package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

type idempotencyKey struct {
	workspace flowforge.Workspace
	key       string
}

// Create makes runs.
func (s *Store) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	s.tick(now)
	answers := make([]store.Created, len(runs))
	for i := range runs {
		answers[i] = s.create(&runs[i], now)
	}
	return answers, nil
}

func (s *Store) create(n *store.NewRun, now time.Time) store.Created {
	existing, err := s.existing(n)
	if err != nil {
		return store.Created{Err: err}
	}
	if existing == nil {
		existing = s.join(n, now)
	}
	if existing != nil {
		return existing.again(n)
	}
	slots, err := slotsOf(n.Slots)
	if err != nil {
		return store.Created{Err: err}
	}
	r := &run{
		Run: n.Run, key: n.IdempotencyKey, fingerprint: n.Fingerprint, text: n.Document.Hash,
		wakeAt: n.WakeAt, slots: slots, group: s.groupOf(n.Run.Workspace, n.Run.Pool, n.NodeTypes),
	}
	r.Status, r.Seq = flowforge.RunQueued, 1
	if refusal := s.admit(r, n.Backlog, now); refusal != nil {
		return *refusal
	}
	r.spot.run = r
	r.group.runs++
	s.queued[r.Workspace]++
	r.events.add(flowforge.Event{Run: r.ID, Seq: 1, Kind: flowforge.EventRunCreated, At: r.CreatedAt})
	s.runs[runKey{r.Workspace, r.ID}] = r
	if r.key != "" {
		s.keys[idempotencyKey{r.Workspace, r.key}] = r
	}
	for i := range n.Nodes {
		r.nodes.set(&n.Nodes[i], &s.steps)
	}
	s.keepDocument(r.Workspace, n.Document)
	s.list(r)
	s.gather(r, n.Gather)
	s.begin(r, n, now)
	s.cancelOlder(r, now)
	return store.Created{Run: r.Run, Epoch: r.epoch}
}

// begin leases a new run, if that is wanted and it may start, or lets it wait.
func (s *Store) begin(r *run, n *store.NewRun, now time.Time) {
	s.waits(r, now)
	switch {
	case !s.claimable(r, now):
	case n.Lease != nil:
		s.lease(r, n.Lease.Worker, now.Add(n.Lease.For))
		for i := range n.Started {
			r.nodes.set(&n.Started[i], &s.steps)
		}
	default:
		r.group.ready.join(&r.spot, r.ready())
	}
}

// existing gives the run that n would be, if it is there. The same idempotency key for another request is an
// error.
func (s *Store) existing(n *store.NewRun) (*run, error) {
	if r := cmp.Or(s.runs[runKey{n.Run.Workspace, n.Run.ID}], s.joinedBefore(n)); r != nil {
		return r, nil
	}
	if n.IdempotencyKey == "" {
		return nil, nil //nolint:nilnil // There is none, which is no error.
	}
	r := s.keys[idempotencyKey{n.Run.Workspace, n.IdempotencyKey}]
	if r != nil && r.fingerprint != n.Fingerprint {
		return nil, flowforge.Errorf(flowforge.CodeKeyReused, "idempotency key %q was used for another request", n.IdempotencyKey)
	}
	return r, nil
}

// again answers a run that is there already. Who sent the very same one again, not knowing that it had leased it
// from the start, learns of its lease.
func (r *run) again(n *store.NewRun) store.Created {
	answer := store.Created{Run: r.Run, Existing: true}
	if r.ID == n.Run.ID && n.Lease != nil && r.held && r.worker == n.Lease.Worker {
		answer.Epoch = r.epoch
	}
	return answer
}

// Claim leases runs that are ready.
func (s *Store) Claim(ctx context.Context, claim store.Claim) (store.Claims, error) {
	if err := s.enter(ctx); err != nil {
		return store.Claims{}, err
	}
	defer s.mu.Unlock()
	now := s.now()
	s.tick(now)
	var claims store.Claims
	if claim.Only != nil {
		claims.Runs = s.claimOnly(&claim, now)
		claim.Limit = 0
	}
	groups := s.ready(&claim)
	for len(claims.Runs) < claim.Limit {
		first := s.firstInTurn(groups)
		if first == nil {
			break
		}
		first.leave()
		s.lease(first.run, claim.Worker, now.Add(claim.For))
		claims.Runs = append(claims.Runs, first.run.claimed(&claim))
	}
	for _, l := range []*line{&s.sleeping, &s.timed} {
		if next := l.first(); next != nil && (claims.Next == 0 || next.rank.at.Sub(now) < claims.Next) {
			claims.Next = next.rank.at.Sub(now)
		}
	}
	return claims, nil
}

// claimOnly claims the one run that is wanted, if it is ready.
func (s *Store) claimOnly(claim *store.Claim, now time.Time) []store.Claimed {
	r := s.runs[runKey{claim.Only.Workspace, claim.Only.Run}]
	if r == nil || r.spot.line != &r.group.ready ||
		!slices.Contains(claim.Pools, r.Pool) || !within(r.group.types, claim.NodeTypes) {
		return nil
	}
	r.spot.leave()
	s.lease(r, claim.Worker, now.Add(claim.For))
	return []store.Claimed{r.claimed(claim)}
}

// ready gives the groups of runs that a claim may have.
func (s *Store) ready(claim *store.Claim) []*group {
	var ready []*group
	for _, g := range s.groups {
		if g.ready.first() != nil && slices.Contains(claim.Pools, g.pool) && within(g.types, claim.NodeTypes) {
			ready = append(ready, g)
		}
	}
	slices.SortFunc(ready, func(a, b *group) int { return cmp.Compare(a.name, b.name) })
	return ready
}

// firstInTurn gives the run that is to be claimed first, or nil. Where it has not begun, workspaces with others like
// it take turns.
func (s *Store) firstInTurn(groups []*group) *spot {
	lines := make([]*line, len(groups))
	for i, g := range groups {
		lines[i] = &g.ready
	}
	first := firstOf(lines)
	if first == nil || !first.rank.fresh {
		return first
	}
	var shares []limits.Share
	var tops []*spot
	for _, g := range groups {
		top := g.ready.first()
		if top == nil || top.rank.priority != first.rank.priority {
			continue
		}
		if n := len(shares) - 1; n < 0 || shares[n].Workspace != g.space { // groups are in order of workspaces
			shares = append(shares, limits.Share{Workspace: g.space, Weight: s.quotas[g.space].Weight})
			tops = append(tops, top)
		} else if top.rank.less(&tops[n].rank) {
			tops[n] = top
		}
	}
	return tops[s.turns.Next(shares)]
}

// firstOf gives the first of several lines, or nil.
func firstOf(lines []*line) *spot {
	var first *spot
	for _, l := range lines {
		if top := l.first(); top != nil && (first == nil || top.rank.less(&first.rank)) {
			first = top
		}
	}
	return first
}

func (r *run) claimed(claim *store.Claim) store.Claimed {
	return store.Claimed{
		Run: r.Run,
		Lease: store.Lease{
			Worker: claim.Worker, Workspace: r.Workspace, Run: r.ID, Epoch: r.epoch, For: claim.For,
		},
		Lost:     r.lost,
		Nodes:    r.nodes.needed(),
		Journal:  slices.Clip(r.journal),
		Messages: slices.Clone(r.inbox.unread),
	}
}

// Renew prolongs leases.
func (s *Store) Renew(ctx context.Context, leases []store.Lease) ([]store.Renewed, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	answers := make([]store.Renewed, len(leases))
	for i := range leases {
		r := s.holds(&leases[i])
		if r == nil {
			answers[i].Lost = true
			continue
		}
		s.prolong(r, now.Add(leases[i].For))
		answers[i].Unread = len(r.inbox.unread) > 0
	}
	return answers, nil
}

// prolong lets the lease of a run last until then.
func (s *Store) prolong(r *run, until time.Time) {
	r.spot.leave()
	r.until = until
	s.leases.join(&r.spot, r.rank(r.until))
}

// Release gives runs back.
func (s *Store) Release(ctx context.Context, leases []store.Lease) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	now := s.now()
	for i := range leases {
		if r := s.holds(&leases[i]); r != nil {
			s.unlease(r)
			s.waits(r, now)
			s.place(r, now)
		}
	}
	return nil
}

// holds gives the run whose lease this is, or nil if it is not any more.
func (s *Store) holds(lease *store.Lease) *run {
	r := s.runs[runKey{lease.Workspace, lease.Run}]
	if r == nil || !r.held || r.epoch != lease.Epoch {
		return nil
	}
	return r
}

// Now gives the store's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, err
	}
	defer s.mu.Unlock()
	return s.now(), nil
}
