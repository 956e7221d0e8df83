package main

import (
	"context"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
)

// jobsCommand is `flowforge jobs`.
type jobsCommand struct {
	List  jobsListCommand  `cmd:"" help:"List the jobs that are not done, with why they failed."`
	Retry jobsRetryCommand `cmd:"" help:"Try a job again that has failed for good."`
}

// jobsListCommand is `flowforge jobs list`.
type jobsListCommand struct {
	storeFlags
	Failed bool `help:"Only those that have failed for good."`
	JSON   bool `name:"json" help:"Print a list of jobs: {kind, id, status, due_at, attempts, error}."`
}

// jobResult is what --json prints of a job.
type jobResult struct {
	Kind     string             `json:"kind"`
	ID       string             `json:"id"`
	Status   string             `json:"status"` // waiting, running or failed
	DueAt    time.Time          `json:"due_at,omitzero"`
	Worker   flowforge.WorkerID `json:"worker,omitempty"`
	Attempts int                `json:"attempts"`
	Error    string             `json:"error,omitempty"`
}

func resultOfJob(job *store.JobStanding) jobResult {
	status := "waiting"
	switch {
	case job.Failed:
		status = "failed"
	case job.Worker != "":
		status = "running"
	}
	return jobResult{
		Kind: job.Kind, ID: job.ID, Status: status, DueAt: utc(job.DueAt), Worker: job.Worker, Attempts: job.Attempts, Error: job.Error,
	}
}

// Run lists jobs.
func (c *jobsListCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	list := []jobResult{}
	filter := store.JobFilter{Failed: c.Failed, Limit: runsPage}
	for {
		page, err := s.engine.Jobs(ctx, s.workspace, filter)
		if err != nil {
			return err
		}
		for i := range page {
			list = append(list, resultOfJob(&page[i]))
			filter.AfterKind, filter.AfterID = page[i].Kind, page[i].ID
		}
		if len(page) < runsPage {
			break
		}
	}
	if c.JSON {
		return con.printJSON(list)
	}
	rows := [][]string{{"KIND", "JOB", "STATUS", "ATTEMPTS", "DUE", "ERROR"}}
	for i := range list {
		j := &list[i]
		due := "-"
		if !j.DueAt.IsZero() {
			due = inZone(j.DueAt, "")
		}
		rows = append(rows, []string{
			human.Line(j.Kind), human.Line(j.ID), j.Status, strconv.Itoa(j.Attempts), due, human.Shorten(human.Line(j.Error), maxWhy),
		})
	}
	return human.Table(con.out, rows)
}

// jobsRetryCommand is `flowforge jobs retry`.
type jobsRetryCommand struct {
	Kind string `arg:"" help:"The kind of the job."`
	ID   string `arg:"" help:"Its id."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: {kind, id, status}."`
}

// Run makes a failed job due again.
func (c *jobsRetryCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.engine.RetryJob(ctx, s.workspace, c.Kind, c.ID); err != nil {
		return notThere(err, "flowforge jobs list --failed tells which there are")
	}
	if c.JSON {
		return con.printJSON(map[string]string{"kind": c.Kind, "id": c.ID, "status": "waiting"})
	}
	return con.tell("job %s of kind %s: a worker tries it again", human.Line(c.ID), human.Line(c.Kind))
}
