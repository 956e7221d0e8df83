package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Claim leases runs that are ready.
func (s *Store) Claim(ctx context.Context, claim store.Claim) (store.Claims, error) {
	if err := s.enter(ctx); err != nil {
		return store.Claims{}, err
	}
	var claims store.Claims
	var taken []*claimed
	const passes = 4 // a second one once slots were given, new node types were learned, or shares were not used
	for range passes {
		found, again, next, err := s.claimOnce(ctx, &claim, claim.Limit-len(taken))
		if err != nil {
			return store.Claims{}, s.failure(ctx, "claim runs", err)
		}
		taken, claims.Next = append(taken, found...), next
		if !again || len(taken) >= claim.Limit {
			break
		}
	}
	slices.SortStableFunc(taken, func(a, b *claimed) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.fresh(), b.fresh()),
			cmp.Compare(a.since, b.since), cmp.Compare(a.Run.ID, b.Run.ID))
	})
	for _, t := range taken {
		claims.Runs = append(claims.Runs, t.Claimed)
	}
	return claims, nil
}

// A claimed run has its place in the order of claims.
type claimed struct {
	store.Claimed
	rank, since int64
	steps       int64
	received    int64
}

// fresh is 1 for a run that has not begun, else 0.
func (c *claimed) fresh() int64 { return number(c.Run.StartedAt.IsZero()) }

// claimOnce claims what is ready now. Again says that more may be.
func (s *Store) claimOnce(ctx context.Context, claim *store.Claim, limit int) (
	found []*claimed, again bool, next time.Duration, err error,
) {
	var lacking []string
	err = retry(ctx, func() error {
		found, lacking, again, next, err = s.claimBatch(ctx, claim, limit)
		return err
	})
	if err != nil {
		return nil, false, 0, err
	}
	if again {
		err = s.learnSets(ctx)
	}
	if err == nil && len(lacking) > 0 {
		var given bool
		given, err = s.giveSlots(ctx, lacking)
		again = again || given
	}
	if len(found) > 0 && err != nil {
		err = nil // what was claimed counts
		again = false
	}
	return found, again, next, err
}

const countSets = `SELECT count(*) FROM type_sets`

// lackingRuns gives the workspaces where slots are to be given: some were freed, or a run that lacks some is due.
const lackingRuns = `{with} SELECT workspace FROM freed WHERE at <= {now} UNION
	SELECT r.workspace FROM runs r WHERE r.lacks > 0 AND r.due_at <= {now} AND r.cancels = 0`

func (s *Store) claimBatch(ctx context.Context, claim *store.Claim, limit int) (
	found []*claimed, lacking []string, again bool, next time.Duration, err error,
) {
	if len(claim.Pools) == 0 || limit <= 0 {
		return nil, nil, false, 0, nil
	}
	for _, pool := range claim.Pools {
		if err := checkText(pool); err != nil {
			return nil, nil, false, 0, err
		}
	}
	sets, known := s.setsWithin(claim.NodeTypes)
	slices.Sort(sets)
	x := s.engine()
	defer x.close(ctx)
	take, more, shares, err := s.claimCall(ctx, x, claim, sets, limit)
	if err != nil {
		return nil, nil, false, 0, err
	}
	count, lacks, wake := query(countSets, nil), query(lackingRuns, nil), query(nextText(claim.Pools), nil)
	calls := []*call{count, lacks, wake}
	if len(sets) > 0 {
		calls = append(calls, take)
	}
	if err := x.run(ctx, calls...); err != nil {
		return nil, nil, false, 0, err
	}
	l := &loader{}
	for i := range take.out {
		found = append(found, take.out[i].claimed(l, claim))
	}
	if err := s.loadClaimed(ctx, x, l, found); err != nil {
		return nil, nil, false, 0, err
	}
	for i := range lacks.out {
		lacking = append(lacking, lacks.out[i].text())
	}
	if now, at := wake.out[0].int(), wake.out[0].int(); at > now {
		next = time.Duration(at-now) * time.Microsecond
	}
	again = count.out[0].int() != known || len(found) < limit && (more || anyShareUsedUp(shares, found))
	return found, lacking, again, next, nil
}

