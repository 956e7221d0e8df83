package dag_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// TestScripts runs the scripts in testdata/plan. A script begins with a line "=== name". Then comes the graph:
//
//	fail_fast false
//	node a ports=yes,no join=all on_error=route retry=3 finally
//	each e parallel=2
//	foreach loop
//	  node x
//	end
//	a.yes -> b
//
// After "---" come events, each followed by the actions that it must lead to, indented. A node run is written
// "a", "loop[3]" or, in a frame other than the first, "2:x".
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/plan/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, script := range strings.Split(string(text), "=== ")[1:] {
			name, script, _ := strings.Cut(script, "\n")
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				t.Parallel()
				graph, events, found := strings.Cut(script, "---\n")
				require.True(t, found, "a script has a graph and events")
				require.Equal(t, strings.TrimSpace(events), play(t, graph, events))
			})
		}
	}
}

// play runs a script and gives its second part as it should be.
func play(t *testing.T, graph, events string) string {
	t.Helper()
	w := newWorld(compiled(t, readGraph(t, graph)).Graph)
	var got []string
	for line := range strings.Lines(events) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") || line == "" {
			got = append(got, line)
			continue
		}
		if strings.HasPrefix(line, "\t") {
			continue
		}
		var actions []dag.Action
		if line == "start" {
			actions = w.start()
		} else {
			e := w.event(t, line)
			actions = w.apply(e)
		}
		got = append(got, line)
		for _, a := range actions {
			got = append(got, "\t"+action(a, w))
		}
	}
	require.Empty(t, w.broken)
	return strings.TrimSpace(strings.Join(got, "\n"))
}

// readGraph reads the first part of a script.
func readGraph(tb testing.TB, text string) *flowforge.Workflow {
	tb.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	workflow := &flowforge.Workflow{Name: "script"}
	workflow.Graph, lines = readLines(tb, lines, &workflow.Settings)
	require.Empty(tb, lines)
	return workflow
}

func readLines(tb testing.TB, lines []string, settings *flowforge.Settings) (flowforge.Graph, []string) {
	tb.Helper()
	var graph flowforge.Graph
	for len(lines) > 0 {
		words := strings.Fields(lines[0])
		lines = lines[1:]
		switch {
		case len(words) == 0, strings.HasPrefix(words[0], "#"):
		case words[0] == "end":
			return graph, lines
		case words[0] == "fail_fast":
			no := false
			settings.FailFast = &no
		case len(words) > 1 && words[1] == "->":
			var c flowforge.Connection
			require.NoError(tb, c.From.UnmarshalText([]byte(words[0])))
			require.NoError(tb, c.To.UnmarshalText([]byte(words[2])))
			graph.Connections = append(graph.Connections, c)
		default:
			node, params := readNode(tb, words)
			if words[0] == "foreach" || words[0] == "repeat" {
				var body flowforge.Graph
				body, lines = readLines(tb, lines, settings)
				value, err := flowforge.ValueOf(body)
				require.NoError(tb, err)
				params["body"] = value
			}
			node.Params = flowforge.MustValue(params)
			graph.Nodes = append(graph.Nodes, node)
		}
	}
	return graph, lines
}

func readNode(tb testing.TB, words []string) (flowforge.Node, object) {
	tb.Helper()
	node := flowforge.Node{ID: flowforge.NodeID(words[1]), Type: "test.work"}
	params := object{}
	switch words[0] {
	case "node":
	case "stubborn", "pick":
		node.Type = "test." + words[0]
	case "each":
		node.Each = flowforge.MustValue("{{ input }}")
	case "foreach":
		node.Type, params = "test.foreach", object{"items": "{{ input }}"}
	case "repeat":
		node.Type, params = "test.repeat", object{"max": 100}
	default:
		require.Fail(tb, "not understood", "%v", words)
	}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		number, _ := strconv.Atoi(value)
		switch key {
		case "ports":
			params["ports"] = strings.Split(value, ",")
		case "join":
			node.Join = flowforge.Join(value)
		case "on_error":
			node.OnError = flowforge.OnError(value)
		case "finally":
			node.Finally = true
		case "disabled":
			node.Disabled = true
		case "parallel":
			node.EachParallel = number
		case "retry":
			node.Retry.MaxAttempts = number
		case "retry_on":
			node.Retry.RetryOn = []flowforge.Code{flowforge.Code(value)}
		case "no_retry_on":
			node.Retry.NoRetryOn = []flowforge.Code{flowforge.Code(value)}
		case "max_lost":
			node.Retry.MaxLost = number
		default:
			require.Fail(tb, "not understood", "%v", words)
		}
	}
	return node, params
}

