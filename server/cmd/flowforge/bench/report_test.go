package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/engine/dag"
)

func TestReportTellsQuantilesAndRates(t *testing.T) {
	t.Parallel()
	took := make([]time.Duration, 100)
	for i := range took {
		took[99-i] = time.Duration(i+1) * time.Millisecond
	}
	report := Report{Workload: W1, Store: "memory", Mode: Saturated}
	report.fill(took, 2*time.Second, 50*time.Millisecond)
	require.Equal(t, 100, report.Runs)
	require.InDelta(t, 50, report.RunsPerS, 0)
	require.InDelta(t, 50, report.P50, 0)
	require.InDelta(t, 95, report.P95, 0)
	require.InDelta(t, 99, report.P99, 0)
	require.InDelta(t, 0.5, report.CPU, 0)
	var text bytes.Buffer
	require.NoError(t, report.Write(&text))
	require.Contains(t, text.String(), "100 runs in 2 s: 50 runs/s")
	require.InDelta(t, 1235, round(1234.9), 0)
	require.InDelta(t, 0.001235, round(0.00123456), 0)
}

// The workloads have the shapes they are known by.
func TestWorkloadsHaveTheirShapes(t *testing.T) {
	t.Parallel()
	types, err := Types(0)
	require.NoError(t, err)
	for workload, want := range map[Workload][2]int{W1: {1, 0}, W2: {10, 9}, W3: {101, 100}, W6: {1_000, 1_800}} {
		for _, pure := range []bool{false, true} {
			document := workload.document(pure, 1_000)
			require.Equal(t, want, [2]int{len(document.Nodes), len(document.Connections)}, workload)
			_, problems := dag.Compile(document, types, dag.Limits{})
			require.Empty(t, problems)
		}
	}
}
