package main

import (
	"context"
	"errors"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/mermaid"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/progress"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/watch"
)

// runCommand is `flowforge run FILE` and `flowforge run --workflow NAME`.
type runCommand struct {
	File string `arg:"" optional:"" help:"The workflow document, in YAML or JSON; - reads standard input."`

	Workflow string        `short:"w" placeholder:"NAME" help:"Run a workflow that was saved in the store, instead of a file."`
	Version  string        `placeholder:"N" help:"With --workflow: a version, or draft (default: the published version)."`
	Input    string        `short:"i" placeholder:"JSON" help:"The input: JSON, @FILE, or - for standard input (default: {})."`
	Var      []string      `sep:"none" placeholder:"NAME=TEXT" help:"What expressions see as vars.NAME; NAME:=JSON if not text. ${many}"`
	With     []string      `sep:"none" placeholder:"FILE" help:"Another workflow that this one may start, such as its on_failure. ${many}"`
	Test     bool          `help:"A test run: nodes with a pinned output give it instead of running."`
	Timeout  time.Duration `placeholder:"DURATION" help:"Bounds the run; goes before settings.timeout of the document."`
	Workers  int           `placeholder:"N" help:"Attempts at a time (default: 256)."`

	nodeFlags
	storeFlags
	Lease time.Duration `placeholder:"DURATION" help:"${lease}"`

	Detach bool `help:"Make the run, print its id and leave it to a worker."`

	JSON  bool `name:"json" help:"Print one object on standard output: {run, nodes, output}."`
	Graph bool `help:"Print the graph as a Mermaid flowchart and do not run it."`
	Quiet bool `short:"q" help:"Print no progress, only errors and warnings."`
}

// job is a run to be made.
type job struct {
	*session
	command  *runCommand
	document *document
	births   *watch.Births
	request  engine.StartRequest
	progress progress.Progress
}

// Run runs a workflow from start to end.
func (r *runCommand) Run(con *console) error {
	if err := r.check(); err != nil {
		return err
	}
	ctx := context.Background()
	config, err := r.config(con)
	if err != nil {
		return err
	}
	kept, err := r.open(ctx)
	if err != nil {
		return err
	}
	j := &job{command: r, births: &watch.Births{Store: kept}}
	config.Workers, config.Lease = r.Workers, r.Lease
	if j.session, err = r.over(ctx, con, j.births, config); err != nil {
		return err
	}
	defer j.close()
	if j.document, err = r.load(ctx, j.session, config.Nodes); err != nil {
		return err
	}
	if r.Graph {
		return mermaid.Write(con.out, j.document.workflow)
	}
	if err := j.prepare(config); err != nil {
		return err
	}
	if r.Detach {
		return j.detach(ctx)
	}
	return j.run()
}

// detach makes the run for a worker to claim.
func (j *job) detach(ctx context.Context) error {
	run, err := j.engine.Start(ctx, j.request)
	if err != nil {
		return j.refused(err)
	}
	if j.command.JSON {
		return j.printAll(ctx, run)
	}
	return j.con.tell("%s", run.ID)
}

func (r *runCommand) check() error {
	switch {
	case r.Workers < 0 || r.Timeout < 0 || r.Lease < 0:
		return usage("--workers, --timeout and --lease cannot be negative")
	case (r.File == "") == (r.Workflow == ""):
		return usage("which workflow? Give either a FILE or --workflow NAME")
	case r.Version != "" && r.Workflow == "":
		return usage("--version is of a saved workflow: give --workflow NAME")
	case r.Workflow != "" && r.Timeout > 0:
		return usage("--timeout cannot be given with --workflow: a version is run as it was published")
	case r.Detach && !r.isDurable():
		return usage("--detach leaves the run to a worker: give --store %s, or set FLOWFORGE_STORE", storeForms)
	case r.Workflow != "" && !r.isDurable():
		return usage("--workflow names a workflow saved in a store: give --store %s, or set FLOWFORGE_STORE", storeForms)
	}
	return nil
}

// load reads and checks what is to be run.
func (r *runCommand) load(ctx context.Context, s *session, types *nodes.Registry) (*document, error) {
	if r.Workflow == "" {
		return s.con.loadDocument(r.File, types)
	}
	version, err := parseVersion(r.Version)
	if err != nil {
		return nil, err
	}
	return s.loadSaved(ctx, r.Workflow, version, types)
}

// prepare reads all that the run is given.
func (j *job) prepare(config engine.Config) error {
	input, err := j.con.readValue("--input", j.command.Input)
	if err != nil {
		return err
	}
	vars, err := readVars(j.command.Var)
	if err != nil {
		return err
	}
	j.warnOfCredentials(config.Credentials)
	if err := j.saveOthers(config.Nodes); err != nil {
		return err
	}
	j.request = engine.StartRequest{Workspace: j.workspace, Input: input, Vars: vars, Test: j.command.Test}
	if j.command.Workflow != "" {
		j.request.Workflow, j.request.Version = j.command.Workflow, j.document.version
		return nil
	}
	j.request.Document = j.document.asDocument()
	if j.command.Timeout > 0 {
		j.request.Document.Settings.Timeout = flowforge.Duration(j.command.Timeout)
	}
	return nil
}