// claimCall gives the call that claims, the shares that it gives to fronts, and whether there may be more.
func (s *Store) claimCall(
	ctx context.Context, x *session, claim *store.Claim, sets []int64, limit int,
) (take *call, more bool, shares map[front]int, err error) {
	in := [][]any{{string(claim.Worker), claim.For.Microseconds()}}
	if claim.Only != nil {
		in[0] = append(in[0], string(claim.Only.Workspace), string(claim.Only.Run))
		return query(claimOnlyText(claim.Pools, sets), in), false, nil, nil
	}
	shares, more, err = s.fronts.read(ctx, x, claim.Pools, limit)
	take = query(claimText(claim.Pools, shares, sets, limit), in)
	take.adhoc = len(shares) > 0 // it names workspaces
	return take, more, shares, err
}

// ranks are how many priorities there are.
const ranks = 5

// claimText gives the statement of a claim: for each priority those that have begun, the longest due first, then of
// each front its share of the others, as far as the limit goes. Each part is the beginning of a range of the index
// runs_begun or runs_fresh.
func claimText(pools []string, shares map[front]int, sets []int64, limit int) string {
	var parts []string
	part := func(most int, which string, values ...any) {
		parts = append(parts, fmt.Sprintf(`SELECT workspace, id FROM (SELECT r.workspace, r.id FROM runs r
			WHERE %s AND r.due_at <= {now} AND r.types IN (%s) AND (r.lacks = 0 OR r.cancels > 0)
			ORDER BY r.due_at, r.id LIMIT %d {skip}) p%d`, fmt.Sprintf(which, values...), numbers(sets), most, len(parts)))
	}
	ordered := slices.SortedFunc(maps.Keys(shares), front.compare)
	for rank := int64(1); rank <= ranks; rank++ {
		for _, pool := range pools {
			part(limit, `r.pool = %s AND r.rank = %d AND r.started_at IS NOT NULL`, literal(pool), rank)
		}
		for _, at := range ordered {
			if most := shares[at]; at.rank == rank && most > 0 {
				part(most, `r.pool = %s AND r.rank = %d AND r.workspace = %s AND r.started_at IS NULL`,
					literal(at.pool), rank, literal(at.workspace))
			}
		}
	}
	return takeText(`worker:text span:bigint`, fmt.Sprintf(`%s LIMIT %d`, strings.Join(parts, " UNION ALL "), limit))
}

// claimOnlyText gives the statement of a claim of one run.
func claimOnlyText(pools []string, sets []int64) string {
	return takeText(`worker:text span:bigint workspace:text id:text`, fmt.Sprintf(`SELECT r.workspace, r.id FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.id = (SELECT id FROM s) AND r.pool IN (%s)
			AND r.due_at <= {now} AND r.types IN (%s) AND (r.lacks = 0 OR r.cancels > 0) {skip}`, literals(pools), numbers(sets)))
}

// takeText gives the statement that leases the runs that another finds.
func takeText(input, runs string) string {
	return fmt.Sprintf(`{with %s}, c AS MATERIALIZED (%s)
		UPDATE runs AS r SET epoch = r.epoch + 1, lost = CASE WHEN r.worker IS NULL THEN r.lost ELSE r.lost + 1 END,
			since = r.due_at, worker = s.worker, due_at = {now} + s.span, parked = 0, wake_at = NULL, line = NULL
		FROM c, s WHERE r.workspace = c.workspace AND r.id = c.id
		RETURNING {r}rank, {r}since, {r}steps, {r}received, {r}epoch, {r}lost, %s`,
		input, runs, strings.ReplaceAll(whole, "r.", "{r}"))
}

// anyShareUsedUp reports whether a front had as many runs as its share, and so may have more, which others have left.
func anyShareUsedUp(shares map[front]int, found []*claimed) bool {
	used := map[front]int{}
	for _, c := range found {
		if c.fresh() == 1 {
			used[front{c.Run.Pool, c.rank, string(c.Run.Workspace)}]++
		}
	}
	for at, share := range shares {
		if used[at] >= share {
			return true
		}
	}
	return false
}

