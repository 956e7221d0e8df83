// Package progress shows people on a terminal, or line by line, how far a run is. It draws what it is told and asks
// nobody.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// Progress shows people what happens in a run. Its methods may be called by several goroutines.
type Progress interface {
	// Event tells of something that has happened.
	Event(event flowforge.Event)
	// Say shows a line.
	Say(line string)
	// End shows how the run ended, after which there are only lines to be said.
	End(run flowforge.Run)
	// Stop ends the progress of a run that did not come to be.
	Stop()
}

// manyNodes is how many nodes make a graph so large that its nodes are counted instead of listed.
const manyNodes = 200

// New shows the progress of a run of a workflow in place where the writer is a terminal, else line by line.
func New(to io.Writer, workflow *dag.Workflow, lookupEnv func(name string) (string, bool)) Progress {
	file, is := to.(*os.File)
	if name, _ := lookupEnv("TERM"); !is || !term.IsTerminal(int(file.Fd())) || name == "dumb" {
		return newPlain(to, len(workflow.Graph.Nodes))
	}
	_, plainColors := lookupEnv("NO_COLOR") // https://no-color.org
	return newLive(file, workflow, !plainColors)
}

// endLine says how a node run ended.
func endLine(event flowforge.Event, status flowforge.NodeStatus, was *begun) string {
	text := human.Label(event.Node, event.Element) + " " + string(status)
	if was != nil {
		text += " " + human.Duration(event.At.Sub(was.since))
		switch {
		case was.loop.Total > 0:
			text += ", " + human.Count(was.loop.Total, "element")
		case was.elements > 0:
			text += ", " + human.Count(was.elements, "element")
		}
	}
	if event.Reason != "" {
		text += " (" + event.Reason + ")"
	}
	if event.Error != nil {
		text += ": " + string(event.Error.Code) + ": " + human.Shorten(human.Line(event.Error.Message), human.MaxLine)
		if event.Error.Element != event.Element {
			text += " (element " + event.Error.Element + ")"
		}
		if event.Attempt > 1 {
			text += fmt.Sprintf(" (attempt %d)", event.Attempt)
		}
	}
	return text
}

// retryLine says why an attempt is made again, and when.
func retryLine(event flowforge.Event) string {
	text := human.Label(event.Node, event.Element) + " retrying"
	if next, ok := timeIn(event.Data, "next_at"); ok {
		text += " in " + human.Duration(next.Sub(event.At))
	}
	text += fmt.Sprintf(": attempt %d failed", event.Attempt)
	if event.Error != nil {
		text += ": " + string(event.Error.Code) + ": " + human.Shorten(human.Line(event.Error.Message), human.MaxLine)
	}
	return text
}

// waitLine says what a node waits for.
func waitLine(event flowforge.Event) string {
	text := human.Label(event.Node, event.Element) + " waiting"
	if until, ok := timeIn(event.Data, "until"); ok {
		text += " until " + human.Clock(until)
	}
	return text
}

// logLine writes a line that a node logged.
func logLine(event flowforge.Event) string {
	var line struct {
		Level   string                     `json:"level"`
		Message string                     `json:"message"`
		Fields  map[string]flowforge.Value `json:"fields"`
	}
	if err := event.Data.Decode(&line); err != nil {
		return human.Label(event.Node, event.Element) + " log"
	}
	var text strings.Builder
	text.WriteString(human.Label(event.Node, event.Element) + " " + strings.ToLower(line.Level) + ": ")
	text.WriteString(human.Shorten(human.Line(line.Message), human.MaxMessage))
	for _, name := range slices.Sorted(maps.Keys(line.Fields)) {
		value := line.Fields[name].String()
		if plain, isText := line.Fields[name].Any().(string); isText && !strings.ContainsAny(plain, " \"=\n\t") && plain != "" {
			value = plain
		}
		fmt.Fprintf(&text, " %s=%s", human.Line(name), human.Shorten(human.Line(value), human.MaxLine))
	}
	return text.String()
}

// runLine says how a run ended, or that it will.
func runLine(run flowforge.Run, board *board) string {
	return fmt.Sprintf("run %s in %s: %s", human.Status(run.Status), human.Duration(run.FinishedAt.Sub(run.StartedAt)), board.summary())
}

func timeIn(data flowforge.Value, name string) (time.Time, bool) {
	var fields map[string]json.RawMessage
	var at time.Time
	if data.Decode(&fields) != nil || json.Unmarshal(fields[name], &at) != nil {
		return time.Time{}, false
	}
	return at, true
}
