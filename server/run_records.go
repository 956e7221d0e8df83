package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
	"github.com/flowforge-go/flowforge/store"
)

// nodeRunView is a node run with its output by port.
type nodeRunView struct {
	Node       flowforge.NodeID                   `json:"id"`
	Element    string                             `json:"element,omitempty" doc:"Of a node that runs for each of a list: indices from the outermost loop inward, 3/0."`
	Status     flowforge.NodeStatus               `json:"status"`
	Reason     flowforge.Reason                   `json:"reason,omitempty"`
	Attempts   int                                `json:"attempts"`
	Lost       int                                `json:"lost,omitempty" doc:"Of the attempts, those whose worker was lost."`
	Copied     bool                               `json:"copied,omitempty" doc:"From the run that this one retries."`
	StartedAt  time.Time                          `json:"started_at,omitzero"`
	FinishedAt time.Time                          `json:"finished_at,omitzero"`
	Output     map[flowforge.Port]flowforge.Value `json:"output,omitempty" doc:"What it delivered, by port."`
	Passed     []flowforge.Port                   `json:"passed,omitempty" doc:"Ports that delivered the node's input, which is not recorded again."`
	Gathered   bool                               `json:"gathered,omitempty" doc:"Each port delivered the list of what the elements did, which is not recorded again."`
	Error      *flowforge.Failure                 `json:"error,omitempty"`
	ResumeAt   time.Time                          `json:"resume_at,omitzero"`
	Awaits     flowforge.Value                    `json:"awaits,omitzero" doc:"What it waits for."`
}

func viewOfNodeRun(n *flowforge.NodeRun) nodeRunView {
	view := nodeRunView{
		Node: n.Node, Element: n.Element, Status: n.Status, Reason: n.Reason, Attempts: n.Attempts, Lost: n.Lost, Copied: n.Copied,
		StartedAt: n.StartedAt, FinishedAt: n.FinishedAt, Passed: n.Passed, Gathered: n.Gathered, Error: n.Error,
		ResumeAt: n.ResumeAt, Awaits: n.Awaits,
	}
	if len(n.Output) > 0 {
		view.Output = make(map[flowforge.Port]flowforge.Value, len(n.Output))
		for _, out := range n.Output {
			view.Output[out.Port] = out.Value
		}
	}
	return view
}

func (s *service) addRunRecords() {
	reads := func(path, id, summary, about string) rest.Route {
		return rest.Route{
			Method: http.MethodGet, Path: "/runs/{run}" + path, ID: id, Tag: "runs", Summary: summary, About: about,
			Policy: rest.Requires(auth.RunRead), Codes: []flowforge.Code{flowforge.CodeNotFound},
		}
	}
	rest.Add(s.Server, reads("/nodes", "list-node-runs", "List the node runs of a run",
		"In the order they were first recorded, with outputs."), s.listNodeRuns)
	rest.Add(s.Server, reads("/events", "list-events", "List the events of a run",
		"The durable ones, in order. `after` gives those that follow a sequence number."), s.listEvents)
	rest.Add(s.Server, reads("/logs", "list-logs", "List the log of a run", "What its nodes logged, oldest first."), s.listLogs)
	rest.Add(s.Server, reads("/explain", "explain-run", "Explain a run", "Why it is not moving, or how it ended, and what a person can do."),
		s.explain)
}

func counted[T any](_ *T, n int, before int) string { return strconv.Itoa(before + n) }

func (s *service) listNodeRuns(ctx context.Context, c *rest.Call, in *struct {
	NamedRun
	rest.Paging
}, _ *rest.None,
) (*rest.Listed[nodeRunView], error) {
	skip, err := in.Position("nodes")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.ListNodeRuns(ctx, c.Workspace(), flowforge.RunID(in.Run), skip, in.Limit+1)
	return rest.Page(&in.Paging, "nodes", found, viewOfNodeRun,
		func(last *flowforge.NodeRun, n int) string { return counted(last, n, skip) }), err
}

func (s *service) listEvents(ctx context.Context, c *rest.Call, in *struct {
	NamedRun
	rest.Paging

	After int64 `query:"after" minimum:"0" doc:"A sequence number; without a cursor."`
}, _ *rest.None,
) (*rest.Listed[flowforge.Event], error) {
	at, err := in.Position("events")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.ListEvents(ctx, c.Workspace(), flowforge.RunID(in.Run), max(in.After, int64(at)), in.Limit+1)
	return rest.Page(&in.Paging, "events", found, rest.Same,
		func(last *flowforge.Event, _ int) string { return strconv.FormatInt(last.Seq, 10) }), err
}

func (s *service) listLogs(ctx context.Context, c *rest.Call, in *struct {
	NamedRun
	rest.Paging
}, _ *rest.None,
) (*rest.Listed[store.LogLine], error) {
	skip, err := in.Position("logs")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.ListLogs(ctx, c.Workspace(), flowforge.RunID(in.Run), skip, in.Limit+1)
	return rest.Page(&in.Paging, "logs", found, rest.Same,
		func(last *store.LogLine, n int) string { return counted(last, n, skip) }), err
}

func (s *service) explain(ctx context.Context, c *rest.Call, in *NamedRun, _ *rest.None) (*rest.Answer[engine.Explanation], error) {
	explained, err := s.engine.Explain(ctx, c.Workspace(), flowforge.RunID(in.Run))
	return rest.AnswerOf(explained), err
}