func nextText(pools []string) string {
	parts := make([]string, 0, len(pools)+1)
	for _, pool := range pools {
		parts = append(parts, fmt.Sprintf(`SELECT min(r.due_at) AS due FROM runs r
			WHERE r.pool = %s AND r.worker IS NULL AND r.due_at > {now}`, literal(pool)))
	}
	parts = append(parts, `SELECT min(f.at) AS due FROM freed f WHERE f.at > {now}`)
	return `{with} SELECT {now}, min(due) FROM (` + strings.Join(parts, " UNION ALL ") + `) n`
}

func (r *row) claimed(l *loader, claim *store.Claim) *claimed {
	c := &claimed{rank: r.int(), since: r.int(), steps: r.int(), received: r.int()}
	c.Lease = store.Lease{Worker: claim.Worker, Epoch: r.int(), For: claim.For}
	c.Lost = int(r.int())
	r.wholeRun(l, &c.Run)
	c.Lease.Workspace, c.Lease.Run = c.Run.Workspace, c.Run.ID
	return c
}

const (
	claimedNodes = `{with workspace:text run:text n:bigint}
		SELECT s.n, ` + nodeColumns + `, CASE WHEN v.dropped = 0 THEN v.output END
		FROM s JOIN node_runs v ON v.workspace = s.workspace AND v.run = s.run ORDER BY v.workspace, v.run, v.n`
	claimedJournal = `{with workspace:text run:text n:bigint}
		SELECT s.n, t.journal FROM s JOIN steps t ON t.workspace = s.workspace AND t.run = s.run
		WHERE t.journal IS NOT NULL ORDER BY t.workspace, t.run, t.to_seq, t.n`
	claimedMessages = `{with workspace:text run:text n:bigint}
		SELECT s.n, ` + messageColumns + ` FROM s JOIN messages m ON m.workspace = s.workspace AND m.run = s.run
		WHERE m.unread = 1 ORDER BY m.workspace, m.run, m.n`
)

// loadClaimed reads what going on with the runs needs, and commits. Of a run that has just been made there is
// nothing.
func (s *Store) loadClaimed(ctx context.Context, x *session, l *loader, found []*claimed) error {
	var begun, noted [][]any
	for i, c := range found {
		key := keyOf(c.Run.Workspace, c.Run.ID)
		if c.steps > 0 {
			begun = append(begun, cells(key, int64(i)))
		}
		if c.received > 0 {
			noted = append(noted, cells(key, int64(i)))
		}
	}
	nodes, journal, messages := query(claimedNodes, begun), query(claimedJournal, begun), query(claimedMessages, noted)
	run := x.commit
	if len(l.rows) > 0 {
		run = x.run
	}
	if err := run(ctx, nodes, journal, messages); err != nil {
		return err
	}
	// What payloads are loaded into must not move.
	nodeCounts, messageCounts := counts(nodes, len(found)), counts(messages, len(found))
	for i, c := range found {
		c.Nodes, c.Messages = slices.Grow(c.Nodes, nodeCounts[i]), slices.Grow(c.Messages, messageCounts[i])
	}
	for i := range nodes.out {
		r := &nodes.out[i]
		c := found[r.int()]
		c.Nodes = append(c.Nodes, flowforge.NodeRun{})
		r.node(l, c.Run.Workspace, &c.Nodes[len(c.Nodes)-1])
	}
	for i := range journal.out {
		r := &journal.out[i]
		c := found[r.int()]
		c.Journal = append(c.Journal, r.bytes()...)
		l.fail(r.err)
	}
	for i := range messages.out {
		r := &messages.out[i]
		c := found[r.int()]
		c.Messages = append(c.Messages, store.Message{})
		r.message(l, &c.Messages[len(c.Messages)-1])
	}
	if x.done {
		x.close(ctx) // who waits for a connection must not hold one
		return l.load(ctx, func(ctx context.Context, calls ...*call) error {
			return s.read(ctx, "read blobs", "", calls...)
		})
	}
	if err := l.load(ctx, x.run); err != nil {
		return err
	}
	return x.commit(ctx)
}

// counts tells how many rows each run has, by the number in the first cell.
func counts(c *call, runs int) []int {
	counts := make([]int, runs)
	for i := range c.out {
		counts[c.out[i].int()]++
		c.out[i].at = 0
	}
	return counts
}
