package progress

import (
	"bufio"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// plain shows progress line by line: each node run of a small graph; of a large one the failures and retries, and
// every second how far it is.
type plain struct {
	mu      sync.Mutex
	out     *bufio.Writer
	board   *board
	lists   bool // each end of a node run has its line
	lines   int  // printed for node runs
	faults  int  // failures and retries that were told
	logs    int
	changed bool      // since the last summary
	told    time.Time // how far a loop is

	quit, stopped chan struct{}
}

// What is printed at most of each kind; the rest is counted.
const (
	maxLines  = 1_000
	maxFaults = 200
	maxLogs   = 1_000
)

func newPlain(to io.Writer, total int) *plain {
	p := &plain{
		out: bufio.NewWriter(unwrapped{to}), board: newBoard(total), lists: total <= manyNodes,
		quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	go p.tick()
	return p
}

// unwrapped hides that a writer is more than that, so that bufio uses its own buffer.
type unwrapped struct{ io.Writer }

// Event tells of something that has happened.
func (p *plain) Event(event flowforge.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = true
	if status, ended := statusOf(event.Kind); ended {
		was := p.board.end(event, status)
		switch {
		case status == flowforge.NodeFailed:
			p.fault(event.At, endLine(event, status, was))
		case p.lists:
			p.line(event.At, endLine(event, status, was))
			p.countLine(event.At)
		}
		p.flushIfListing()
		return
	}
	switch event.Kind {
	case flowforge.EventNodeStarted:
		p.board.begin(event)
		return
	case flowforge.EventNodeRetrying:
		p.fault(event.At, retryLine(event))
	case flowforge.EventNodeWaiting:
		if p.lists && event.Element == "" {
			p.line(event.At, waitLine(event))
			p.countLine(event.At)
		}
	case flowforge.EventNodeElements:
		p.loop(event)
	case flowforge.EventNodeLog:
		p.log(event)
	case flowforge.EventRunCanceling:
		p.line(event.At, "run canceling: "+human.Line(event.Reason))
	default:
	}
	p.flushIfListing()
}

// Say shows a line.
func (p *plain) Say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(time.Now(), line)
	p.flush()
}

// Stop ends the progress.
func (p *plain) Stop() {
	close(p.quit)
	<-p.stopped
}

// End shows how the run ended.
func (p *plain) End(run flowforge.Run) {
	p.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(run.FinishedAt, runLine(run, p.board))
	p.flush()
}

// tick shows every second what has changed.
func (p *plain) tick() {
	defer close(p.stopped)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-p.quit:
			return
		case now := <-ticker.C:
			p.mu.Lock()
			if !p.lists && p.changed {
				p.line(now, p.board.summary())
				p.changed = false
			}
			p.flush()
			p.mu.Unlock()
		}
	}
}

// loop tells how far a loop is, every second at most.
func (p *plain) loop(event flowforge.Event) {
	state, known := p.board.loop(event)
	if known && event.At.Sub(p.told) >= time.Second && event.Element == "" {
		p.told = event.At
		p.line(event.At, string(event.Node)+" running: "+state.String())
	}
}

// countLine counts a line, and lists no more where there are too many.
func (p *plain) countLine(at time.Time) {
	if p.lines++; p.lines == maxLines {
		p.lists = false
		p.line(at, "more than "+strconv.Itoa(maxLines)+" lines: from now on only failures, retries and a count every second")
	}
}

func (p *plain) fault(at time.Time, text string) {
	p.faults++
	switch {
	case p.faults <= maxFaults:
		p.line(at, text)
	case p.faults == maxFaults+1:
		p.line(at, "more than "+strconv.Itoa(maxFaults)+" failures and retries: the others are counted")
	}
}

func (p *plain) log(event flowforge.Event) {
	p.logs++
	switch {
	case p.logs <= maxLogs:
		p.line(event.At, logLine(event))
	case p.logs == maxLogs+1:
		p.line(event.At, "more than "+strconv.Itoa(maxLogs)+" log lines: the others are not shown")
	}
}

func (p *plain) line(at time.Time, text string) {
	_, _ = p.out.WriteString(human.Clock(at) + " " + text + "\n") // a flush tells, and nobody can be told
}

func (p *plain) flush() { _ = p.out.Flush() }

func (p *plain) flushIfListing() {
	if p.lists {
		p.flush()
	}
}
