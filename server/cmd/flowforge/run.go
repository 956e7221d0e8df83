package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store/memory"
)

// runCommand is `flowforge run FILE`.
type runCommand struct {
	File string `arg:"" help:"The workflow document, in YAML or JSON; - reads standard input."`

	Input       string        `short:"i" placeholder:"JSON" help:"The input: JSON, @FILE, or - for standard input (default: {})."`
	Var         []string      `sep:"none" placeholder:"NAME=TEXT" help:"What expressions see as vars.NAME; NAME:=JSON if not text. ${many}"`
	Credential  []string      `sep:"none" placeholder:"NAME=@FILE" help:"A credential: NAME=@FILE or NAME=env:VARIABLE. ${form} ${many}"`
	AllowEgress []string      `sep:"none" placeholder:"CIDR[:PORT]" help:"Addresses that nodes may reach besides the public ones. ${many}"`
	With        []string      `sep:"none" placeholder:"FILE" help:"Another workflow that this one may start, such as its on_failure. ${many}"`
	Test        bool          `help:"A test run: nodes with a pinned output give it instead of running."`
	Timeout     time.Duration `placeholder:"DURATION" help:"Bounds the run; goes before settings.timeout of the document."`
	Workers     int           `placeholder:"N" help:"Attempts at a time (default: 256)."`
	EnableCode  bool          `help:"Allow nodes that run JavaScript, each in a process of its own."`

	JSON  bool `name:"json" help:"Print one object on standard output: {run, nodes, output}."`
	Graph bool `help:"Print the graph as a Mermaid flowchart and do not run it."`
	Quiet bool `short:"q" help:"Print no progress, only errors and warnings."`
}

// job is a run to be made.
type job struct {
	con      *console
	command  *runCommand
	document *document
	engine   *engine.Engine
	births   *births
	request  engine.StartRequest
	progress progress
}

// Run runs a workflow from start to end.
func (r *runCommand) Run(con *console) error {
	if r.Workers < 0 || r.Timeout < 0 {
		return usage("--workers and --timeout cannot be negative")
	}
	rules, err := parseRules(r.AllowEgress)
	if err != nil {
		return err
	}
	types, err := newRegistry(rules, r.EnableCode)
	if err != nil {
		return err
	}
	document, err := con.loadDocument(r.File, types)
	if err != nil {
		return err
	}
	if r.Graph {
		return writeGraph(con.out, document.workflow)
	}
	j := &job{con: con, command: r, document: document}
	if err := j.prepare(types); err != nil {
		return err
	}
	return j.run()
}

// prepare reads all that the run is given.
func (j *job) prepare(types *nodes.Registry) error {
	input, err := j.con.readInput(j.command.Input)
	if err != nil {
		return err
	}
	vars, err := readVars(j.command.Var)
	if err != nil {
		return err
	}
	credentials, err := j.con.readCredentials(j.command.Credential)
	if err != nil {
		return err
	}
	j.warnOfCredentials(credentials)
	kept := memory.New(memory.Config{})
	j.births = &births{Store: kept}
	config := engine.Config{Store: j.births, Nodes: types, Credentials: credentials, Workers: j.command.Workers}
	if j.con.debug {
		config.Logger = slog.New(slog.NewTextHandler(j.con.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if j.engine, err = engine.New(config); err != nil {
		return err
	}
	if err := j.saveOthers(types); err != nil {
		return err
	}
	workflow := j.document.asDocument()
	if j.command.Timeout > 0 {
		workflow.Settings.Timeout = flowforge.Duration(j.command.Timeout)
	}
	j.request = engine.StartRequest{Document: workflow, Input: input, Vars: vars, Test: j.command.Test}
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
		if _, err := j.engine.Save(ctx, flowforge.Local, workflow); err != nil {
			return usage("save %s: %w", other.file.Name, err)
		}
		if _, err := j.engine.Publish(ctx, flowforge.Local, workflow.Name); err != nil {
			return usage("publish %s: %w", other.file.Name, err)
		}
		if workflow.Name == wanted {
			wanted = ""
		}
	}
	if wanted != "" {
		j.con.printf("flowforge: warning: settings.on_failure names the workflow %q, "+
			"which no --with FILE gives: it will not be told of a failure\n", printable(wanted))
	}
	return nil
}

// warnOfCredentials tells of credentials that the document names and nobody gave.
func (j *job) warnOfCredentials(given nodes.StaticCredentials) {
	warned := make(map[string]bool)
	for node := range j.document.nodes() {
		for _, name := range node.Doc.Credentials {
			if _, known := given[name]; !known && !warned[name] {
				warned[name] = true
				j.con.printf("flowforge: warning: node %s needs the credential %q: give it with --credential %s=@FILE\n",
					node.Doc.ID, printable(name), printable(name))
			}
		}
	}
}

var errInterrupted = errors.New("interrupted")

// run makes the run, shows what happens and prints what came of it.
func (j *job) run() error {
	if !j.command.Quiet {
		j.progress = newProgress(j.con, j.document)
	}
	ctx, release := j.interruptible()
	defer release()
	await := j.follow()
	run, err := j.engine.DoRequest(ctx, j.request)
	await(run.Status.Terminal())
	if run.ID == "" {
		if j.progress != nil {
			j.progress.stop()
		}
		return j.refused(err)
	}
	if j.progress != nil {
		j.progress.end(run)
	}
	j.awaitHandlers(ctx)
	if err := j.print(run); err != nil {
		return &exit{status: exitFailed, cause: err}
	}
	return j.outcome(run, err, context.Cause(ctx))
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
		j.progress.say(line)
		return
	}
	j.con.printf("flowforge: %s\n", line)
}

// follow lets the progress be told of all events from the first on. The function it gives waits for the last of
// them; where none will come it must not wait.
func (j *job) follow() (await func(ended bool)) {
	if j.progress == nil {
		return func(bool) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	following := false
	j.births.created = func(run flowforge.Run) {
		following = true
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
	ordered := &sequence{to: j.progress}
	defer ordered.stop()
	for event, err := range j.engine.Watch(ctx, run.Workspace, run.ID, 0) {
		if !begun {
			begun = true
			close(first)
		}
		if err != nil {
			return // the run tells why
		}
		ordered.event(event)
	}
}
