package main

import (
	"bufio"
	"encoding/json"
	"fmt"
)

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
