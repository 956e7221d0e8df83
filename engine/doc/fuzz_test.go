package doc_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

// FuzzRead: no file panics; what is refused has problems that stand in the file; what is read can be written
// and read again.
func FuzzRead(f *testing.F) {
	all, err := os.ReadFile(filepath.Join("testdata", "broken.txt"))
	require.NoError(f, err)
	headings := heading.FindAllStringSubmatch(string(all), -1)
	for i, text := range heading.Split(string(all), -1)[1:] {
		f.Add(headings[i][1], []byte(text))
	}
	f.Add("x.yaml", []byte(document))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		file, err := doc.Read(name, text)
		if err != nil {
			problems := file.Locate(flowforge.ProblemsOf(err))
			require.NotEmpty(t, problems)
			require.NoError(t, file.Print(io.Discard, problems))
			for _, p := range problems {
				require.Positive(t, p.Line)
				require.Positive(t, p.Column)
			}
			return
		}
		for _, format := range []doc.Format{doc.YAML, doc.JSON} {
			written, err := doc.Write(file.Workflow, format)
			require.NoError(t, err)
			again, err := doc.Read("x."+string(format), written)
			require.NoError(t, err, string(written))
			require.Equal(t, marshal(t, file.Workflow), marshal(t, again.Workflow))
		}
	})
}
