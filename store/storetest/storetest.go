// Package storetest is the conformance suite that every store passes. Each case is named after the sentence of
// the contract it checks. A backend's test file opens its store and calls Run.
//
// Instants are compared to the microsecond, since databases keep no more.
package storetest

import (
	"testing"
	"time"

	"github.com/flowforge-go/flowforge/store"
)

// A Harness is a store to be tested, with its clock.
type Harness struct {
	Store store.Store // empty; the suite closes it

	// Now reads the store's clock.
	Now func() time.Time
	// Advance lets the store's clock go on by at least d. It may wait.
	Advance func(d time.Duration)
	// Exact says that the clock goes on by Advance alone, and by exactly d.
	Exact bool
	// Lease is the length of leases that a case lets run out; 0: a minute. Where Advance waits it should be
	// short, but longer than a case may take between two calls.
	Lease time.Duration
}

// Run runs the suite; open makes an empty store for each case.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, family := range append(familiesOfRuns(), familiesBesides()...) {
		t.Run(family.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range family.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.check(newKit(t, open(t)))
				})
			}
		})
	}
}

// A family is cases about one thing.
type family struct {
	name  string
	cases []testCase
}

// familiesOfRuns are about how runs are made, owned and advanced.
func familiesOfRuns() []family {
	return []family{
		{"Create", createCases()},
		{"Idempotency key", idempotencyCases()},
		{"Eager start", eagerCases()},
		{"Claim", claimCases()},
		{"Order of claims", orderCases()},
		{"Lease", leaseCases()},
		{"Renew and release", renewCases()},
		{"Lost", lostCases()},
		{"Clock", clockCases()},
		{"Commit", commitCases()},
		{"Batch", batchCases()},
		{"Starts", startCases()},
		{"Sends", sendCases()},
		{"Sent once", sentOnceCases()},
		{"Journal", journalCases()},
		{"Appended once", appendedOnceCases()},
		{"Event", eventCases()},
		{"End", endCases()},
		{"Node run", nodeCases()},
		{"Element", elementCases()},
		{"Dropped", droppedCases()},
		{"Dropped elements", droppedElementCases()},
		{"Park", parkCases()},
		{"Parked again", parkedCases()},
		{"Woken", wokenCases()},
		{"Slot", slotCases()},
		{"Waiting for a slot", waiterCases()},
		{"Claimed without a slot", slotlessCases()},
		{"Limit", limitCases()},
		{"Place for a time", placeCases()},
		{"Backlog", backlogCases()},
		{"Gather", gatherCases()},
		{"Gathered", gatheredCases()},
		{"Limits at once", limitRaceCases()},
		{"Claim of one run", onlyCases()},
		{"Quota", quotaCases()},
	}
}

// familiesBesides are about what else is kept.
func familiesBesides() []family {
	return []family{
		{"Inbox", inboxCases()},
		{"Message sent again", resentCases()},
		{"Message to a run", wakingCases()},
		{"Unread", unreadCases()},
		{"History", historyCases()},
		{"List", listCases()},
		{"Page of a list", pageCases()},
		{"Filter", filterCases()},
		{"Filters", filtersCases()},
		{"Document", documentCases()},
		{"Standing", standingCases()},
		{"Standing with a slot", slotStandingCases()},
		{"Seqs", seqCases()},
		{"Pools", poolCases()},
		{"Task", taskCases()},
		{"Task lease", taskLeaseCases()},
		{"Workflow", workflowCases()},
		{"Replace", replaceCases()},
		{"Version", versionCases()},
		{"Rollback", rollbackCases()},
		{"List of versions", versionListCases()},
		{"Variable", variableCases()},
		{"Telling", tellingCases()},
		{"Schedule", scheduleCases()},
		{"Schedules", scheduleListCases()},
		{"Due", dueCases()},
		{"Fire", fireCases()},
		{"Fired once", firedOnceCases()},
		{"Fired at once", firedAtOnceCases()},
		{"Job", jobCases()},
		{"Jobs at once", jobRaceCases()},
		{"Job lease", jobLeaseCases()},
		{"End of a job", jobEndCases()},
		{"Retention", retentionCases()},
		{"Prune", pruneCases()},
		{"After a prune", afterPruneCases()},
		{"Prune at once", pruningCases()},
		{"Unreferred", unreferredCases()},
		{"Referred to", sharedCases()},
		{"Blob", blobCases()},
		{"Workspace", workspaceCases()},
		{"Any order", propertyCases()},
	}
}

// A testCase checks the sentence that is its name.
type testCase struct {
	name  string
	check func(k *kit)
}
