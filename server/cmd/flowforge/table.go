package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// writeTable writes rows in columns, the first row being their names.
func writeTable(w io.Writer, rows [][]string) error {
	var aligned strings.Builder
	columns := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	_ = columns.Flush()
	out := bufio.NewWriter(w)
	for line := range strings.Lines(aligned.String()) {
		_, _ = out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return flush(out)
}

// printJSON writes a value as indented JSON.
func (c *console) printJSON(value any) error {
	out := bufio.NewWriter(c.out)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return &exit{status: exitFailed, cause: fmt.Errorf("write standard output: %w", err)}
	}
	return flush(out)
}

// tell writes a line to standard output.
func (c *console) tell(format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format+"\n", args...)
	return err
}
