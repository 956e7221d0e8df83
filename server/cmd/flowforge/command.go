package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// What the program exits with.
const (
	exitSucceeded   = 0
	exitFailed      = 1   // the run failed, timed out or was canceled by itself
	exitUsage       = 2   // the command line, a document, an input or a file is not as it must be: nothing was run
	exitInterrupted = 130 // as shells have it: 128 and the number of SIGINT
)

const description = `Runs and checks FlowForge workflows, in memory or on a store that outlives the process: --store, or FLOWFORGE_STORE.

Results go to standard output, everything else to standard error. Exit status: 0 succeeded, 1 the run failed, ` +
	`2 nothing was run since the command line, a document or an input is not as it must be, 130 interrupted.`

// commands is the command line.
type commands struct {
	Debug  bool       `help:"Show the engine's own log, and stacks where the program itself is at fault."`
	Config configFile `placeholder:"FILE" env:"FLOWFORGE_CONFIG" help:"A YAML file with settings (docs/config.md)."`

	Run         runCommand         `cmd:"" help:"Run a workflow from start to end."`
	Runs        runsCommand        `cmd:"" help:"List, show, explain and control the runs of a store."`
	Workflow    workflowCommand    `cmd:"" help:"Save, publish, compare and roll back the workflows of a store."`
	Schedule    scheduleCommand    `cmd:"" help:"Let runs of saved workflows start at times."`
	Jobs        jobsCommand        `cmd:"" help:"List and retry what the platform does for itself."`
	Worker      workerCommand      `cmd:"" help:"Run the runs of a store: those that wait, and those whose process died."`
	Quota       quotaCommand       `cmd:"" help:"Show or change what a workspace may take of what it shares with others."`
	Serve       serveCommand       `cmd:"" help:"Answer the REST API, and run runs."`
	User        userCommand        `cmd:"" help:"Make users, and keep them out."`
	Workspace   workspaceCommand   `cmd:"" help:"Make workspaces, and list them."`
	APIKey      apikeyCommand      `cmd:"" name:"apikey" help:"Make and revoke API keys."`
	Keys        keysCommand        `cmd:"" help:"Rotate the keys that secrets are sealed and tokens are signed with."`
	Audit       auditCommand       `cmd:"" help:"Check and list the audit log."`
	OpenAPI     openapiCommand     `cmd:"" name:"openapi" help:"Print the OpenAPI document of the REST API."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the schema of a store up to date."`
	Validate    validateCommand    `cmd:"" help:"Tell all problems of workflow documents."`
	Nodes       nodesCommand       `cmd:"" help:"List the types of nodes, or show one."`
	Bench       benchCommand       `cmd:"" help:"Measure how fast workflows run on a store, here and now."`
	Version     versionCommand     `cmd:"" help:"Say which version this is."`
	Help        helpCommand        `cmd:"" help:"Show help for a command."`
	BenchWorker benchWorkerCommand `cmd:"" hidden:"" help:"Run the runs that bench has started: for the use of this program."`
	Script      scriptCommand      `cmd:"" hidden:"" help:"Run the script on standard input: for the use of this program."`
}

// exit is an error that says what the program exits with. Without a cause all has been said already.
type exit struct {
	status int
	cause  error
}

func (e *exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e *exit) Unwrap() error { return e.cause }

// usage makes an error of something that the user has to mend before anything can be run.
func usage(format string, args ...any) error {
	return &exit{status: exitUsage, cause: fmt.Errorf(format, args...)}
}

// execute runs a command line and gives the exit status.
func execute(args []string, con *console) (status int) {
	var line commands
	defer func() {
		if p := recover(); p != nil {
			status = con.panicked(p, line.Debug)
		}
	}()
	parser, err := newParser(&line, con)
	if err != nil {
		panic(err)
	}
	if len(args) == 0 {
		args = []string{"help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		con.printf("flowforge: %s\n%s\n", sentenceOf(err), seeHelp(err))
		return exitUsage
	}
	con.debug = line.Debug
	return con.status(parsed.Run(con, parser))
}

func newParser(line *commands, con *console) (*kong.Kong, error) {
	return kong.New(line, kong.Name("flowforge"), kong.Description(description),
		kong.Writers(con.out, con.err), kong.Vars{
			"many": "May be repeated.", "form": credentialForm, "stores": storeForms, "statuses": statusNames(),
			"workloads": workloads, "lease": leaseHelp,
		},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(&settings{}),
		kong.Exit(func(status int) { panic(&exit{status: status}) }))
}

// sentenceOf says what is wrong with a command line. A flag's value is not repeated where it may be a secret's.
func sentenceOf(err error) string { return human.Line(strings.TrimSpace(err.Error())) }

func seeHelp(err error) string {
	command := ""
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		if selected := parse.Context.Selected(); selected != nil {
			command = " " + selected.Name
		}
	}
	return fmt.Sprintf("See flowforge%s --help.", command)
}

// status prints an error and gives the exit status that it means.
func (c *console) status(err error) int {
	if err == nil {
		return exitSucceeded
	}
	status := exitFailed
	if e, ok := errors.AsType[*exit](err); ok {
		status = e.status
		if e.cause == nil {
			return status
		}
	}
	c.printf("flowforge: %s\n", human.Lines(err.Error()))
	if hint := hintFor(flowforge.CodeOf(err)); hint != "" {
		c.printf("  hint: %s\n", hint)
	}
	return status
}

// panicked gives the exit status of a panic: it is an exit asked for by the parser, or a fault of this program.
func (c *console) panicked(p any, debugging bool) int {
	if e, ok := p.(*exit); ok {
		return e.status
	}
	c.printf("flowforge: internal error: %s\n", human.Line(fmt.Sprint(p)))
	if debugging {
		c.printf("%s", debug.Stack())
	} else {
		c.printf("  This is a fault of flowforge, not of your workflow. Please report it with what --debug shows.\n")
	}
	return exitFailed
}

// helpCommand is `flowforge help [COMMAND]`.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to be explained."`
}

// Run shows the help of a command, or of all.
func (h *helpCommand) Run(parser *kong.Kong) error {
	_, err := parser.Parse(append(slices.Clone(h.Command), "--help"))
	if err != nil {
		return usage("%s", sentenceOf(err))
	}
	return nil
}

// isTerminal reports whether a file leads to a terminal.
func isTerminal(f any) (*os.File, bool) {
	file, ok := f.(*os.File)
	return file, ok && terminal(file)
}
