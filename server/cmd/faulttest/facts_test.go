//go:build linux || darwin

package faulttest_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// What must hold of the rows of a database, asked without FlowForge's help. Each query gives those that break it.
const (
	// asleep are runs that nothing will wake (I14): they have no lease, time or turn, stand in no line that moves on,
	// and have neither a task, a run nor a message on its way. A line moves on when its slot is given back, when that
	// was noted, or when someone who is due is looked at.
	asleep = `SELECT r.id || ' ' || r.status || ' ' || coalesce(r.line, '') FROM runs r
		WHERE r.finished_at IS NULL AND r.due_at IS NULL AND r.status <> 'paused'
			AND NOT (r.line IS NOT NULL AND (
				EXISTS (SELECT 1 FROM slots k WHERE k.workspace = r.workspace AND k.key = r.line AND k.held = 1 AND k.until IS NULL)
				OR EXISTS (SELECT 1 FROM runs h WHERE h.workspace = r.workspace AND h.slot = r.line)
				OR EXISTS (SELECT 1 FROM freed f WHERE f.workspace = r.workspace AND f.key = r.line)
				OR EXISTS (SELECT 1 FROM slots k JOIN runs d ON d.workspace = k.workspace AND d.id = k.run
					WHERE k.workspace = r.workspace AND k.key = r.line AND k.held = 0
						AND d.lacks > 0 AND d.due_at <= CLOCK AND d.cancels = 0)))
			AND NOT (r.line IS NULL AND r.parked = 1 AND r.unread = 0 AND (
				EXISTS (SELECT 1 FROM tasks t WHERE t.workspace = r.workspace AND t.run = r.id AND t.finished = 0 AND t.due_at IS NOT NULL)
				OR EXISTS (SELECT 1 FROM runs c WHERE c.workspace = r.workspace AND c.origin_run = r.id AND c.finished_at IS NULL)
				OR EXISTS (SELECT 1 FROM node_runs n WHERE n.workspace = r.workspace AND n.run = r.id AND (n.status = 'in_doubt'
					OR n.status = 'waiting' AND n.rest LIKE '%signal%'))))`
	// leftRuns are runs that have ended and still have something that only those have that have not.
	leftRuns = `SELECT id FROM runs WHERE finished_at IS NOT NULL AND (due_at IS NOT NULL OR worker IS NOT NULL
		OR line IS NOT NULL OR slot IS NOT NULL OR wake_at IS NOT NULL OR lacks <> 0 OR unread <> 0 OR cancels <> 0)`
	// leftSlots are places of runs that have ended (I11); those that are held for a time stay for it.
	leftSlots = `SELECT k.run || ' ' || k.key FROM slots k LEFT JOIN runs r ON r.workspace = k.workspace AND r.id = k.run
		WHERE (r.id IS NULL OR r.finished_at IS NOT NULL) AND k.until IS NULL`
	leftTasks = `SELECT t.id FROM tasks t LEFT JOIN runs r ON r.workspace = t.workspace AND r.id = t.run
		WHERE (r.id IS NULL OR r.finished_at IS NOT NULL) AND t.finished = 0 AND t.worker IS NULL AND t.due_at IS NOT NULL`
	leftLines = `SELECT f.key FROM freed f JOIN runs r ON r.workspace = f.workspace AND r.line = f.key`
	// crowded are keys of concurrency that more runs have than may.
	crowded = `SELECT key || ': ' || count(*) FROM (
			SELECT k.key, k.places FROM slots k WHERE k.held = 1 AND k.until IS NULL AND k.span = 0
			UNION ALL SELECT r.slot, r.places FROM runs r WHERE r.slot IS NOT NULL
		) h GROUP BY key HAVING count(*) > min(places)`
)

// facts asks the database.
func (w *world) facts(query string) []string {
	w.t.Helper()
	return ask(w, func() ([]string, error) {
		found, err := w.tryFacts(query)
		if err != nil {
			return nil, flowforge.Errorf(flowforge.CodeUnavailable, "%s: %w", query, err)
		}
		return found, nil
	})
}

func (w *world) tryFacts(query string) ([]string, error) {
	driver, address, clock := "pgx", w.address, "extract(epoch FROM clock_timestamp()) * 1000000"
	if path, is := strings.CutPrefix(w.address, "sqlite:"); is {
		driver, address, clock = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)", "unixepoch('subsec') * 1000000"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query(strings.ReplaceAll(query, "CLOCK", clock))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var fact string
		if err := rows.Scan(&fact); err != nil {
			return nil, err
		}
		found = append(found, fact)
	}
	return found, rows.Err()
}

// requireSound requires that something will wake each run that has not ended, at this very moment, and that no limit
// is exceeded.
func (w *world) requireSound() {
	w.t.Helper()
	require.Empty(w.t, w.facts(asleep), "I14: nothing will wake them")
	require.Empty(w.t, w.facts(crowded), "I11: more runs than may")
}

// requireClean requires that nothing is left of runs that have ended. A worker must be there, which takes what was
// freed.
func (w *world) requireClean() {
	w.t.Helper()
	require.Empty(w.t, w.facts(leftRuns), "runs that have ended and are not done with")
	require.Empty(w.t, w.facts(leftSlots), "I11: slots of runs that have ended")
	require.Empty(w.t, w.facts(leftTasks), "tasks of runs that have ended")
	require.Empty(w.t, w.facts(leftLines), "lines that do not move on")
}

// TestTheFactsAreSeen breaks a database by hand: what the queries do not find they do not check.
func TestTheFactsAreSeen(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		workflow := document(t, `{"name": "limited", "settings": {"concurrency": {"limit": 1}},
			"nodes": [{"id": "n", "type": "test.effect"}]}`)
		w.start(workflow, 3)
		w.requireSound()
		for _, harm := range []struct{ statement, query string }{
			{"UPDATE runs SET due_at = NULL WHERE slot IS NOT NULL", asleep},
			{"UPDATE runs SET line = 'another' WHERE line IS NOT NULL", asleep},
			{"UPDATE runs SET slot = 'concurrency/limited', places = 1", crowded},
			{"UPDATE runs SET finished_at = 1", leftRuns},
			{"INSERT INTO slots (workspace, run, key, n, places, releases, held) VALUES ('local', 'none', 'k', 1, 1, 0, 1)", leftSlots},
		} {
			_, err := w.tryFacts(harm.statement + " RETURNING 'done'")
			require.NoError(t, err)
			require.NotEmpty(t, w.facts(harm.query), "%s is not seen", harm.statement)
		}
	})
}
