package nodes_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

func TestProblemsNeverShowTheValue(t *testing.T) {
	t.Parallel()
	for schema, value := range map[string]string{
		`{"type":"number"}`: `"c4nary"`, `{"pattern":"^x"}`: `"c4nary"`, `{"enum":["a"]}`: `"c4nary"`, `{"const":"a"}`: `"c4nary"`,
		`{"maxLength":1}`: `"c4nary"`, `{"minimum":5000000000}`: `4242424242`, `{"maximum":1}`: `4242424242`,
		`{"exclusiveMinimum":5000000000}`: `4242424242`, `{"exclusiveMaximum":1}`: `4242424242`, `{"multipleOf":5}`: `4242424242`,
	} {
		parsed, err := flowforge.ParseValue([]byte(schema))
		require.NoError(t, err)
		compiled, err := nodes.CompileSchema(parsed)
		require.NoError(t, err)
		given, err := flowforge.ParseValue([]byte(value))
		require.NoError(t, err)
		problems := compiled.Check(given, "", nil)
		require.Len(t, problems, 1, schema)
		require.NotContains(t, problems[0].Message, "c4nary", schema)
		require.NotContains(t, problems[0].Message, "4242424242", schema)
	}
}
