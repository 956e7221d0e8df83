package flowforge_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

func TestErrorsMatchByCode(t *testing.T) {
	t.Parallel()
	err := error(&flowforge.Error{Code: flowforge.CodeNotFound, Op: "load run", Msg: "there is no run 7"})
	wrapped := fmt.Errorf("answer request: %w", err)
	require.ErrorIs(t, wrapped, &flowforge.Error{Code: flowforge.CodeNotFound})
	require.NotErrorIs(t, wrapped, &flowforge.Error{Code: flowforge.CodeConflict})
	require.NotErrorIs(t, wrapped, io.EOF)
	require.Equal(t, flowforge.CodeNotFound, flowforge.CodeOf(wrapped))
	require.Equal(t, flowforge.CodeNotFound, flowforge.CodeOf(errors.Join(io.EOF, wrapped)))
	require.Empty(t, flowforge.CodeOf(io.EOF))
	require.Empty(t, flowforge.CodeOf(nil))
}

func TestCodeOfIsTheOutermost(t *testing.T) {
	t.Parallel()
	inner := flowforge.Errorf(flowforge.CodeTimeout, "slow")
	outer := flowforge.Errorf(flowforge.CodeNodeFailed, "fetch: %w", inner)
	require.Equal(t, flowforge.CodeNodeFailed, flowforge.CodeOf(outer))
	require.ErrorIs(t, outer, inner)
	require.ErrorIs(t, outer, &flowforge.Error{Code: flowforge.CodeTimeout})
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*flowforge.Error{
		"start run: it is closed": {Code: flowforge.CodeClosed, Op: "start run", Msg: "it is closed"},
		"it is closed":            {Code: flowforge.CodeClosed, Msg: "it is closed", Err: io.EOF},
		"save: EOF":               {Code: flowforge.CodeUnavailable, Op: "save", Err: io.EOF},
		"closed":                  {Code: flowforge.CodeClosed},
		"read x: EOF":             flowforge.Errorf(flowforge.CodeUnavailable, "read %s: %w", "x", io.EOF),
	} {
		require.Equal(t, want, err.Error())
	}
}

func TestProblemsAreAnErrorUnlessAllAreWarnings(t *testing.T) {
	t.Parallel()
	warning := flowforge.Problem{Code: "unreachable", Pointer: "/nodes/0", Message: "nothing leads here", Warning: true}
	wrong := flowforge.Problem{Code: "cycle", Pointer: "/connections/1", Message: "a leads to itself"}
	require.NoError(t, flowforge.Problems(nil).Err())
	require.NoError(t, flowforge.Problems{warning}.Err())

	err := fmt.Errorf("save: %w", flowforge.Problems{warning, wrong}.Err())
	require.Equal(t, flowforge.CodeInvalidWorkflow, flowforge.CodeOf(err))
	require.Equal(t, flowforge.Problems{warning, wrong}, flowforge.ProblemsOf(err))
	require.ErrorContains(t, err, "/nodes/0: nothing leads here\n/connections/1: a leads to itself")
	require.Nil(t, flowforge.ProblemsOf(io.EOF))
}
