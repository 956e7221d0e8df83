//go:build linux || darwin

package faulttest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// TestKillWhileStarting kills a process that starts runs, before the store is asked or before it knows the answer, and
// lets another one start all of them again with the same keys.
func TestKillWhileStarting(t *testing.T) {
	t.Parallel()
	const many = 20
	for _, place := range []string{"create.before", "create.after"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(w *world) {
				t := w.t
				file := filepath.Join(t.TempDir(), "workflow.json")
				require.NoError(t, os.WriteFile(file, []byte(`{"name": "one", "nodes": [{"id": "n", "type": "test.effect"}]}`), 0o600))
				starter := func(failpoint string) *process {
					return w.spawn(failpoint, "-start", file, "-count", strconv.Itoa(many))
				}
				w.spawn("")
				first := starter(fmt.Sprintf("%s:%d", place, 1+w.random.IntN(many)))
				first.awaitEndAt(t, place)
				second := starter("")
				second.awaitEnd(t, recovery)
				require.NoError(t, second.err)
				acknowledged := second.out.lines("started")
				require.Len(t, acknowledged, many)
				require.True(t, strings.HasPrefix(second.out.String(), first.out.String()), "I1: what was acknowledged")
				ids := make([]flowforge.RunID, many)
				for i, line := range acknowledged {
					_, id, _ := strings.Cut(line, " ")
					ids[i] = flowforge.RunID(id)
				}
				w.check(recovery, ids, many)
				require.Len(t, w.runs(), many)
			})
		})
	}
}
