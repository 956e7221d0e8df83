package storetest

import (
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func scheduleCases() []testCase {
	return []testCase{
		{"saving makes or replaces the schedule of its ID", func(k *kit) {
			first := k.schedule("a", k.Now().Add(long))
			k.save(first, k.schedule("b", time.Time{}))
			k.sameSchedules([]store.Schedule{first, k.schedule("b", time.Time{})}, k.schedules("", 0))
			first.NextAt, first.Definition = first.NextAt.Add(time.Second), flowforge.Value{}
			k.save(first)
			k.sameSchedules([]store.Schedule{first}, k.schedules("", 1))
			found, err := k.Store.Schedule(k.ctx, acme, "a")
			require.NoError(k, err)
			k.sameSchedules([]store.Schedule{first}, []store.Schedule{found})
		}},
		{"saving with a revision replaces only the schedule that is at it", func(k *kit) {
			saved := k.schedule("a", k.Now())
			saved.Revision = 1
			k.code(flowforge.CodeConflict, k.Store.SaveSchedule(k.ctx, saved))
			require.Empty(k, k.schedules("", 0), "none is made")
			k.save(k.schedule("a", k.Now()))
			read := k.schedules("", 0)[0]
			require.Positive(k, read.Revision)
			read.NextAt = time.Time{}
			k.save(read)
			k.code(flowforge.CodeConflict, k.Store.SaveSchedule(k.ctx, read))
			again := k.schedules("", 0)[0]
			require.Greater(k, again.Revision, read.Revision)
			require.True(k, again.NextAt.IsZero())
		}},
		{"saving leaves the state of a schedule alone", func(k *kit) {
			saved := k.schedule("a", k.Now())
			saved.State = flowforge.MustValue("new")
			k.save(saved)
			require.Equal(k, "new", k.schedules("", 0)[0].State.Any())
			firing := k.firing(saved, k.Now().Add(long))
			firing.State = flowforge.MustValue("fired")
			require.NoError(k, k.fire(firing).Err)
			k.save(saved)
			require.Equal(k, "fired", k.schedules("", 0)[0].State.Any())
		}},
	}
}

func scheduleListCases() []testCase {
	return []testCase{
		{"schedules are listed in order of ID, in pages", func(k *kit) {
			for _, id := range []flowforge.ScheduleID{"m", "c", "a", "q"} {
				k.save(k.schedule(id, k.Now()))
			}
			ids := func(after flowforge.ScheduleID, limit int) (ids []flowforge.ScheduleID) {
				for _, listed := range k.schedules(after, limit) {
					ids = append(ids, listed.ID)
				}
				return ids
			}
			require.Equal(k, []flowforge.ScheduleID{"a", "c", "m", "q"}, ids("", 0))
			require.Equal(k, []flowforge.ScheduleID{"a", "c", "m"}, ids("", 3))
			require.Equal(k, []flowforge.ScheduleID{"m", "q"}, ids("c", 3))
			require.Equal(k, []flowforge.ScheduleID{"m"}, ids("d", 1), "after an ID that is not there")
			require.Empty(k, ids("q", 0))
		}},
		{"a schedule is forgotten, and is not found where there is none", func(k *kit) {
			k.code(flowforge.CodeNotFound, k.Store.DeleteSchedule(k.ctx, acme, "a"))
			k.save(k.schedule("a", k.Now()), k.schedule("b", k.Now().Add(long)))
			require.NoError(k, k.Store.DeleteSchedule(k.ctx, acme, "a"))
			k.code(flowforge.CodeNotFound, k.Store.DeleteSchedule(k.ctx, acme, "a"))
			require.Len(k, k.schedules("", 0), 1)
			require.Empty(k, k.due(0))
			k.code(flowforge.CodeNotFound, k.fire(store.Firing{Workspace: acme, Schedule: "a", At: k.Now()}).Err)
		}},
	}
}

func dueCases() []testCase {
	return []testCase{
		{"schedules of all workspaces are due when their time has come, the longest overdue first", func(k *kit) {
			now := k.Now()
			theirs := k.schedule("theirs", now.Add(-2*time.Second))
			theirs.Workspace = other
			k.save(
				k.schedule("third", now.Add(-time.Second)), k.schedule("first", now.Add(-3*time.Second)), theirs,
				k.schedule("later", now.Add(k.Lease)), k.schedule("paused", time.Time{}),
			)
			require.Equal(k, []flowforge.ScheduleID{"first", "theirs", "third"}, k.due(0))
			require.Equal(k, []flowforge.ScheduleID{"first", "theirs"}, k.due(2))
			require.Len(k, k.due(0), 3, "looking changes nothing")
			if k.Exact {
				k.Advance(k.Lease - time.Microsecond)
				require.Len(k, k.due(0), 3, "a microsecond early")
			}
			k.Advance(k.Lease)
			require.Equal(k, []flowforge.ScheduleID{"first", "theirs", "third", "later"}, k.due(0))
		}},
		{"a look for due schedules tells how long it takes until the next one is", func(k *kit) {
			next := func() time.Duration {
				due, err := k.Store.DueSchedules(k.ctx, 0)
				require.NoError(k, err)
				return due.Next
			}
			require.Zero(k, next())
			k.save(k.schedule("due", k.Now()), k.schedule("paused", time.Time{}))
			require.Zero(k, next())
			k.save(k.schedule("a", k.Now().Add(2*long)), k.schedule("b", k.Now().Add(long)))
			require.Greater(k, next(), time.Duration(0))
			require.LessOrEqual(k, next(), long)
			if k.Exact {
				require.Equal(k, long, next())
			}
		}},
		{"many are due, in order of their times", func(k *kit) {
			now, want := k.Now(), make([]flowforge.ScheduleID, 60)
			for i := range want {
				at := i * 37 % len(want)
				want[at] = flowforge.ScheduleID(strconv.Itoa(i))
				k.save(k.schedule(want[at], now.Add(time.Duration(at-len(want))*time.Second)))
			}
			require.Equal(k, want, k.due(100))
			require.Equal(k, want[:50], k.due(0), "50 without a limit")
		}},
		{"a schedule that is saved with a later time is not due", func(k *kit) {
			k.save(k.schedule("a", k.Now()), k.schedule("b", k.Now()))
			k.save(k.schedule("a", k.Now().Add(long)), k.schedule("b", time.Time{}))
			require.Empty(k, k.due(0))
		}},
	}
}

func fireCases() []testCase {
	return []testCase{
		{"firing moves the schedule's time and creates its runs, as Create does", func(k *kit) {
			first, second := k.newRun(), k.newRun()
			second.Lease = &store.Lease{Worker: alice, For: long}
			saved := k.schedule("a", k.Now())
			k.save(saved)
			fired := k.fire(k.firing(saved, saved.NextAt.Add(k.Lease), first, second))
			require.NoError(k, fired.Err)
			require.Len(k, fired.Started, 2)
			require.Equal(k, text(k, first.Run), text(k, fired.Started[0].Run))
			require.False(k, fired.Started[0].Existing)
			require.Equal(k, int64(1), fired.Started[1].Epoch)
			require.Equal(k, []flowforge.RunID{first.Run.ID}, k.claimed())
			require.Empty(k, k.due(0))
			k.sameTime(saved.NextAt.Add(k.Lease), k.schedules("", 0)[0].NextAt)
			require.Equal(k, saved.Definition.String(), k.schedules("", 0)[0].Definition.String())
			k.Advance(k.Lease)
			require.Len(k, k.due(0), 1)
		}},
		{"a schedule that is fired for the last time is never due again", func(k *kit) {
			saved := k.schedule("a", k.Now())
			k.save(saved)
			require.NoError(k, k.fire(k.firing(saved, time.Time{})).Err)
			k.Advance(k.Lease)
			require.Empty(k, k.due(0))
			require.True(k, k.schedules("", 0)[0].NextAt.IsZero())
		}},
		{"a schedule that is not at its time any more, or paused, is a conflict, and starts nothing", func(k *kit) {
			saved := k.schedule("a", k.Now())
			k.save(saved, k.schedule("paused", time.Time{}))
			stale := k.firing(saved, saved.NextAt.Add(long), k.newRun())
			stale.At = stale.At.Add(time.Millisecond)
			k.code(flowforge.CodeConflict, k.fire(stale).Err)
			k.code(flowforge.CodeConflict, k.fire(k.firing(k.schedule("paused", time.Time{}), k.Now(), k.newRun())).Err)
			require.Empty(k, k.claimed())
			require.Equal(k, []flowforge.ScheduleID{"a"}, k.due(0))
		}},
		{"a firing of another revision is a conflict", func(k *kit) {
			saved := k.schedule("a", k.Now())
			k.save(saved)
			firing := k.firing(k.schedules("", 0)[0], k.Now().Add(long), k.newRun())
			firing.Revision = k.schedules("", 0)[0].Revision
			k.save(saved)
			k.code(flowforge.CodeConflict, k.fire(firing).Err)
			require.Empty(k, k.claimed())
			firing.Revision++
			require.NoError(k, k.fire(firing).Err)
			require.Greater(k, k.schedules("", 0)[0].Revision, firing.Revision, "who saved what it was before did not see the firing")
		}},
		{"a firing sent again is a conflict, and starts nothing twice", func(k *kit) {
			saved := k.schedule("a", k.Now())
			k.save(saved)
			firing := k.firing(saved, k.Now().Add(long), k.newRun())
			require.NoError(k, k.fire(firing).Err)
			k.code(flowforge.CodeConflict, k.fire(firing).Err)
			require.Len(k, k.claimed(), 1)
		}},
	}
}

func firedOnceCases() []testCase {
	return []testCase{
		{"each firing is judged alone, and happens whole or not at all", func(k *kit) {
			good, bad, foreign := k.schedule("good", k.Now()), k.schedule("bad", k.Now()), k.schedule("foreign", k.Now())
			k.save(good, bad, foreign)
			slotless, theirs, next := k.newRun(), k.newRun(), k.Now().Add(long)
			slotless.Slots = []store.Slot{{Key: "key"}}
			theirs.Run.Workspace = other
			fired, err := k.Store.Fire(k.ctx, []store.Firing{
				k.firing(bad, next, k.newRun(), slotless), k.firing(good, next, k.newRun()), k.firing(foreign, next, k.newRun(), theirs),
			})
			require.NoError(k, err)
			require.Len(k, fired, 3)
			k.code(flowforge.CodeInvalidValue, fired[0].Err)
			require.NoError(k, fired[1].Err)
			k.code(flowforge.CodeConflict, fired[2].Err)
			require.Equal(k, []flowforge.RunID{fired[1].Started[0].Run.ID}, k.claimed())
			require.ElementsMatch(k, []flowforge.ScheduleID{"bad", "foreign"}, k.due(0))
		}},
		{"a run with an idempotency key that was seen is not started again", func(k *kit) {
			n, again := k.newRun(), k.newRun()
			n.IdempotencyKey, again.IdempotencyKey = "key", "key"
			k.create(n)
			saved := k.schedule("a", k.Now())
			k.save(saved)
			fired := k.fire(k.firing(saved, k.Now().Add(long), again))
			require.NoError(k, fired.Err)
			require.True(k, fired.Started[0].Existing)
			require.Equal(k, n.Run.ID, fired.Started[0].Run.ID)
		}},
	}
}

func firedAtOnceCases() []testCase {
	return []testCase{
		{"of many who fire the same one succeeds", func(k *kit) {
			saved := k.schedule("a", k.Now())
			k.save(saved)
			var all sync.WaitGroup
			answers := make(chan error, 12)
			for range cap(answers) {
				firing := k.firing(saved, saved.NextAt.Add(long), k.newRun())
				all.Go(func() {
					fired, err := k.Store.Fire(k.ctx, []store.Firing{firing})
					if err == nil {
						err = fired[0].Err
					}
					answers <- err
				})
			}
			all.Wait()
			close(answers)
			succeeded := 0
			for err := range answers {
				if err == nil {
					succeeded++
				} else {
					k.code(flowforge.CodeConflict, err)
				}
			}
			require.Equal(k, 1, succeeded)
			require.Len(k, k.claimed(), 1)
		}},
		{"two workspaces may have schedules of the same ID", func(k *kit) {
			mine, theirs := k.schedule("a", k.Now()), k.schedule("a", k.Now())
			theirs.Workspace = other
			k.save(mine, theirs)
			require.NoError(k, k.fire(k.firing(theirs, k.Now().Add(long))).Err)
			k.sameSchedules([]store.Schedule{mine}, k.schedules("", 0))
			require.NoError(k, k.Store.DeleteSchedule(k.ctx, other, "a"))
			require.Len(k, k.schedules("", 0), 1)
			require.Len(k, k.due(0), 1)
		}},
	}
}

func (k *kit) schedule(id flowforge.ScheduleID, next time.Time) store.Schedule {
	return store.Schedule{
		Workspace: acme, ID: id, NextAt: next, Definition: flowforge.MustValue(map[string]any{"of": string(id)}),
	}
}

func (k *kit) save(schedules ...store.Schedule) {
	k.Helper()
	for _, s := range schedules {
		require.NoError(k, k.Store.SaveSchedule(k.ctx, s))
	}
}

// schedules gives those of acme.
func (k *kit) schedules(after flowforge.ScheduleID, limit int) []store.Schedule {
	k.Helper()
	listed, err := k.Store.ListSchedules(k.ctx, acme, after, limit)
	require.NoError(k, err)
	return listed
}

func (k *kit) sameSchedules(want, got []store.Schedule) {
	k.Helper()
	require.Len(k, got, len(want))
	for i := range want {
		require.Equal(k, want[i].Workspace, got[i].Workspace)
		require.Equal(k, want[i].ID, got[i].ID)
		require.Equal(k, want[i].Definition.String(), got[i].Definition.String())
		k.sameTime(want[i].NextAt, got[i].NextAt)
	}
}

// due gives the IDs of the schedules that are due.
func (k *kit) due(limit int) []flowforge.ScheduleID {
	k.Helper()
	due, err := k.Store.DueSchedules(k.ctx, limit)
	require.NoError(k, err)
	ids := make([]flowforge.ScheduleID, 0, len(due.Schedules))
	for _, s := range due.Schedules {
		ids = append(ids, s.ID)
	}
	return ids
}

func (k *kit) firing(of store.Schedule, next time.Time, starts ...store.NewRun) store.Firing {
	return store.Firing{Workspace: of.Workspace, Schedule: of.ID, At: of.NextAt, Next: next, Starts: starts}
}

func (k *kit) fire(firing store.Firing) store.Fired {
	k.Helper()
	fired, err := k.Store.Fire(k.ctx, []store.Firing{firing})
	require.NoError(k, err)
	require.Len(k, fired, 1)
	return fired[0]
}
