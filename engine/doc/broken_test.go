package doc_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

var heading = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

// testdata/broken.txt holds files and what is told of them, each after its heading: "-- name --" and then
// "-- want --". A text that ends with the line "\" has no new line at its end.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	all, err := os.ReadFile(filepath.Join("testdata", "broken.txt"))
	require.NoError(t, err)
	headings := heading.FindAllStringSubmatch(string(all), -1)
	bodies := heading.Split(string(all), -1)[1:]
	require.Greater(t, len(bodies), 2*60)
	for i := 0; i < len(bodies); i += 2 {
		name, text, want := headings[i][1], strings.TrimSuffix(bodies[i], "\n\\\n"), bodies[i+1]
		require.Equal(t, "want", headings[i+1][1])
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := doc.Read(name, []byte(text))
			require.Equal(t, flowforge.CodeInvalidWorkflow, flowforge.CodeOf(err))
			require.Equal(t, strings.TrimSpace(want), err.Error())
			require.NotEmpty(t, flowforge.ProblemsOf(err))
		})
	}
}
