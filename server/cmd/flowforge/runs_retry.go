package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// runsRetryCommand is `flowforge runs retry`.
type runsRetryCommand struct {
	bulkFlags
	From      string   `default:"failed" placeholder:"WHERE" help:"What failed (failed, the default), the start (start), or a node (its id)."`
	Version   string   `default:"same" enum:"same,latest" help:"With the same version of the workflow (the default), or with the latest."`
	SetOutput []string `sep:"none" placeholder:"NODE=JSON" help:"Take this for the output of a node. ${many}"`
	Key       string   `placeholder:"KEY" help:"Makes doing it again safe: the same key gives the same new run."`
	Wait      bool     `help:"Run it to its end in this process."`

	nodeFlags
	Lease time.Duration `placeholder:"DURATION" help:"With --wait. ${lease}"`
}

// Run makes new runs of runs that have ended.
func (r *runsRetryCommand) Run(con *console) error {
	if err := r.check(); err != nil {
		return err
	}
	request, err := r.request()
	if err != nil {
		return err
	}
	if r.Wait && (r.All || len(r.ID) != 1) {
		return usage("--wait is for one run")
	}
	config, err := r.config(con)
	if err != nil {
		return err
	}
	ctx := context.Background()
	config.Lease = r.Lease
	s, err := r.session(ctx, con, config)
	if err != nil {
		return err
	}
	defer s.close()
	if r.Wait {
		return r.wait(ctx, s, request)
	}
	statuses := []flowforge.RunStatus{flowforge.RunFailed, flowforge.RunTimedOut}
	return r.each(ctx, s, "retried", statuses, func(id flowforge.RunID) (deed, error) {
		run, err := s.engine.Retry(ctx, s.workspace, id, request)
		if err != nil {
			return deed{}, err
		}
		return deed{
			Status: run.Status, Run: run.ID, Keys: keysOf(run),
			text: "run " + string(run.ID) + " is made of run " + string(id) + ": " + keySentence(run),
		}, nil
	})
}

// wait makes a new run and runs it to its end.
func (r *runsRetryCommand) wait(ctx context.Context, s *session, request engine.RetryRequest) error {
	run, err := s.engine.Retry(ctx, s.workspace, flowforge.RunID(r.ID[0]), request)
	if err != nil {
		return noRun(err)
	}
	s.con.printf("flowforge: run %s is made of run %s: %s\n", run.ID, r.ID[0], keySentence(run))
	run, err = s.finish(ctx, run)
	if err != nil {
		return err
	}
	if err := s.print(ctx, run, r.JSON); err != nil {
		return &exit{status: exitFailed, cause: err}
	}
	if run.Status == flowforge.RunSucceeded {
		return nil
	}
	s.con.tellFailure(run)
	return &exit{status: exitFailed}
}

// finish works until a run has ended. An error of the run is not one of its end.
func (s *session) finish(ctx context.Context, run flowforge.Run) (flowforge.Run, error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	loop := make(chan error, 1)
	go func() { loop <- s.engine.Run(working) }()
	ended, err := s.engine.Wait(ctx, run.Workspace, run.ID)
	stop()
	if ended.Status.Terminal() {
		return ended, <-loop
	}
	return ended, errors.Join(err, <-loop)
}

func (r *runsRetryCommand) request() (engine.RetryRequest, error) {
	request := engine.RetryRequest{
		From: engine.FromNode, Node: flowforge.NodeID(r.From), Latest: r.Version == "latest", IdempotencyKey: r.Key,
	}
	switch r.From {
	case "failed":
		request.From, request.Node = engine.FromFailed, ""
	case "start":
		request.From, request.Node = engine.FromStart, ""
	}
	for _, pair := range r.SetOutput {
		node, text, ok := strings.Cut(pair, "=")
		if !ok || node == "" {
			return request, usage("--set-output %s has no value: write NODE=JSON", human.Line(pair))
		}
		value, err := flowforge.ParseValue([]byte(text))
		if err != nil {
			return request, usage("--set-output %s cannot be used: %w", human.Line(node), err)
		}
		if request.Outputs == nil {
			request.Outputs = make(map[flowforge.NodeID]flowforge.Value)
		}
		request.Outputs[flowforge.NodeID(node)] = value
	}
	return request, nil
}

// keysOf says whether a retry uses the idempotency keys of the run it came from.
func keysOf(run flowforge.Run) string {
	switch {
	case run.Origin == nil || run.Origin.Keys == "":
		return "new"
	case len(run.Origin.Anew) > 0:
		return "partly"
	}
	return "kept"
}

func keySentence(run flowforge.Run) string {
	switch keysOf(run) {
	case "kept":
		return "its effects keep their idempotency keys"
	case "partly":
		names := make([]string, len(run.Origin.Anew))
		for i, node := range run.Origin.Anew {
			names[i] = string(node)
		}
		return "its effects keep their idempotency keys, but for " + strings.Join(names, ", ") + " and what follows"
	}
	return "its effects get new idempotency keys"
}