// saveOthers publishes the workflows of --with, and warns where the document wants one that is not among them.
func (j *job) saveOthers(types *nodes.Registry) error {
	ctx := context.Background()
	wanted := j.document.asDocument().Settings.OnFailure
	for _, name := range j.command.With {
		other, err := j.con.loadDocument(name, types)
		if err != nil {
			return err
		}
		workflow := other.asDocument()
		if _, err := j.engine.Save(ctx, j.workspace, workflow); err != nil {
			return usage("save %s: %w", other.file.Name, err)
		}
		if _, err := j.engine.Publish(ctx, j.workspace, workflow.Name); err != nil {
			return usage("publish %s: %w", other.file.Name, err)
		}
		if workflow.Name == wanted {
			wanted = ""
		}
	}
	if wanted != "" && !j.command.isDurable() {
		j.con.printf("flowforge: warning: settings.on_failure names the workflow %q, "+
			"which no --with FILE gives: it will not be told of a failure\n", human.Line(wanted))
	}
	return nil
}

// warnOfCredentials tells of credentials that the document names and nobody gave.
func (j *job) warnOfCredentials(given nodes.Credentials) {
	known, _ := given.(nodes.StaticCredentials)
	warned := make(map[string]bool)
	for node := range j.document.nodes() {
		for _, name := range node.Doc.Credentials {
			if _, has := known[name]; !has && !warned[name] {
				warned[name] = true
				j.con.printf("flowforge: warning: node %s needs the credential %q: give it with --credential %s=@FILE\n",
					node.Doc.ID, human.Line(name), human.Line(name))
			}
		}
	}
}

var errInterrupted = errors.New("interrupted")

// run makes the run, shows what happens and prints what came of it.
func (j *job) run() error {
	if !j.command.Quiet {
		j.progress = progress.New(j.con.err, j.document.workflow, j.con.lookupEnv)
	}
	ctx, release := j.interruptible()
	defer release()
	await := j.follow()
	run, err := j.engine.DoRequest(ctx, j.request)
	if run.ID != "" && hasLost(run, err) && j.command.isDurable() && ctx.Err() == nil {
		run, err = j.waitElsewhere(ctx, run, err)
	}
	await(run.Status.Terminal())
	if run.ID == "" {
		if j.progress != nil {
			j.progress.Stop()
		}
		return j.refused(err)
	}
	if j.progress != nil {
		j.progress.End(run)
	}
	j.awaitHandlers(ctx)
	if err := j.print(context.WithoutCancel(ctx), run, j.command.JSON); err != nil {
		return &exit{status: exitFailed, cause: err}
	}
	return j.outcome(run, err, context.Cause(ctx))
}

// hasLost reports whether an error is that a run goes on without this process. What is known here of the run is not
// how it ended.
func hasLost(run flowforge.Run, err error) bool {
	return err != nil && (flowforge.CodeOf(err) == flowforge.CodeStaleEpoch || !run.Status.Terminal() || run.Status == flowforge.RunSucceeded)
}

// waitElsewhere waits for a run that this process has lost, since it was too slow to keep its lease.
func (j *job) waitElsewhere(ctx context.Context, run flowforge.Run, cause error) (flowforge.Run, error) {
	j.say("this process did not keep its lease and has lost the run: it waits for whoever goes on with it, such as a flowforge worker")
	ended, err := j.engine.Wait(ctx, run.Workspace, run.ID)
	if !ended.Status.Terminal() {
		run.Status = flowforge.RunRunning // for all that is known here
		return run, cause
	}
	return ended, err
}

// interruptible gives a context that the first signal ends, so that the run is canceled and its finally nodes run;
// the second ends the program.
func (j *job) interruptible() (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	done, ended := make(chan struct{}), make(chan struct{})
	signals, stop := j.con.listen()
	go func() {
		defer close(ended)
		select {
		case <-signals:
			j.say("interrupted: the run is being canceled; interrupt again to end at once")
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-signals:
			j.con.exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		stop()
		close(done)
		<-ended
		cancel(nil)
	}
}

// say prints a line among the progress.
func (j *job) say(line string) {
	if j.progress != nil {
		j.progress.Say(line)
		return
	}
	j.con.printf("flowforge: %s\n", line)
}

// follow tells the id of a run that can be found again, and lets the progress be told of all events from the first
// on. The function it gives waits for the last of them; where none will come it must not wait.
func (j *job) follow() (await func(ended bool)) {
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	following := false
	j.births.Created = func(run flowforge.Run) {
		if following || j.progress == nil {
			return
		}
		following = true
		if j.command.isDurable() {
			j.say("run " + string(run.ID))
		}
		first := make(chan struct{})
		go func() {
			defer close(watched)
			j.watch(ctx, run, first)
		}()
		<-first // the run begins once it is watched
	}
	return func(ended bool) {
		if !ended {
			cancel()
		}
		if following {
			<-watched
		}
		cancel()
	}
}

func (j *job) watch(ctx context.Context, run flowforge.Run, first chan<- struct{}) {
	begun := false
	ordered := progress.InOrder(j.progress)
	defer ordered.Stop()
	for event, err := range j.engine.Watch(ctx, run.Workspace, run.ID, 0) {
		if !begun {
			begun = true
			close(first)
		}
		if err != nil {
			return // the run tells why
		}
		ordered.Event(event)
	}
}
