package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
)

// progress shows people what happens in a run. Its methods may be called by several goroutines.
type progress interface {
	// event tells of something that has happened.
	event(event flowforge.Event)
	// say shows a line.
	say(line string)
	// end shows how the run ended, after which there are only lines to be said.
	end(run flowforge.Run)
	// stop ends the progress of a run that did not come to be.
	stop()
}

// manyNodes is how many nodes make a graph so large that its nodes are counted instead of listed.
const manyNodes = 200

// newProgress shows progress in place where standard error is a terminal, else line by line.
func newProgress(con *console, document *document) progress {
	file, is := con.err.(*os.File)
	if name, _ := con.lookupEnv("TERM"); !is || !terminal(file) || name == "dumb" {
		return newPlain(con, len(document.workflow.Graph.Nodes))
	}
	_, plainColors := con.lookupEnv("NO_COLOR") // https://no-color.org
	return newLive(file, document.workflow, !plainColors)
}

// clock writes the time of day.
func clock(at time.Time) string { return at.Local().Format("15:04:05.000") } //nolint:gosmopolitan // For who sits there.

// endLine says how a node run ended.
func endLine(event flowforge.Event, status flowforge.NodeStatus, was *begun) string {
	text := label(event.Node, event.Element) + " " + string(status)
	if was != nil {
		text += " " + short(event.At.Sub(was.since))
		switch {
		case was.loop.Total > 0:
			text += ", " + count(was.loop.Total, "element")
		case was.elements > 0:
			text += ", " + count(was.elements, "element")
		}
	}
	if event.Reason != "" {
		text += " (" + event.Reason + ")"
	}
	if event.Error != nil {
		text += ": " + string(event.Error.Code) + ": " + shorten(printable(event.Error.Message), maxLine)
		if event.Error.Element != event.Element {
			text += " (element " + event.Error.Element + ")"
		}
		if event.Attempt > 1 {
			text += fmt.Sprintf(" (attempt %d)", event.Attempt)
		}
	}
	return text
}

// maxLine bounds the message in a line of progress, in characters.
const maxLine = 500

// retryLine says why an attempt is made again, and when.
func retryLine(event flowforge.Event) string {
	text := label(event.Node, event.Element) + " retrying"
	if next, ok := timeIn(event.Data, "next_at"); ok {
		text += " in " + short(next.Sub(event.At))
	}
	text += fmt.Sprintf(": attempt %d failed", event.Attempt)
	if event.Error != nil {
		text += ": " + string(event.Error.Code) + ": " + shorten(printable(event.Error.Message), maxLine)
	}
	return text
}

// waitLine says what a node waits for.
func waitLine(event flowforge.Event) string {
	text := label(event.Node, event.Element) + " waiting"
	if until, ok := timeIn(event.Data, "until"); ok {
		text += " until " + clock(until)
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
		return label(event.Node, event.Element) + " log"
	}
	var text strings.Builder
	text.WriteString(label(event.Node, event.Element) + " " + strings.ToLower(line.Level) + ": ")
	text.WriteString(shorten(printable(line.Message), maxMessage))
	for _, name := range slices.Sorted(maps.Keys(line.Fields)) {
		value := line.Fields[name].String()
		if plain, isText := line.Fields[name].Any().(string); isText && !strings.ContainsAny(plain, " \"=\n\t") && plain != "" {
			value = plain
		}
		fmt.Fprintf(&text, " %s=%s", printable(name), shorten(printable(value), maxLine))
	}
	return text.String()
}

// runLine says how a run ended, or that it will.
func runLine(run flowforge.Run, board *board) string {
	return fmt.Sprintf("run %s in %s: %s", words(run.Status), short(run.FinishedAt.Sub(run.StartedAt)), board.summary())
}

func timeIn(data flowforge.Value, name string) (time.Time, bool) {
	var fields map[string]json.RawMessage
	var at time.Time
	if data.Decode(&fields) != nil || json.Unmarshal(fields[name], &at) != nil {
		return time.Time{}, false
	}
	return at, true
}
