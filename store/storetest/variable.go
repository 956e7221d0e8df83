package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

func variableCases() []testCase {
	return []testCase{
		{"a variable has the value that it was given last", func(k *kit) {
			require.Empty(k, k.variables(acme))
			k.setVariable(acme, "a", flowforge.MustValue(map[string]any{"x": []any{1, "two"}}))
			k.setVariable(acme, "b", flowforge.Value{})
			k.setVariable(acme, "a b/c", flowforge.MustValue("text"))
			require.Equal(k, map[string]string{"a": `{"x":[1,"two"]}`, "b": "null", "a b/c": `"text"`}, k.variables(acme))
			k.setVariable(acme, "a", flowforge.MustValue(2))
			require.Equal(k, map[string]string{"a": "2", "b": "null", "a b/c": `"text"`}, k.variables(acme))
		}},
		{"a variable is forgotten, and is not found where there is none", func(k *kit) {
			k.code(flowforge.CodeNotFound, k.Store.DeleteVariable(k.ctx, acme, "a"))
			k.setVariable(acme, "a", flowforge.MustValue(1))
			k.setVariable(acme, "b", flowforge.MustValue(2))
			require.NoError(k, k.Store.DeleteVariable(k.ctx, acme, "a"))
			require.Equal(k, map[string]string{"b": "2"}, k.variables(acme))
			k.code(flowforge.CodeNotFound, k.Store.DeleteVariable(k.ctx, acme, "a"))
			require.NoError(k, k.Store.DeleteVariable(k.ctx, acme, "b"))
			require.Empty(k, k.variables(acme))
		}},
		{"what was read is not what is kept", func(k *kit) {
			k.setVariable(acme, "a", flowforge.MustValue(1))
			read, err := k.Store.Variables(k.ctx, acme)
			require.NoError(k, err)
			k.setVariable(acme, "b", flowforge.MustValue(2))
			require.Len(k, read, 1, "what was given out changed")
		}},
		{"workspaces do not share variables", func(k *kit) {
			k.setVariable(acme, "a", flowforge.MustValue(1))
			k.setVariable(other, "a", flowforge.MustValue(2))
			require.NoError(k, k.Store.DeleteVariable(k.ctx, other, "a"))
			require.Equal(k, map[string]string{"a": "1"}, k.variables(acme))
			require.Empty(k, k.variables(other))
		}},
	}
}

func (k *kit) setVariable(workspace flowforge.Workspace, name string, value flowforge.Value) {
	k.Helper()
	require.NoError(k, k.Store.SetVariable(k.ctx, workspace, name, value))
}

// variables gives those of a workspace as JSON.
func (k *kit) variables(workspace flowforge.Workspace) map[string]string {
	k.Helper()
	all, err := k.Store.Variables(k.ctx, workspace)
	require.NoError(k, err)
	texts := make(map[string]string, len(all))
	for name, value := range all {
		texts[name] = value.String()
	}
	return texts
}
