package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge/store"
)

// Most runs need one slot at most, and find it free. Such a run has it from its creation to its end, so that it is kept
// on the run's own row: nothing more is written, and on PostgreSQL nothing is read before. Rows of the table slots are
// for what waits, for several slots, and for those that are held for a time or while a run does not wait.

// ownSlot gives the slot that a run may keep on its own row; "": there is none.
func (c *creation) ownSlot() string {
	if len(c.Slots) != 1 || c.Gather != nil {
		return ""
	}
	slot := &c.Slots[0]
	if slot.For > 0 || slot.ReleaseWhileWaiting || slot.AtLimit != store.LimitWaits && slot.AtLimit != store.LimitRefuses {
		return ""
	}
	return slot.Key
}

// insertRunsWhereRoom inserts runs where all of them find room in their slots, and else none. (The function walks along an
// index, without a bitmap, since that forgets on the way those that have ended.)
const insertRunsWhereRoom = insertRunsInput + insertRunsFrom + ` AND NOT EXISTS (
	SELECT 1 FROM (SELECT workspace, own, count(*) AS wanted, min(places) AS places FROM s
		WHERE own IS NOT NULL GROUP BY workspace, own) k
	WHERE flowforge_taken(k.workspace, k.own, k.wanted, k.places, {now}))` + insertRunsEnd

const (
	// lockHolders counts those who have a slot on their own rows, and keeps them from ending.
	lockHolders = `{with workspace:text key:text} SELECT k.workspace, k.slot, count(*) FROM (
			SELECT r.workspace, r.slot FROM s JOIN runs r ON r.workspace = s.workspace AND r.slot = s.key
			ORDER BY r.workspace, r.id {share}
		) k GROUP BY k.workspace, k.slot`
	// freeOwn notes what those who have ended have freed, where others wait for it.
	freeOwn = `{with workspace:text key:text} INSERT INTO freed (workspace, key, at) SELECT s.workspace, s.key, {now} FROM s
		WHERE {awaited s} RETURNING workspace`
)

// insertWhereRoom inserts runs without a look through the gate, which takes a round trip. It inserts none, and gives
// nil, where one of them needs more than a slot on its own row, or where there may be no room for all.
func (s *Store) insertWhereRoom(ctx context.Context, x *session, waiting []*creation, last bool) (*newRows, error) {
	if s.dialect.lite || !x.hasty || x.begun {
		return nil, nil //nolint:nilnil // Where nothing is far away, asking twice costs more than the gate.
	}
	var gated []*creation
	for _, c := range waiting {
		c.admission = admission{own: c.ownSlot()}
		if !c.gated() {
			continue
		}
		if c.own == "" || c.Slots[0].Limit < 1 || c.Backlog > 0 || !c.WakeAt.IsZero() {
			return nil, nil //nolint:nilnil // There are none.
		}
		gated = append(gated, c)
	}
	if len(gated) == 0 {
		return nil, nil //nolint:nilnil // There is nothing to look at.
	}
	in, err := s.newRows(waiting, false)
	if err != nil {
		return nil, err
	}
	if err := s.keepSets(ctx, nil, in.sets); err != nil {
		return nil, err
	}
	err = in.insert(ctx, x, insertRunsWhereRoom, lockWorkspaces(workspacesOf(gated)), false)
	if err != nil || len(in.inserted) == 0 {
		return nil, err
	}
	if last && len(in.nodes) == 0 {
		err = x.commit(ctx)
	}
	return in, err
}
