package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
	"github.com/flowforge-go/flowforge/store"
)

// StartBody says how a run is started.
type StartBody struct {
	Input    flowforge.Value            `json:"input,omitzero" doc:"What the run works on; checked against the workflow's input_schema."`
	Vars     map[string]flowforge.Value `json:"vars,omitempty" doc:"Variables of this run; they count more than the workspace's."`
	Test     bool                       `json:"test,omitempty" doc:"Nodes with a pinned output give it instead of being run."`
	Priority int                        `json:"priority,omitempty" minimum:"0" maximum:"5" doc:"1 (first) to 5; absent: the document's, or else 3."`
	Pool     string                     `json:"pool,omitempty" maxLength:"200" doc:"Of the workers that run it; absent: the document's."`
	Wait     flowforge.Duration         `json:"wait,omitempty" doc:"The answer comes when the run has ended, or after this time with the run as it is then. The server bounds it."`
}

// startSavedBody starts a run of a saved workflow.
type startSavedBody struct {
	StartBody

	Version string `json:"version,omitempty" pattern:"^(draft|published|[1-9][0-9]{0,8})$" doc:"A number, draft, or published; absent: the published one."`
}

// startUnsavedBody starts a run of a document.
type startUnsavedBody struct {
	StartBody

	Document json.RawMessage `json:"document" doc:"What is run, without being saved."`
}

// KeyParam is what makes starting twice safe.
type KeyParam struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Of the client's making. The same request with the same key answers the same run; another request with it is an error."`
}

// NamedRun is what requests about one run say.
type NamedRun struct {
	Run string `path:"run" maxLength:"100" doc:"The run's id."`
}

func (s *service) addRuns() {
	const tag = "runs"
	starts := []flowforge.Code{
		flowforge.CodeNotFound, flowforge.CodeInvalidInput, flowforge.CodeInvalidWorkflow, flowforge.CodeKeyReused,
		flowforge.CodeLimited, flowforge.CodeConflict, flowforge.CodeValueTooLarge,
	}
	const waits = " With `wait` the answer comes when it has ended; without it, once the run cannot be lost any more."
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/workflows/{workflow}/runs", ID: "start-run", Tag: tag, Summary: "Start a run",
		About: "Of a saved workflow." + waits, Policy: rest.Requires(auth.WorkflowExecute), Status: http.StatusCreated, Codes: starts,
		Body: &rest.Body{Optional: true, Example: map[string]any{"input": map[string]any{"name": "Ada"}, "wait": "10s"}},
	}, s.startRun)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/runs", ID: "start-document", Tag: tag, Summary: "Start a run of an unsaved document",
		About:  "It takes the permission to edit workflows, since it runs what nobody has published." + waits,
		Policy: rest.Requires(auth.WorkflowEdit), Status: http.StatusCreated, Codes: starts,
		Body: &rest.Body{Example: map[string]any{"document": exampleDocument(), "input": map[string]any{"name": "Ada"}, "wait": "10s"}},
	}, s.startDocument)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/workflows/{workflow}/nodes/{node}/test", ID: "test-node", Tag: tag,
		Summary: "Run the draft up to a node, or the node alone",
		About:   "As a test run: nodes with a pinned output, in the draft or here, give it instead of being run." + waits,
		Policy:  rest.Requires(auth.WorkflowEdit), Status: http.StatusCreated, Codes: starts,
		Body: &rest.Body{Optional: true, Example: map[string]any{"input": map[string]any{"name": "Ada"}, "alone": true, "wait": "10s"}},
	}, s.testNode)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/runs", ID: "list-runs", Tag: tag, Summary: "List runs",
		About: "Newest first, without their input, vars and output.", Policy: rest.Requires(auth.RunRead),
		Codes: []flowforge.Code{flowforge.CodeNotFound},
	}, s.listRuns)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodGet, Path: "/runs/{run}", ID: "get-run", Tag: tag, Summary: "Get a run",
		About:  "With `wait` the answer comes when it has ended, or after that time with the run as it is then.",
		Policy: rest.Requires(auth.RunRead), Codes: []flowforge.Code{flowforge.CodeNotFound},
	}, s.getRun)
}

// start starts a run and waits for it as long as the request says.
func (s *service) start(
	ctx context.Context, c *rest.Call, request engine.StartRequest, body *StartBody,
) (*rest.Made[flowforge.Run], error) {
	request.Workspace = c.Workspace()
	request.Input, request.Vars, request.Test = body.Input, body.Vars, body.Test
	request.Priority, request.Pool = body.Priority, body.Pool
	run, err := s.engine.Start(ctx, request)
	if err != nil {
		return nil, err
	}
	if run, err = s.await(ctx, run, body.Wait.Std()); err != nil {
		return nil, err
	}
	return s.started(run), nil
}

// await waits for the end of a run, at most as long as the server lets anybody wait, and no longer than it goes on
// itself; a run that has not ended then is given as it is.
func (s *service) await(ctx context.Context, run flowforge.Run, wait time.Duration) (flowforge.Run, error) {
	if wait <= 0 || run.Status.Terminal() {
		return run, nil
	}
	bounded, cancel := context.WithTimeout(ctx, min(wait, s.limits.Wait))
	defer cancel()
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-bounded.Done():
		}
	}()
	ended, err := s.engine.Wait(bounded, run.Workspace, run.ID)
	if err != nil && !ended.Status.Terminal() && bounded.Err() == nil {
		return run, err
	}
	return s.engine.GetRun(ctx, run.Workspace, run.ID)
}

