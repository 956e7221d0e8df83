package human

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes rows in columns, the first row being their names.
func Table(w io.Writer, rows [][]string) error {
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
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}
