package flowforge_test

import (
	"encoding/json"
	"math"

	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

// texts are strings that are hard to carry, and random ones.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", " ", "{{ input.x }}", "null", "a\nb", "tab\t", `"`, `\`, "<&>", "\u2028\u2029", "\x00\x1f\x7f", "é漢🙂",
		"\ufeff", "\ufffd", "2024-01-01", "0123", "yes", "~", "# no comment", "- no list", "key: value",
	}))
}

// leaves gives what a value may be made of, in Go form or not yet.
func leaves() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Just(any(nil)),
		rapid.Bool().AsAny(),
		rapid.Int64().AsAny(),
		rapid.Uint64().AsAny(),
		rapid.Float64Range(-1e30, 1e30).AsAny(),
		rapid.Float64().Filter(func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }).AsAny(),
		rapid.SampledFrom([]any{
			0.0, math.Copysign(0, -1), 1e21, 1e-7, 1e-6, -1e-300, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e19,
			float64(1 << 53), float64(1 << 63), float64(1<<63) * 2, math.MinInt64, uint64(math.MaxUint64), int64(math.MaxInt64),
			json.Number("7.0"), json.Number("7e0"), json.Number("9007199254740993.0"), json.Number("-0"),
			int8(-3), uint16(9), float32(0.1), flowforge.Duration(0), "a\xff\xfeb", []byte("bytes"),
		}),
		texts().AsAny(),
	)
}

// things gives values in all forms that Freeze takes, nested at most depth deep.
func things(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return leaves()
	}
	inner := things(depth - 1)
	keys := rapid.OneOf(texts(), rapid.SampledFrom([]string{"a", "b", "\xff", "\xfe", "~/"}))
	return rapid.OneOf(
		leaves(),
		rapid.SliceOfN(inner, 0, 4).AsAny(),
		rapid.MapOfN(keys, inner, 0, 4).AsAny(),
		rapid.SliceOfN(rapid.Int32(), 0, 3).AsAny(),
		rapid.MapOfN(keys, rapid.Uint8(), 0, 3).AsAny(),
		rapid.Custom(func(t *rapid.T) any { return flowforge.MustValue(inner.Draw(t, "inside")) }),
	)
}

func values() *rapid.Generator[flowforge.Value] {
	return rapid.Custom(func(t *rapid.T) flowforge.Value {
		return flowforge.MustValue(things(2).Draw(t, "thing"))
	})
}

// params are null or an object that is not empty.
func params() *rapid.Generator[flowforge.Value] {
	objects := rapid.MapOfN(texts(), things(1), 1, 4)
	return rapid.OneOf(rapid.Just(flowforge.Value{}), rapid.Map(objects, func(object map[string]any) flowforge.Value {
		return flowforge.MustValue(object)
	}))
}

func durations() *rapid.Generator[flowforge.Duration] {
	return rapid.OneOf(
		rapid.Map(rapid.Int64Range(0, math.MaxInt64), func(n int64) flowforge.Duration { return flowforge.Duration(n) }),
		rapid.Map(rapid.Int64Range(0, 106_751), func(days int64) flowforge.Duration {
			return flowforge.Duration(days * 24 * int64(3_600_000_000_000))
		}),
	)
}