func (s *service) startRun(ctx context.Context, c *rest.Call, in *struct {
	Named
	KeyParam
}, body *startSavedBody,
) (*rest.Made[flowforge.Run], error) {
	version := versionNumber(body.Version)
	if version == store.DraftVersion { // it acts for who starts it
		_, document, err := s.engine.Document(ctx, c.Workspace(), in.Workflow, version)
		if err == nil {
			err = mayName(c, document)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.start(ctx, c, engine.StartRequest{
		Workflow: in.Workflow, Version: version,
		IdempotencyKey: in.IdempotencyKey, Fingerprint: c.Fingerprint("start-run", in.Workflow),
	}, &body.StartBody)
}

func (s *service) startDocument(
	ctx context.Context, c *rest.Call, in *KeyParam, body *startUnsavedBody,
) (*rest.Made[flowforge.Run], error) {
	document, err := flowforge.DecodeWorkflow(body.Document)
	if err == nil {
		err = mayName(c, document)
	}
	if err != nil {
		return nil, err
	}
	return s.start(ctx, c, engine.StartRequest{
		Document: document, IdempotencyKey: in.IdempotencyKey, Fingerprint: c.Fingerprint("start-document"),
	}, &body.StartBody)
}

// testBody starts a test of a node.
type testBody struct {
	StartBody

	Alone bool                                 `json:"alone,omitempty" doc:"Nothing but the node itself runs: all before it need an output, pinned in the draft or here."`
	Pins  map[flowforge.NodeID]flowforge.Value `json:"pins,omitempty" doc:"Outputs that nodes give instead of being run."`
}

func (s *service) testNode(ctx context.Context, c *rest.Call, in *NamedNode, body *testBody) (*rest.Made[flowforge.Run], error) {
	_, document, err := s.engine.Document(ctx, c.Workspace(), in.Workflow, store.DraftVersion)
	if err == nil {
		err = mayName(c, document)
	}
	if err != nil {
		return nil, err
	}
	part, err := engine.Partial(document, flowforge.NodeID(in.Node), body.Pins, body.Alone)
	if err != nil {
		return nil, err
	}
	body.Test = true
	return s.start(ctx, c, engine.StartRequest{Document: part}, &body.StartBody)
}

// RunFilter picks runs.
type RunFilter struct {
	Workflow string    `query:"workflow" maxLength:"200" doc:"The workflow's name."`
	Status   []string  `query:"status" maxItems:"9" doc:"Any of these, with commas between them." enum:"queued,running,waiting,paused,canceling,succeeded,failed,canceled,timed_out"`
	Origin   string    `query:"origin" maxLength:"100" doc:"The id of the run that they came from."`
	From     time.Time `query:"from" doc:"Made at this time or later."`
	To       time.Time `query:"to" doc:"Made before this time."`
}

func (f *RunFilter) filter() store.Filter {
	statuses := make([]flowforge.RunStatus, len(f.Status))
	for i, status := range f.Status {
		statuses[i] = flowforge.RunStatus(status)
	}
	return store.Filter{
		Workflow: f.Workflow, Origin: flowforge.RunID(f.Origin), From: f.From, To: f.To, Statuses: slices.Compact(statuses),
	}
}

func (s *service) listRuns(ctx context.Context, c *rest.Call, in *struct {
	RunFilter
	rest.Paging
}, _ *rest.None,
) (*rest.Listed[runHead], error) {
	before, err := in.After("runs")
	if err != nil {
		return nil, err
	}
	filter := in.filter()
	filter.Before, filter.Limit = flowforge.RunID(before), in.Limit+1
	found, err := s.engine.ListRuns(ctx, c.Workspace(), filter)
	return rest.Page(&in.Paging, "runs", found, headOfRun,
		func(last *flowforge.Run, _ int) string { return string(last.ID) }), err
}

// runHead is a run without what may be large.
type runHead struct {
	ID         flowforge.RunID       `json:"id"`
	Workflow   flowforge.WorkflowRef `json:"workflow"`
	Status     flowforge.RunStatus   `json:"status"`
	Reason     string                `json:"reason,omitempty"`
	Test       bool                  `json:"test,omitempty"`
	Priority   int                   `json:"priority,omitempty"`
	Pool       string                `json:"pool,omitempty"`
	Error      *flowforge.Failure    `json:"error,omitempty"`
	Origin     *flowforge.Origin     `json:"origin,omitempty"`
	CreatedAt  time.Time             `json:"created_at"`
	StartedAt  time.Time             `json:"started_at,omitzero"`
	FinishedAt time.Time             `json:"finished_at,omitzero"`
}

func headOfRun(run *flowforge.Run) runHead {
	return runHead{
		ID: run.ID, Workflow: run.Workflow, Status: run.Status, Reason: run.Reason, Test: run.Test, Priority: run.Priority,
		Pool: run.Pool, Error: run.Error, Origin: run.Origin,
		CreatedAt: run.CreatedAt, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt,
	}
}

// waitText is a duration as a parameter.
type waitText string

// Schema describes the duration.
func (waitText) Schema(huma.Registry) *huma.Schema { return rest.DurationText{}.Schema(nil) }

func (s *service) getRun(ctx context.Context, c *rest.Call, in *struct {
	NamedRun

	Wait waitText `query:"wait" maxLength:"20" doc:"How long to wait for its end, such as 10s. The server bounds it."`
}, _ *rest.None,
) (*rest.Answer[flowforge.Run], error) {
	wait, err := flowforge.ParseDuration(strings.TrimSpace(string(in.Wait)))
	if err != nil && in.Wait != "" {
		return nil, rest.Invalid([]rest.Fault{{Parameter: "wait", Code: "bad_value", Message: "this is no duration: write 10s or 1m"}})
	}
	run, err := s.engine.GetRun(ctx, c.Workspace(), flowforge.RunID(in.Run))
	if err == nil {
		run, err = s.await(ctx, run, wait.Std())
	}
	return rest.AnswerOf(run), err
}
