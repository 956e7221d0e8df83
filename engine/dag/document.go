package dag

import (
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
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
}

func (c *compiler) checkSettings(s *flowforge.Settings) {
	c.atLeast("/settings", "/max_parallel", float64(s.MaxParallel), 0)
	if s.Priority < 0 || s.Priority > 5 {
		c.problemf("bad_value", "/settings/priority", "the priority must be from 1 (first) to 5, not %d", s.Priority)
	}
	if s.Concurrency != nil {
		c.oneOf("/settings", "/concurrency/on_limit", string(s.Concurrency.OnLimit), "queue", "reject", "cancel_running")
		c.flow("concurrency", "limit", s.Concurrency.Key, s.Concurrency.Limit)
	}
	if s.Throttle != nil {
		c.flow("throttle", "limit", s.Throttle.Key, s.Throttle.Limit)
		c.period("throttle", s.Throttle.Period)
	}
	if s.RateLimit != nil {
		c.flow("rate_limit", "limit", s.RateLimit.Key, s.RateLimit.Limit)
		c.period("rate_limit", s.RateLimit.Period)
	}
	if s.Debounce != nil {
		c.flow("debounce", "", s.Debounce.Key, 1)
		c.period("debounce", s.Debounce.Period)
	}
	if s.Singleton != nil {
		c.flow("singleton", "", s.Singleton.Key, 1)
	}
	if s.Batch != nil {
		c.flow("batch", "size", s.Batch.Key, s.Batch.Size)
	}
}

// flow checks a flow-control setting. They bound the runs of a workflow against each other, which this engine
// does not do yet.
func (c *compiler) flow(name, bound, key string, most int) {
	at := "/settings/" + name
	if most < 1 {
		c.problemf("bad_value", at+"/"+bound, "the %s of %s must be at least 1, not %d", bound, name, most)
	}
	if key != "" {
		template, problems := c.exprs.Template(flowforge.MustValue(key), at+"/key", expr.Options{})
		c.add(problems...)
		if template != nil && len(template.Refs()) > 0 {
			c.problemf("not_upstream", at+"/key", "a key is made before the run starts: it can read input, but no node")
		}
	}
	c.warningf("not_enforced", at, "%s is not enforced by this engine yet: runs start at once", name)
}

func (c *compiler) period(name string, period flowforge.Duration) {
	if period <= 0 {
		c.problemf("bad_value", "/settings/"+name+"/period", "the period of %s must be longer than 0s", name)
	}
}
