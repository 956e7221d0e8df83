package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/flowforge-go/flowforge"
)

// runResult is `run` of what --json prints.
type runResult struct {
	ID         flowforge.RunID     `json:"id"`
	Workflow   string              `json:"workflow"`
	Version    int                 `json:"version,omitempty"` // of a saved workflow
	Origin     *flowforge.Origin   `json:"origin,omitempty"`
	Test       bool                `json:"test,omitempty"`
	Status     flowforge.RunStatus `json:"status"`
	Reason     string              `json:"reason,omitempty"`
	Error      *flowforge.Failure  `json:"error,omitempty"`
	CreatedAt  time.Time           `json:"created_at"`
	StartedAt  time.Time           `json:"started_at,omitzero"`
	FinishedAt time.Time           `json:"finished_at,omitzero"`
}

// nodeResult is an element of `nodes` of what --json prints.
type nodeResult struct {
	ID         flowforge.NodeID     `json:"id"`
	Element    string               `json:"element,omitempty"`
	Status     flowforge.NodeStatus `json:"status"`
	Reason     flowforge.Reason     `json:"reason,omitempty"`
	Attempts   int                  `json:"attempts"`
	Lost       int                  `json:"lost,omitempty"`
	Copied     bool                 `json:"copied,omitempty"` // from the run it was retried from
	StartedAt  time.Time            `json:"started_at,omitzero"`
	FinishedAt time.Time            `json:"finished_at,omitzero"`
	Error      *flowforge.Failure   `json:"error,omitempty"`
}

// print writes what came of a run to standard output: its output where it succeeded, everything with --json.
func (s *session) print(ctx context.Context, run flowforge.Run, all bool) error {
	if all {
		return s.printAll(ctx, run)
	}
	if run.Status != flowforge.RunSucceeded {
		return nil
	}
	text := run.Output.JSON()
	if _, is := isTerminal(s.con.out); is {
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", "  "); err == nil {
			text = indented.Bytes()
		}
	}
	out := bufio.NewWriter(s.con.out)
	_, _ = out.Write(text)
	_ = out.WriteByte('\n')
	return flush(out)
}

// printAll writes {run, nodes, output}, the node runs one by one, so that they are never all in memory a second
// time.
func (s *session) printAll(ctx context.Context, run flowforge.Run) error {
	out := bufio.NewWriterSize(s.con.out, 64<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_, _ = out.WriteString(`{"run":`)
	if err := encoder.Encode(resultOfRun(run)); err != nil {
		return fmt.Errorf("write the run: %w", err)
	}
	_, _ = out.WriteString(`,"nodes":[`)
	separator := "\n"
	for node, err := range s.engine.NodeRuns(ctx, run.Workspace, run.ID) {
		if err != nil {
			return fmt.Errorf("read the node runs: %w", err)
		}
		_, _ = out.WriteString(separator)
		separator = ","
		if err := encoder.Encode(resultOf(node)); err != nil {
			return fmt.Errorf("write node %s: %w", node.Node, err)
		}
	}
	_, _ = out.WriteString(`],"output":`)
	_, _ = out.Write(run.Output.JSON())
	_, _ = out.WriteString("}\n")
	return flush(out)
}

func resultOfRun(run flowforge.Run) runResult {
	return runResult{
		ID: run.ID, Workflow: run.Workflow.Name, Version: run.Workflow.Version, Origin: run.Origin, Test: run.Test,
		Status: run.Status, Reason: run.Reason, Error: run.Error,
		CreatedAt: run.CreatedAt.UTC(), StartedAt: utc(run.StartedAt), FinishedAt: utc(run.FinishedAt),
	}
}

// utc gives an instant in UTC; no instant stays none.
func utc(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC()
}

func resultOf(node flowforge.NodeRun) nodeResult {
	return nodeResult{
		ID: node.Node, Element: node.Element, Status: node.Status, Reason: node.Reason, Attempts: node.Attempts,
		Lost: node.Lost, Copied: node.Copied, Error: node.Error,
		StartedAt: utc(node.StartedAt), FinishedAt: utc(node.FinishedAt),
	}
}

func flush(out *bufio.Writer) error {
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write standard output: %w", err)
	}
	return nil
}
