package main

import (
	"encoding/json"
	"fmt"

	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// validateCommand is `flowforge validate FILE...`.
type validateCommand struct {
	File   []string `arg:"" help:"Workflow documents; - reads standard input."`
	JSON   bool     `name:"json" help:"Print a list of problems on standard output: {file, line, column, code, pointer, message, warning}."`
	Strict bool     `help:"Take warnings for errors."`

	EnableCode bool `help:"Check nodes that run JavaScript as if they were allowed."`
}

// Run tells all problems of all files.
func (v *validateCommand) Run(con *console) error {
	types, err := newRegistry(nil, v.EnableCode)
	if err != nil {
		return err
	}
	var all doc.Problems
	failures, warnings := 0, 0
	for _, name := range v.File {
		document, err := con.readDocument(name, types)
		if err != nil { // the others may be told of all the same
			con.printf("flowforge: %s\n", human.Lines(err.Error()))
			failures++
			continue
		}
		f, w := document.tally()
		failures, warnings = failures+f, warnings+w
		if v.JSON {
			all = append(all, document.problems...)
			continue
		}
		document.print(con)
		if f+w == 0 {
			_, _ = fmt.Fprintf(con.out, "%s: no problems, %s\n", document.file.Name, human.Count(document.workflow.NodeCount, "node"))
		}
	}
	if v.JSON {
		if err := printProblems(con, all); err != nil {
			return err
		}
	}
	if failures > 0 || v.Strict && warnings > 0 {
		if v.JSON {
			return &exit{status: exitUsage}
		}
		return usage("%s, %s", human.Count(failures, "error"), human.Count(warnings, "warning"))
	}
	return nil
}

// problem is an element of the list that --json prints.
type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Pointer string `json:"pointer"`
	Message string `json:"message"`
	Warning bool   `json:"warning"`
}

func printProblems(con *console, all doc.Problems) error {
	list := make([]problem, len(all))
	for i, p := range all {
		list[i] = problem{p.File, p.Line, p.Column, p.Code, p.Pointer, p.Message, p.Warning}
	}
	encoder := json.NewEncoder(con.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(list); err != nil {
		return &exit{status: exitFailed, cause: fmt.Errorf("write the problems: %w", err)}
	}
	return nil
}
