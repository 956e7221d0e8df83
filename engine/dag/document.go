package dag

import (
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// maxNameLength bounds a workflow's name, in runes.
const maxNameLength = 200

// checkDocument checks all of a document but its graph.
func (c *compiler) checkDocument(workflow *Workflow) {
	doc := workflow.Document
	switch length := utf8.RuneCountInString(doc.Name); {
	case strings.TrimSpace(doc.Name) == "":
		c.problemf("missing_name", "/name", "the workflow has no name: give it one")
	case length > maxNameLength:
		c.problemf("bad_value", "/name", "the name has %d characters, more than the %d allowed", length, maxNameLength)
	}
	schema, err := nodes.CompileSchema(doc.InputSchema)
	if err != nil {
		c.problemf("bad_schema", "/input_schema", "this is not a JSON Schema: %v", err)
	}
	workflow.InputSchema = schema
	c.checkSettings(&doc.Settings)
	workflow.Flow = c.flow(&doc.Settings)
}

func (c *compiler) checkSettings(s *flowforge.Settings) {
	c.atLeast("/settings", "/max_parallel", float64(s.MaxParallel), 0)
	if s.Priority < 0 || s.Priority > 5 {
		c.problemf("bad_value", "/settings/priority", "the priority must be from 1 (first) to 5, not %d", s.Priority)
	}
}
