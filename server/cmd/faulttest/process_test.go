//go:build linux || darwin

package faulttest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a worker, or one that starts runs.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   output // what it says
	log   output // of its engine
	ended chan struct{}
	err   error // after ended
}

// output is what a process has written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps what is written.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// lines gives what follows a word in the lines that begin with it.
func (o *output) lines(word string) []string {
	var found []string
	for line := range strings.Lines(o.String()) {
		if rest, is := strings.CutPrefix(strings.TrimSuffix(line, "\n"), word+" "); is {
			found = append(found, rest)
		}
	}
	return found
}

// spawn starts a process on the world's store; a failpoint is "name:n" or empty.
func (w *world) spawn(failpoint string, arguments ...string) *process {
	return w.spawnOn(w.address, failpoint, arguments...)
}

// spawnOn is spawn with another way to the store.
func (w *world) spawnOn(address, failpoint string, arguments ...string) *process {
	w.t.Helper()
	arguments = append([]string{"-store", address, "-sink", w.sink.url}, arguments...)
	p, err := begin(context.WithoutCancel(w.t.Context()), failpoint, arguments)
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		if w.t.Failed() {
			w.t.Logf("process %d (failpoint %q, %q): %v\n%s%s", p.cmd.Process.Pid, failpoint, arguments, p.err, tail(p.out.String()), tail(p.log.String()))
		}
	})
	return p
}

// begin starts a process, which ends with ctx at the latest.
func begin(ctx context.Context, failpoint string, arguments []string) (*process, error) {
	p := &process{ended: make(chan struct{}), cmd: exec.CommandContext(ctx, program, arguments...)}
	p.cmd.Env = append(os.Environ(), "FLOWFORGE_FAILPOINT="+failpoint)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func tail(text string) string {
	const most = 4000
	return text[max(0, len(text)-most):]
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends a process as kill -9 does.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// awaitEnd waits until the process has ended.
func (p *process) awaitEnd(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		require.FailNow(t, "the process did not end", "within %s: %s", limit, tail(p.log.String()))
	}
}

// wasKilled reports whether the process has ended by SIGKILL, as at a failpoint.
func (p *process) wasKilled() bool {
	ended, is := errors.AsType[*exec.ExitError](p.err)
	if !is {
		return false
	}
	status, is := ended.Sys().(syscall.WaitStatus)
	return is && status.Signaled() && status.Signal() == syscall.SIGKILL
}