// words of events; where no Ref precedes them they are about the run.
var eventKinds = map[string]dag.EventKind{
	"ok": dag.Succeeded, "more": dag.Succeeded, "fails": dag.Failed, "lost": dag.Lost, "expanded": dag.Expanded,
	"waits": dag.Waiting, "timer": dag.TimerFired, "times_out": dag.TimedOut, "canceled": dag.Canceled, "stops_run": dag.StopRun,
	"cancel": dag.CancelRun, "time_out": dag.TimeOutRun, "time_out_finally": dag.TimeOutFinally,
}

// event reads an event: "a ok yes no", "a fails code permanent", "loop expanded 3 parallel 2", "cancel".
func (w *world) event(tb testing.TB, line string) dag.Event {
	tb.Helper()
	words := strings.Fields(line)
	if len(words) == 1 || words[0] == "time_out_finally" {
		kind, known := eventKinds[words[0]]
		require.True(tb, known, line)
		e := dag.Event{Kind: kind}
		if len(words) > 1 {
			e.At.Frame = number(tb, words[1])
		}
		return e
	}
	kind, known := eventKinds[words[1]]
	require.True(tb, known, line)
	e := dag.Event{Kind: kind, At: w.ref(tb, words[0]), More: words[1] == "more"}
	rest := words[2:]
	switch kind {
	case dag.Succeeded:
		if len(rest) == 0 {
			e.Ports = []int32{0}
		}
		for _, port := range rest {
			if port != "nothing" {
				e.Ports = append(e.Ports, w.frames[e.At.Frame].Nodes[e.At.Node].Port(flowforge.Port(port)))
			}
		}
	case dag.Failed:
		for _, word := range rest {
			if e.Permanent = word == "permanent"; !e.Permanent {
				e.Code = flowforge.Code(word)
			}
		}
	case dag.Expanded:
		e.Count = number(tb, rest[0])
		if len(rest) > 1 {
			e.Parallel = number(tb, rest[2])
		}
	default:
	}
	return e
}

func number(tb testing.TB, text string) int32 {
	tb.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(tb, err)
	return int32(n)
}

// ref reads "a", "loop[3]" or "2:x".
func (w *world) ref(tb testing.TB, text string) dag.Ref {
	tb.Helper()
	at := dag.Ref{Element: dag.NoElement}
	if frame, rest, found := strings.Cut(text, ":"); found {
		at.Frame, text = number(tb, frame), rest
	}
	if id, element, found := strings.Cut(text, "["); found {
		at.Element, text = number(tb, strings.TrimSuffix(element, "]")), id
	}
	graph := w.frames[at.Frame]
	if graph == nil {
		return at // a frame that is gone: any node of it
	}
	node, found := graph.Find(flowforge.NodeID(text))
	require.True(tb, found, text)
	at.Node = node
	return at
}

// name writes a Ref as ref reads it.
func (w *world) name(at dag.Ref) string {
	text := "?"
	if graph := w.graphs[at.Frame]; graph != nil {
		text = string(graph.Nodes[at.Node].Doc.ID)
	}
	if at.Frame != 0 {
		text = fmt.Sprintf("%d:%s", at.Frame, text)
	}
	if at.Element != dag.NoElement {
		text = fmt.Sprintf("%s[%d]", text, at.Element)
	}
	return text
}

// action writes an action.
func action(a dag.Action, w *world) string {
	kinds := [...]string{"run", "expand", "collect", "retry", "stop", "enter", "leave", "ended", "finally", "done"}
	words := []string{kinds[a.Kind]}
	switch a.Kind {
	case dag.Finally:
		words = append(words, strconv.Itoa(int(a.Frame)))
	case dag.Done:
		words = append(words, string(a.RunStatus))
	case dag.Retry:
		words = append(words, w.name(a.At), strconv.Itoa(int(a.Failures)))
	case dag.Enter:
		words = append(words, w.name(a.At), strconv.Itoa(int(a.Frame)))
	case dag.Leave:
		words = append(words, w.name(a.At), strconv.Itoa(int(a.Frame)), string(a.Status))
	case dag.Ended:
		words = append(words, w.name(a.At), string(a.Status), string(a.Reason), string(a.Code))
	default:
		words = append(words, w.name(a.At))
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
