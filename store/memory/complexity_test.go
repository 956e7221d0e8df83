package memory

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const many = 20_000

// few is more steps than any one call needs, however many runs there are: some times the depth of a heap.
const few = 150

// A counted store says how many steps a call took.
type counted struct {
	*testing.T
	*Store
	now  time.Time
	runs int
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{T: t, now: time.Unix(1_000, 0)}
	c.Store = New(Config{Now: func() time.Time { return c.now }, Keep: 1})
	return c
}

// takes runs a call, which must take few steps.
func (c *counted) takes(most int, call func()) {
	c.Helper()
	before := c.steps
	call()
	require.LessOrEqual(c, c.steps-before, most)
}

func (c *counted) create(change func(n *store.NewRun)) store.Created {
	c.Helper()
	c.runs++
	n := store.NewRun{Run: flowforge.Run{
		ID: flowforge.RunID(fmt.Sprintf("run-%08d", c.runs)), Workspace: flowforge.Local,
		CreatedAt: c.now.Add(time.Duration(c.runs) * time.Second), Priority: c.runs % 6,
	}}
	change(&n)
	created, err := c.Create(c.Context(), []store.NewRun{n})
	require.NoError(c, err)
	require.NoError(c, created[0].Err)
	return created[0]
}

func (c *counted) claim() []store.Claimed {
	c.Helper()
	claimed, err := c.Claim(c.Context(), store.Claim{Pools: []string{""}, Limit: 1, For: time.Hour})
	require.NoError(c, err)
	return claimed.Runs
}

func (c *counted) commit(t store.Transition) {
	c.Helper()
	t.Workspace, t.Epoch = flowforge.Local, 1
	t.ToSeq = t.FromSeq + int64(len(t.Events))
	for i := range t.Events {
		t.Events[i].Seq = t.FromSeq + int64(i) + 1
	}
	answers, err := c.Commit(c.Context(), []store.Transition{t})
	require.NoError(c, err)
	require.NoError(c, answers[0].Err)
}

func (c *counted) end(id flowforge.RunID, from int64) {
	c.Helper()
	c.commit(store.Transition{
		Run: id, FromSeq: from, Status: flowforge.RunSucceeded, End: &store.End{},
		Events: []flowforge.Event{{Kind: flowforge.EventRunSucceeded}},
	})
}

func TestManyQueuedRunsCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	for range many {
		c.create(func(*store.NewRun) {})
	}
	for range 100 {
		c.takes(few, func() { c.create(func(*store.NewRun) {}) })
		var claimed []store.Claimed
		c.takes(few, func() { claimed = c.claim() })
		require.Len(t, claimed, 1)
		c.takes(few, func() { c.end(claimed[0].Run.ID, 1) })
	}
}

func TestManyParkedRunsCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	eager := func(n *store.NewRun) { n.Lease = &store.Lease{Worker: "w", For: 1_000 * time.Hour} }
	park := func(id flowforge.RunID, i int) {
		c.commit(store.Transition{Run: id, FromSeq: 1, Status: flowforge.RunWaiting, Park: &store.Park{
			WakeAt: c.now.Add(time.Duration(1+i*7919%many) * time.Second),
		}})
	}
	var last flowforge.RunID
	for i := range many {
		last = c.create(eager).Run.ID
		park(last, i)
	}
	c.takes(few, func() { require.Empty(t, c.claim()) })
	c.takes(few, func() { park(c.create(eager).Run.ID, 1) })
	c.takes(few, func() {
		require.NoError(t, c.Send(t.Context(), store.Message{Workspace: flowforge.Local, Run: last, ID: "id"}))
		require.Len(t, c.claim(), 1)
	})
	for range 100 {
		c.now = c.now.Add(time.Second)
		c.takes(2*few, func() { require.Len(t, c.claim(), 1) })
	}
}

func TestManyLeasesCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	for i := range many {
		c.create(func(n *store.NewRun) { n.Lease = &store.Lease{For: time.Duration(1+i*7919%many) * time.Minute} })
	}
	for i := range 100 {
		id := flowforge.RunID(fmt.Sprintf("run-%08d", 1+i*197))
		c.takes(few, func() {
			renewed, err := c.Renew(t.Context(), []store.Lease{{Workspace: flowforge.Local, Run: id, Epoch: 1, For: time.Hour}})
			require.NoError(t, err)
			require.False(t, renewed[0].Lost)
		})
		c.takes(few, func() { c.end(id, 1) })
	}
}

func TestManyWaitersForASlotCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	slots := []store.Slot{{Key: "key", Limit: 1}, {Key: "other", Limit: many}}
	for range many {
		c.create(func(n *store.NewRun) { n.Slots = slots })
	}
	for range 100 {
		c.takes(few, func() { c.create(func(n *store.NewRun) { n.Slots = slots }) })
		var claimed []store.Claimed
		c.takes(few, func() { claimed = c.claim() })
		require.Len(t, claimed, 1)
		c.takes(few, func() { c.end(claimed[0].Run.ID, 1) })
	}
}

func TestAStepOfALargeRunCostsFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	id := c.create(func(n *store.NewRun) { n.Lease = &store.Lease{For: time.Hour} }).Run.ID
	for i := range many {
		node := flowforge.NodeRun{Node: flowforge.NodeID("node_" + strconv.Itoa(i)), Status: flowforge.NodeRunning}
		if i%2 == 0 {
			node.Node, node.Element = "each", strconv.Itoa(i)
		}
		c.takes(3*manyNodes, func() {
			c.commit(store.Transition{
				Run: id, FromSeq: int64(i) + 1, Status: flowforge.RunRunning, Nodes: []flowforge.NodeRun{node},
				Events:  []flowforge.Event{{Kind: flowforge.EventNodeSucceeded}},
				Dropped: []store.NodeKey{{Node: node.Node}},
			})
		})
	}
	for _, key := range []store.NodeKey{{Node: "node_1", Element: store.AllElements}, {Node: "node_1"}, {Node: "each", Element: "0"}} {
		c.takes(few, func() {
			c.commit(store.Transition{Run: id, FromSeq: many + 1, Status: flowforge.RunRunning, Dropped: []store.NodeKey{key}})
		})
	}
	c.takes(few, func() { c.end(id, many+1) })
}

func TestManyTasksCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	id := c.create(func(n *store.NewRun) { n.Lease = &store.Lease{For: time.Hour} }).Run.ID
	for i := range many {
		c.takes(few, func() {
			c.commit(store.Transition{Run: id, FromSeq: 1, Status: flowforge.RunRunning, Tasks: []store.Task{{
				ID: flowforge.TaskID(strconv.Itoa(i)), Workspace: flowforge.Local, Run: id, NodeType: "a@1",
			}}})
		})
	}
	for range 100 {
		c.takes(few, func() {
			claimed, err := c.ClaimTasks(t.Context(), store.Claim{Worker: "w", Pools: []string{""}, NodeTypes: []string{"a@1"}, Limit: 1, For: time.Hour})
			require.NoError(t, err)
			require.Len(t, claimed, 1)
			require.NoError(t, c.FinishTask(t.Context(), claimed[0].Lease, store.TaskResult{}))
		})
	}
}

// A run that has ended leaves nothing once it is forgotten.
func TestForgottenRunsLeaveNothing(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	for i := range 1_000 {
		id := c.create(func(n *store.NewRun) {
			n.Lease = &store.Lease{For: time.Hour}
			n.IdempotencyKey = strconv.Itoa(i)
			n.Run.Workspace = flowforge.Local
			n.Run.Pool = "pool " + strconv.Itoa(i)
			n.Document = store.Document{Hash: strconv.Itoa(i)}
			n.Slots = []store.Slot{{Key: strconv.Itoa(i), Limit: 1}}
		}).Run.ID
		c.commit(store.Transition{Run: id, FromSeq: 1, Status: flowforge.RunRunning, Tasks: []store.Task{{
			ID: flowforge.TaskID(strconv.Itoa(i)), Workspace: flowforge.Local, Run: id,
		}}})
		c.end(id, 1)
	}
	require.Len(t, c.Store.runs, 1, "Keep is 1")
	require.Len(t, c.keys, 1)
	require.Len(t, c.tasks, 1)
	require.Len(t, c.groups, 1)
	require.Len(t, c.documents, 1)
	require.Equal(t, 1, c.finished.Len())
	require.Len(t, c.ended, 1)
	require.Empty(t, c.slots)
	require.Empty(t, c.leases.spots)
	require.LessOrEqual(t, len(c.lists[flowforge.Local].entries), 3)
	for _, l := range c.taskGroups {
		require.Empty(t, l.spots)
	}
}

func TestManySchedulesCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	schedule := func(i int) store.Schedule {
		at := c.now.Add(time.Duration(1+i*7919%many) * time.Second)
		return store.Schedule{Workspace: flowforge.Local, ID: flowforge.ScheduleID(strconv.Itoa(i)), NextAt: at}
	}
	for i := range many {
		c.takes(few, func() { require.NoError(t, c.SaveSchedule(t.Context(), schedule(i))) })
	}
	for range 100 {
		c.now = c.now.Add(time.Second)
		c.takes(few, func() {
			due, err := c.DueSchedules(t.Context(), 1)
			require.NoError(t, err)
			require.Len(t, due.Schedules, 1)
			fired, err := c.Fire(t.Context(), []store.Firing{{
				Workspace: flowforge.Local, Schedule: due.Schedules[0].ID, At: due.Schedules[0].NextAt, Next: c.now.Add(many * time.Hour),
			}})
			require.NoError(t, err)
			require.NoError(t, fired[0].Err)
		})
	}
}

func TestManyRunsPastTheirTimeCostFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	c.Store = New(Config{Now: func() time.Time { return c.now }, Keep: -1})
	for range many {
		c.end(c.create(func(n *store.NewRun) { n.Lease = &store.Lease{For: time.Hour} }).Run.ID, 1)
	}
	require.NoError(t, c.SetRetention(t.Context(), flowforge.Local, map[flowforge.RunStatus]time.Duration{flowforge.RunSucceeded: 0}))
	for range 100 {
		c.takes(few, func() {
			pruned, err := c.Prune(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, 1, pruned)
		})
	}
	for range many {
		_, err := c.Prune(t.Context(), 1_000)
		require.NoError(t, err)
		if len(c.Store.runs) == 0 {
			break
		}
	}
	require.Empty(t, c.Store.runs)
	require.Empty(t, c.ended)
	require.Zero(t, c.finished.Len())
	require.Empty(t, c.lists)
	require.Empty(t, c.mail)
}

// How a run stands costs what those cost who wait longer, not all who wait.
func TestStandingAmongManyWaitersCostsFewSteps(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	slots := []store.Slot{{Key: "key", Limit: 1}}
	ids := make([]flowforge.RunID, 0, many)
	for range many {
		ids = append(ids, c.create(func(n *store.NewRun) { n.Slots, n.Run.Priority = slots, 3 }).Run.ID)
	}
	for ahead := range 100 {
		c.takes(20*few, func() {
			standing, err := c.Standing(t.Context(), flowforge.Local, ids[ahead+1]) // the first one has the slot
			require.NoError(t, err)
			require.Equal(t, ahead, standing.Slots[0].Ahead)
		})
	}
}
