package code

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// job is what a process is asked to do: one line of JSON on its standard input, which stays open as long as
// anyone waits for the answer.
type job struct {
	Code      string          `json:"code"`
	Input     json.RawMessage `json:"input,omitempty"`
	Timeout   time.Duration   `json:"timeout"` // nanoseconds
	Memory    int64           `json:"memory"`  // bytes
	CheckOnly bool            `json:"check_only,omitempty"`
}

// message is one line of JSON on the standard output of a process: a line of the log, or the end.
type message struct {
	Level  string          `json:"level,omitempty"` // of a line of the log: "debug", "info", "warn", "error"
	Text   string          `json:"text,omitempty"`
	Result json.RawMessage `json:"result,omitempty"` // of the end
	Error  *failure        `json:"error,omitempty"`  // of the end, instead
}

// failure is why a script has no result.
type failure struct {
	Code    flowforge.Code `json:"code"`
	Message string         `json:"message"`
	Line    int            `json:"line,omitempty"`
}

const (
	maxLine   = flowforge.MaxValueSize + 1<<20 // bytes of one message
	maxOutput = maxLine + 8<<20                // bytes of all messages
	maxStderr = 64 << 10
	grace     = 500 * time.Millisecond // for a process to say itself that its time is over
)

// run starts a process for a job and waits for its end. A nil log drops what the script logs.
func (r *runner) run(ctx context.Context, j job, log *slog.Logger) (flowforge.Value, error) {
	if ctx.Err() != nil {
		return flowforge.Value{}, canceled(ctx)
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return flowforge.Value{}, canceled(ctx)
	}
	line, err := json.Marshal(j)
	if err != nil {
		return flowforge.Value{}, nodes.Permanent(fmt.Errorf("encode script: %w", err))
	}
	limited, cancel := context.WithTimeout(ctx, j.Timeout+grace)
	defer cancel()
	p, err := r.start(limited, j.Memory)
	if err != nil {
		return flowforge.Value{}, nodes.NotDone(flowforge.Errorf(CodeProcess, "the process for the script cannot be started: %w", err))
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		// A process that dies early closes the pipe; that it died is what counts.
		_, _ = p.stdin.Write(append(line, '\n'))
	}()
	end, readErr := p.read(limited, log)
	cancel() // whatever the process does now, nobody waits for it
	waitErr := p.cmd.Wait()
	<-written
	switch {
	case end != nil:
		return result(end)
	case ctx.Err() != nil:
		return flowforge.Value{}, canceled(ctx)
	case limited.Err() != nil && errors.Is(readErr, context.DeadlineExceeded):
		return flowforge.Value{}, timedOut(j.Timeout)
	}
	return flowforge.Value{}, died(waitErr, readErr, p.stderr.Bytes(), j)
}

// process is a started process.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Writer
	stdout io.Reader
	stderr *clipped
}

// start starts a process without environment; it is killed when ctx ends.
func (r *runner) start(ctx context.Context, memory int64) (*process, error) {
	cmd := exec.CommandContext(ctx, r.config.Command[0], r.config.Command[1:]...) //nolint:gosec // The operator's.
	cmd.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=none", "GOMEMLIMIT=" + strconv.FormatInt(memory, 10)}
	cmd.WaitDelay = time.Second
	p := &process{cmd: cmd, stderr: &clipped{left: maxStderr}}
	cmd.Stderr = p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return p, cmd.Start()
}

// read hands on what is logged until the message that is the end; nil where the process ended without one.
func (p *process) read(ctx context.Context, log *slog.Logger) (*message, error) {
	lines := bufio.NewScanner(io.LimitReader(p.stdout, maxOutput))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		if m.Level == "" {
			return &m, nil
		}
		if log != nil {
			log.Log(ctx, levelOf(m.Level), m.Text) //nolint:sloglint // What the script says.
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, lines.Err()
}

func levelOf(name string) slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(name)) != nil {
		return slog.LevelInfo
	}
	return level
}

func result(end *message) (flowforge.Value, error) {
	if end.Error == nil {
		value, err := flowforge.ParseValue(end.Result)
		if err != nil {
			return value, nodes.Permanent(fmt.Errorf("read the script's result: %w", err))
		}
		return value, nil
	}
	details := map[string]any{}
	if end.Error.Line > 0 {
		details["line"] = end.Error.Line
	}
	return flowforge.Value{}, nodes.Permanent(
		nodes.Failed(end.Error.Code, flowforge.MustValue(details), "%s", end.Error.Message))
}

func canceled(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return flowforge.Errorf(flowforge.CodeTimeout, "the script took longer than the time it was given: %w", ctx.Err())
	}
	return flowforge.Errorf(flowforge.CodeCanceled, "the script was canceled: %w", ctx.Err())
}

func timedOut(limit time.Duration) error {
	return nodes.Permanent(flowforge.Errorf(CodeTimeout, "the script took longer than %s", limit))
}

// died says why a process ended without an answer. The Go runtime ends in many ways where it gets no memory, a
// thread or a signal stack included; an interpreter without unsafe code has no other reason to. What a script can
// write never reaches the standard error.
func died(waitErr, readErr error, stderr []byte, j job) error {
	for _, sign := range []string{"memory limit", "fatal error", "stack overflow", "pthread_create failed", "SIGABRT", "SIGSEGV"} {
		if bytes.Contains(stderr, []byte(sign)) {
			return nodes.Permanent(flowforge.Errorf(CodeMemory,
				"the script took more than %d MiB of memory, or called itself too deep", j.Memory>>20))
		}
	}
	if errors.Is(readErr, bufio.ErrTooLong) {
		return nodes.Permanent(flowforge.Errorf(flowforge.CodeValueTooLarge,
			"the script's result is larger than %d MiB", flowforge.MaxValueSize>>20))
	}
	return flowforge.Errorf(CodeProcess, "the process of the script ended without an answer (%v)", errors.Join(waitErr, readErr))
}

// clipped keeps the beginning of what is written to it.
type clipped struct {
	bytes.Buffer
	left int
}

func (c *clipped) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	_, _ = c.Buffer.Write(p[:n])
	return len(p), nil
}
