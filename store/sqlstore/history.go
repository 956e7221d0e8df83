package sqlstore

import (
	"context"
	"encoding/json"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const (
	selectRun = `{with workspace:text run:text} SELECT ` + whole + ` FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.id = (SELECT run FROM s)`
	selectDocument = `{with workspace:text hash:text} SELECT text FROM documents
		WHERE workspace = (SELECT workspace FROM s) AND hash = (SELECT hash FROM s)`
	selectNodes = `{with workspace:text run:text skip:bigint most:bigint}
		SELECT ` + nodeColumns + `, v.output FROM node_runs v
		WHERE v.workspace = (SELECT workspace FROM s) AND v.run = (SELECT run FROM s)
		ORDER BY v.n LIMIT (SELECT most FROM s) OFFSET (SELECT skip FROM s)`
	selectEvents = `{with workspace:text run:text after:bigint most:bigint}
		SELECT t.events FROM steps t
		WHERE t.workspace = (SELECT workspace FROM s) AND t.run = (SELECT run FROM s)
			AND t.to_seq > (SELECT after FROM s) AND t.events IS NOT NULL
		ORDER BY t.to_seq, t.n LIMIT (SELECT most FROM s)`
	selectLogs = `{with workspace:text run:text after:bigint most:bigint}
		SELECT g.line FROM logs g
		WHERE g.workspace = (SELECT workspace FROM s) AND g.run = (SELECT run FROM s) AND g.n > (SELECT after FROM s)
		ORDER BY g.n LIMIT (SELECT most FROM s)`
)

// Run gives a run.
func (s *Store) Run(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID,
) (flowforge.Run, error) {
	found := query(selectRun, [][]any{cells(keyOf(workspace, id))})
	if err := s.read(ctx, "read a run", string(workspace), found); err != nil {
		return flowforge.Run{}, err
	}
	if len(found.out) == 0 {
		return flowforge.Run{}, noRun(id)
	}
	var l loader
	var run flowforge.Run
	found.out[0].wholeRun(&l, &run)
	return run, s.load(ctx, workspace, &l)
}

// load reads the payloads of a workspace that are blobs.
func (s *Store) load(ctx context.Context, workspace flowforge.Workspace, l *loader) error {
	err := l.load(ctx, func(ctx context.Context, calls ...*call) error {
		return s.read(ctx, "read blobs", string(workspace), calls...)
	})
	return s.failure(ctx, "read values", err)
}

// ofRun runs calls about a run, which must be there, and gives its status and when it was created.
func (s *Store) ofRun(
	ctx context.Context, op string, workspace flowforge.Workspace, id flowforge.RunID, calls ...*call,
) (flowforge.RunStatus, time.Time, error) {
	status := query(runStatus, [][]any{cells(keyOf(workspace, id))})
	if err := s.read(ctx, op, string(workspace), append([]*call{status}, calls...)...); err != nil {
		return "", time.Time{}, err
	}
	if len(status.out) == 0 {
		return "", time.Time{}, noRun(id)
	}
	r := &status.out[0]
	return flowforge.RunStatus(r.text()), r.time(), nil
}

// Document gives the text of a workflow that a run was started with.
func (s *Store) Document(
	ctx context.Context, workspace flowforge.Workspace, hash string,
) (store.Document, error) {
	found := query(selectDocument, [][]any{{string(workspace), hash}})
	if err := s.read(ctx, "read a document", string(workspace), found); err != nil {
		return store.Document{}, err
	}
	if len(found.out) == 0 {
		return store.Document{}, flowforge.Errorf(flowforge.CodeNotFound, "there is no document %s", hash)
	}
	text, err := flowforge.StoredValue(found.out[0].next())
	return store.Document{Hash: hash, Text: text}, err
}

// NodeRuns gives node runs in the order they were first recorded.
func (s *Store) NodeRuns(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, skip, limit int,
) ([]flowforge.NodeRun, error) {
	nodes := query(selectNodes, [][]any{cells(keyOf(workspace, id), int64(max(skip, 0)), most(limit))})
	if _, _, err := s.ofRun(ctx, "read node runs", workspace, id, nodes); err != nil {
		return nil, err
	}
	var l loader
	runs := make([]flowforge.NodeRun, len(nodes.out))
	for i := range nodes.out {
		nodes.out[i].node(&l, workspace, &runs[i])
	}
	return runs, s.load(ctx, workspace, &l)
}

func most(limit int) int64 {
	if limit <= 0 {
		return defaultPage
	}
	return int64(limit)
}

// Events gives the durable events after a sequence number. The first, EventRunCreated, is not kept: it says no more
// than the run itself.
func (s *Store) Events(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, after int64, limit int,
) ([]flowforge.Event, error) {
	steps := query(selectEvents, [][]any{cells(keyOf(workspace, id), after, most(limit))})
	_, created, err := s.ofRun(ctx, "read events", workspace, id, steps)
	if err != nil {
		return nil, err
	}
	var events []flowforge.Event
	if after < 1 {
		events = append(events, flowforge.Event{Seq: 1, Kind: flowforge.EventRunCreated, At: created})
	}
	texts := make([][]byte, len(steps.out))
	var l loader
	for i := range steps.out {
		l.text(workspace, steps.out[i].next(), func(text []byte) error {
			texts[i] = text
			return nil
		})
	}
	if err := s.load(ctx, workspace, &l); err != nil {
		return nil, err
	}
	for _, text := range texts {
		var some []flowforge.Event
		if err := json.Unmarshal(text, &some); err != nil {
			return nil, s.failure(ctx, "read events", err)
		}
		for _, event := range some {
			if event.Seq > after {
				events = append(events, event)
			}
		}
	}
	events = events[:min(len(events), int(most(limit)))]
	for i := range events {
		events[i].Run = id
	}
	return events, nil
}

// Logs gives the lines that nodes logged.
func (s *Store) Logs(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, skip, limit int,
) ([]store.LogLine, error) {
	logs := query(selectLogs, [][]any{cells(keyOf(workspace, id), int64(max(skip, 0)), most(limit))})
	if _, _, err := s.ofRun(ctx, "read logs", workspace, id, logs); err != nil {
		return nil, err
	}
	lines := make([]store.LogLine, len(logs.out))
	for i := range logs.out {
		logs.out[i].json(&lines[i])
		if err := logs.out[i].err; err != nil {
			return nil, err
		}
	}
	return lines, nil
}
