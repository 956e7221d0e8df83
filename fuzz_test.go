package flowforge_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// FuzzParseValue: no text panics, and what is accepted is the same after it was stored.
func FuzzParseValue(f *testing.F) {
	for _, seed := range []string{
		`null`, `{"a":[1,2.5,"x\u2028",{"b":null}],"a":true}`, `[7.0,1e19,-0.0,18446744073709551616,9007199254740993e0]`,
		"\"\xff\"", `"\ud800"`, "{\"\\u0000\":\"\\\"\"}", ` [ ] `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := flowforge.ParseValue(text)
		if err != nil {
			require.NotEmpty(t, flowforge.CodeOf(err))
			return
		}
		stored, err := flowforge.StoredValue(v.JSON())
		require.NoError(t, err)
		require.Equal(t, v.Any(), stored.Any())
		require.Equal(t, v.Size(), stored.Size())
		require.Equal(t, plainSize(v.Any()), v.Size())
		require.Equal(t, canonical(t, v.Any()), v.String())
	})
}

// FuzzDecodeWorkflow: no text panics, what is refused has problems, what is accepted survives JSON.
func FuzzDecodeWorkflow(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","nodes":[{"id":"n","type":"core.noop","timeout":"1d2h","params":{"a":[1]}}],"connections":[{"from":"n.x","to":"n"}]}`,
		`{"nodes":[{"pinned":null,"position":{"x":1,"y":2},"retry":{"retry_on":["a"]},"credentials":{"a":"b"}}]}`,
		`{"settings":{"fail_fast":true,"throttle":{"limit":1,"period":"1s"}},"name":"a","name":"b","x":[null]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := flowforge.DecodeWorkflow(text)
		if err != nil {
			require.NotEmpty(t, flowforge.ProblemsOf(err))
			return
		}
		written, err := json.Marshal(w)
		require.NoError(t, err)
		read, err := flowforge.DecodeWorkflow(written)
		require.NoError(t, err)
		again, err := json.Marshal(read)
		require.NoError(t, err)
		require.Equal(t, string(written), string(again))
	})
}