func endpoints() *rapid.Generator[flowforge.Endpoint] {
	return rapid.Custom(func(t *rapid.T) flowforge.Endpoint {
		return flowforge.Endpoint{
			Node: flowforge.NodeID(rapid.StringMatching(`[a-z][a-z0-9_]{0,8}`).Draw(t, "node")),
			Port: flowforge.Port(rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-z0-9._-]{1,8}`)).Draw(t, "port")),
		}
	})
}

// word gives one of a few texts, often the empty one.
func word[T ~string](t *rapid.T, label string) T {
	return T(rapid.OneOf(rapid.Just(""), texts()).Draw(t, label))
}

func count(t *rapid.T, label string) int {
	return rapid.OneOf(rapid.Just(0), rapid.Int()).Draw(t, label)
}

func optional[T any](t *rapid.T, label string, draw func(*rapid.T) T) *T {
	if rapid.Bool().Draw(t, label) {
		return nil
	}
	drawn := draw(t)
	return &drawn
}

// workflows gives documents with every field, sensible or not.
func workflows() *rapid.Generator[*flowforge.Workflow] {
	return rapid.Custom(func(t *rapid.T) *flowforge.Workflow {
		w := &flowforge.Workflow{
			Name: word[string](t, "name"), Description: word[string](t, "description"),
			Settings: settings(t), InputSchema: values().Draw(t, "schema"),
		}
		w.Output = values().Draw(t, "output")
		w.Nodes = rapid.SliceOfN(rapid.Custom(node), 0, 4).Draw(t, "nodes")
		if connections := rapid.SliceOfN(rapid.Custom(connection), 0, 3).Draw(t, "connections"); len(connections) > 0 {
			w.Connections = connections
		}
		return w
	})
}

func connection(t *rapid.T) flowforge.Connection {
	return flowforge.Connection{From: endpoints().Draw(t, "from"), To: endpoints().Draw(t, "to")}
}

func node(t *rapid.T) flowforge.Node {
	n := flowforge.Node{
		ID: word[flowforge.NodeID](t, "id"), Type: word[string](t, "type"), TypeVersion: count(t, "version"),
		Name: word[string](t, "title"), Notes: word[string](t, "notes"),
		Position: optional(t, "position", func(t *rapid.T) flowforge.Position {
			return flowforge.Position{X: rapid.Float64Range(-1e9, 1e9).Draw(t, "x"), Y: rapid.Float64Range(-1, 1).Draw(t, "y")}
		}),
		Disabled: rapid.Bool().Draw(t, "disabled"),
		Pinned:   optional(t, "pinned", func(t *rapid.T) flowforge.Value { return values().Draw(t, "pin") }),
		Params:   params().Draw(t, "params"),

		Join: word[flowforge.Join](t, "join"), Each: values().Draw(t, "each"), EachParallel: count(t, "parallel"),
		Retry: retry(t), Timeout: durations().Draw(t, "timeout"), NodeTimeout: durations().Draw(t, "node_timeout"),
		OnError: word[flowforge.OnError](t, "on_error"), Delivery: word[flowforge.Delivery](t, "delivery"),
		Finally: rapid.Bool().Draw(t, "finally"), Pool: word[string](t, "pool"),
	}
	if credentials := rapid.MapOfN(texts(), texts(), 0, 2).Draw(t, "credentials"); len(credentials) > 0 {
		n.Credentials = credentials
	}
	return n
}

func retry(t *rapid.T) flowforge.RetryPolicy {
	policy := flowforge.RetryPolicy{
		MaxAttempts: count(t, "attempts"), InitialInterval: durations().Draw(t, "initial"),
		Multiplier: rapid.Float64Range(0, 10).Draw(t, "multiplier"), MaxInterval: durations().Draw(t, "max"),
		Jitter: word[flowforge.Jitter](t, "jitter"), MaxLost: count(t, "lost"),
	}
	if codes := rapid.SliceOfN(rapid.SampledFrom([]flowforge.Code{"timeout", "x", ""}), 0, 2).Draw(t, "on"); len(codes) > 0 {
		policy.RetryOn, policy.NoRetryOn = codes, codes
	}
	return policy
}

func settings(t *rapid.T) flowforge.Settings {
	rate := func(t *rapid.T) flowforge.Rate {
		return flowforge.Rate{Limit: count(t, "limit"), Period: durations().Draw(t, "period"), Key: word[string](t, "key")}
	}
	return flowforge.Settings{
		Timeout: durations().Draw(t, "run timeout"), FinallyTimeout: durations().Draw(t, "finally timeout"),
		MaxParallel: count(t, "max parallel"), FailFast: optional(t, "fail fast", func(t *rapid.T) bool { return rapid.Bool().Draw(t, "fast") }),
		OnFailure: word[string](t, "on failure"), Priority: count(t, "priority"),
		Concurrency: optional(t, "concurrency", func(t *rapid.T) flowforge.Concurrency {
			return flowforge.Concurrency{
				Limit: count(t, "limit"), Key: word[string](t, "key"), OnLimit: word[flowforge.OnLimit](t, "on limit"),
				ReleaseWhileWaiting: rapid.Bool().Draw(t, "release"),
			}
		}),
		Throttle: optional(t, "throttle", rate), RateLimit: optional(t, "rate limit", rate),
		Debounce: optional(t, "debounce", func(t *rapid.T) flowforge.Debounce {
			return flowforge.Debounce{Period: durations().Draw(t, "period"), Key: word[string](t, "key")}
		}),
		Singleton: optional(t, "singleton", func(t *rapid.T) flowforge.Singleton {
			return flowforge.Singleton{Key: word[string](t, "key")}
		}),
		Batch: optional(t, "batch", func(t *rapid.T) flowforge.Batch {
			return flowforge.Batch{Size: count(t, "size"), Period: durations().Draw(t, "period"), Key: word[string](t, "key")}
		}),
	}
}
