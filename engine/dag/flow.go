package dag

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// Flow is what decides whether and when runs of a workflow begin: the keys of its settings, each made of the input
// of a start. Those that the document does not have are nil.
type Flow struct {
	Concurrency, Throttle, RateLimit, Debounce, Singleton, Batch *expr.Template
}

// flow checks the settings that bound the runs of a workflow against each other; nil: there are none.
func (c *compiler) flow(s *flowforge.Settings) *Flow {
	f := &Flow{}
	if s.Concurrency != nil {
		c.oneOf("/settings", "/concurrency/on_limit", string(s.Concurrency.OnLimit), "queue", "reject", "cancel_running")
		c.count("concurrency", "limit", s.Concurrency.Limit)
		f.Concurrency = c.key("concurrency", s.Concurrency.Key)
	}
	if s.Throttle != nil {
		f.Throttle = c.rate("throttle", s.Throttle)
	}
	if s.RateLimit != nil {
		f.RateLimit = c.rate("rate_limit", s.RateLimit)
	}
	if s.Debounce != nil {
		c.period("debounce", s.Debounce.Period)
		f.Debounce = c.key("debounce", s.Debounce.Key)
	}
	if s.Singleton != nil {
		f.Singleton = c.key("singleton", s.Singleton.Key)
	}
	if s.Batch != nil {
		c.count("batch", "size", s.Batch.Size)
		if s.Batch.Size > maxBatch {
			c.problemf("bad_value", "/settings/batch/size", "the size of batch is at most %d, not %d", maxBatch, s.Batch.Size)
		}
		if s.Batch.Period < 0 {
			c.period("batch", s.Batch.Period)
		}
		f.Batch = c.key("batch", s.Batch.Key)
		if s.Debounce != nil {
			c.problemf("bad_value", "/settings/batch", "a workflow cannot both debounce, which keeps the latest input, "+
				"and batch, which keeps all: remove one")
		}
	}
	if *f == (Flow{}) {
		return nil
	}
	return f
}

// maxBatch bounds how many inputs a batch has.
const maxBatch = 10_000

func (c *compiler) rate(name string, rate *flowforge.Rate) *expr.Template {
	c.count(name, "limit", rate.Limit)
	c.period(name, rate.Period)
	return c.key(name, rate.Key)
}

func (c *compiler) count(name, field string, n int) {
	if n < 1 {
		c.problemf("bad_value", "/settings/"+name+"/"+field, "the %s of %s must be at least 1, not %d", field, name, n)
	}
}

func (c *compiler) period(name string, period flowforge.Duration) {
	if period <= 0 {
		c.problemf("bad_value", "/settings/"+name+"/period", "the period of %s must be longer than 0s", name)
	}
}

// key compiles the template of a key; the empty key is one for all runs of the workflow.
func (c *compiler) key(name, key string) *expr.Template {
	at := "/settings/" + name + "/key"
	template, problems := c.exprs.Template(flowforge.MustValue(key), at, expr.Options{})
	c.add(problems...)
	if len(template.Refs()) > 0 {
		c.problemf("not_upstream", at, "a key is made before the run starts: it can read input, but no node")
	}
	c.readsVars = c.readsVars || template.Uses("vars")
	return template
}
