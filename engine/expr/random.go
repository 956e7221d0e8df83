package expr

import "math"

func randomFunctions() []function {
	return []function{
		{
			signature: "uuid() string",
			doc:       "Gives a new UUID.",
			examples:  []Example{gives(`uuid()`, `"018f3f2e-5c1a-7000-8000-000000000001"`)},
			impure:    true,
			call: func(c *call) (any, error) {
				if c.env.UUID == nil {
					return nil, c.notHere()
				}
				return c.newText(c.env.UUID())
			},
		},
		{
			signature: "random() number",
			doc:       "Gives a number of at least 0 and less than 1.",
			examples:  []Example{gives(`random()`, `0.25`)},
			impure:    true,
			call:      func(c *call) (any, error) { return c.random() },
		},
		{
			signature: "randomInt(from int, to int) int",
			doc:       "Gives an integer of at least `from` and less than `to`.",
			examples:  []Example{gives(`randomInt(0, 100)`, `25`)},
			impure:    true,
			call: func(c *call) (any, error) {
				from, to := c.int(0, 0), c.int(1, 0)
				if from >= to || to-from < 0 || to-from > 1<<53 {
					return nil, c.fail("from must be less than to, by at most 2^53")
				}
				x, err := c.random()
				if err != nil {
					return nil, err
				}
				return from + int64(math.Floor(toFloat(x)*float64(to-from))), nil
			},
		},
	}
}

func (c *call) random() (any, error) {
	if c.env.Random == nil {
		return nil, c.notHere()
	}
	return normal(c.env.Random())
}

// notHere refuses a function that gives another result each time where none may be called.
func (c *call) notHere() error {
	return c.fail("this expression must give the same result each time, so %s() cannot be used in it", c.function.name())
}
