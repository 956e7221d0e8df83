package builtin

import (
	"bytes"
	"context"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type markdownParams struct {
	Text *flowforge.Value `json:"text,omitempty" jsonschema:"type=string" jsonschema_description:"The Markdown. Without it: the input."`
}

// The bounds of data.markdown: the parser's time grows with the square of the marks in a block, and a table has
// as many cells in each row as in its longest.
const (
	maxMarkdown       = 512 << 10 // bytes
	maxMarkdownMarks  = 20_000_000
	maxMarkdownCells  = 1_000_000
	maxMarkdownIndent = 200 // columns: a list within a list is indented by two at least
)

func runMarkdown(_ context.Context, call *nodes.Call, p markdownParams) (flowforge.Value, error) {
	text, err := givenText(call, "text", p.Text)
	if err != nil {
		return flowforge.Value{}, err
	}
	if len(text) > maxMarkdown {
		return flowforge.Value{}, refuse(flowforge.CodeValueTooLarge, "the Markdown has %d KiB: %d are the most", len(text)>>10, maxMarkdown>>10)
	}
	if err := boundMarkdown(text); err != nil {
		return flowforge.Value{}, err
	}
	var html bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(text), &html); err != nil {
		return flowforge.Value{}, refuse(codeInvalidData, "read Markdown: %w", err)
	}
	return freeze(html.String())
}

// boundMarkdown refuses text that would take long to read: its cost is estimated block by block, a block being
// lines without an empty one between them.
func boundMarkdown(text string) error {
	var marks, cells int // over all blocks: squares of the marks, cells of tables
	var block struct{ marks, lines, columns int }
	number := 0
	for line := range strings.Lines(text) {
		number++
		if len(line)-len(strings.TrimLeft(line, " \t")) > maxMarkdownIndent {
			return refuse(codeInvalidData, "line %d of the Markdown is indented by more than %d columns", number, maxMarkdownIndent)
		}
		block.marks += countMarks(line)
		block.columns = max(block.columns, strings.Count(line, "|"))
		block.lines++
		if strings.TrimSpace(line) == "" {
			marks += block.marks * block.marks / 32
			cells += block.lines * block.columns
			block.marks, block.lines, block.columns = 0, 0, 0
		}
	}
	marks += block.marks * block.marks / 32
	cells += block.lines * block.columns
	if marks > maxMarkdownMarks || cells > maxMarkdownCells {
		return refuse(codeInvalidData, "the Markdown has too many marks (such as *, [ and |) in one place: put empty lines between its parts")
	}
	return nil
}

func countMarks(line string) int {
	count := 0
	for i := range len(line) {
		if strings.IndexByte("*_~`[]()<>|.-+!#", line[i]) >= 0 {
			count++
		}
	}
	return count
}

func markdownType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.markdown", Version: 1, Title: "Markdown", Category: categoryData, Icon: "file-text", Kind: nodes.Pure,
		Doc: "Makes HTML of Markdown.\n\n" +
			"It reads CommonMark with tables, task lists, strikethrough and bare links. The HTML is safe to show: HTML " +
			"inside of the Markdown and links that run scripts are left out.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The HTML, as text."}},
		Output:  flowforge.MustValue(map[string]any{"type": "string"}),
		Examples: []nodes.Example{{
			Title:  "A short note",
			Params: flowforge.MustValue(map[string]any{"text": "{{ input.note }}"}),
			Input:  flowforge.MustValue(map[string]any{"note": "# Hello\n\nSee **this**."}),
			Want:   flowforge.Out(flowforge.MustValue("<h1>Hello</h1>\n<p>See <strong>this</strong>.</p>\n")),
		}},
	}, runMarkdown)
}
