package code

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	maxStack  = 64 << 20
	watchTime = 10 * time.Millisecond
	exitDead  = 3
)

// Child runs one script: it reads the job from in and writes messages to out. It is the whole of a process that
// was started by Config.Command: it bounds that process for good, ends it when in ends or the script's time or
// memory is used up, and returns when the answer is written.
func Child(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	var j job
	if err := json.Unmarshal(line, &j); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	confine(j)
	go func() {
		_, _ = io.Copy(io.Discard, reader)
		os.Exit(exitDead) // whoever asked has gone
	}()
	w := &writer{to: json.NewEncoder(out), lines: maxLogLines}
	w.to.SetEscapeHTML(false)
	end := message{}
	result, err := recovered(j, w)
	switch failed, ok := errors.AsType[*failure](err); {
	case ok:
		end.Error = failed
	case err != nil:
		end.Error = &failure{Code: CodeFailed, Message: err.Error()}
	default:
		end.Result = result
	}
	return w.write(end)
}

// recovered runs a script; a panic of the interpreter fails the script only.
func recovered(j job, w *writer) (result []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = failedAt(CodeFailed, 0, "the interpreter gave up on the script: %v", reason)
		}
	}()
	if len(j.Input) == 0 {
		j.Input = []byte("null")
	}
	return runScript(j, w)
}

// Error gives the sentence.
func (f *failure) Error() string { return f.Message }

// confine bounds the process: what is left to the system first, then what the system does not count.
func confine(j job) {
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(j.Memory)
	limitProcess(j.Memory)
	go watch(j.Memory)
	time.AfterFunc(j.Timeout+2*grace, func() { os.Exit(exitDead) })
}

// watch ends the process once it holds too much memory, on systems too whose limits do not.
func watch(memory int64) {
	const name = "/memory/classes/heap/objects:bytes"
	sample := []metrics.Sample{{Name: name}}
	for range time.Tick(watchTime) {
		metrics.Read(sample)
		if int64(sample[0].Value.Uint64()) > memory+memory/4 { //nolint:gosec // Far below 2^63.
			_, _ = os.Stderr.WriteString("memory limit\n")
			os.Exit(exitDead)
		}
	}
}

const (
	maxLogLines = 1000
	maxLogText  = 4 << 10 // bytes
)

// writer writes messages; the log of a script is bounded.
type writer struct {
	mu    sync.Mutex
	to    *json.Encoder
	lines int
}

func (w *writer) write(m message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.to.Encode(m); err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	return nil
}

func (w *writer) log(level, text string) {
	if w.lines--; w.lines < 0 {
		return
	}
	if w.lines == 0 {
		level, text = "warn", "the script logs no more: it has written 1000 lines"
	}
	if len(text) > maxLogText {
		text = text[:maxLogText] + "..."
	}
	_ = w.write(message{Level: level, Text: text}) // a log that cannot be written is no reason to fail
}
