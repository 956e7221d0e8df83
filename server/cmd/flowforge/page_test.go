package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

//go:embed introduction.md
var introduction string

var update = flag.Bool("update", false, "write docs/cli.md anew")

func TestDocs(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "docs", "cli.md")
	page := page(t)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
	}
	stored, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, page, string(stored), "run: go test ./server/cmd/flowforge -run Docs -update")
}

// page is the reference page: the introduction, and all commands with their flags.
func page(t *testing.T) string {
	t.Helper()
	parser, err := newParser(&commands{}, &console{out: io.Discard, err: io.Discard})
	require.NoError(t, err)
	var text strings.Builder
	text.WriteString("<!-- Made of introduction.md and the commands: go test ./server/cmd/flowforge -run Docs -update -->\n\n")
	text.WriteString(introduction)
	text.WriteString("\n## Commands\n")
	for _, command := range parser.Model.Leaves(true) {
		writeCommand(&text, command)
	}
	return text.String()
}

func writeCommand(text *strings.Builder, command *kong.Node) {
	usage := []string{command.FullPath()}
	for _, positional := range command.Positional {
		usage = append(usage, positional.Summary())
	}
	fmt.Fprintf(text, "\n### %s\n\n%s\n\n```\n%s [flags]\n```\n\n| | |\n|---|---|\n",
		command.FullPath(), command.Help, strings.Join(usage, " "))
	for _, positional := range command.Positional {
		fmt.Fprintf(text, "| `%s` | %s |\n", positional.Summary(), cell(positional.Help))
	}
	for _, flag := range command.Flags {
		if flag.Hidden || flag.Name == "help" {
			continue
		}
		name := "`--" + flag.Name + "`"
		if !flag.IsBool() {
			name = "`--" + flag.Name + "=" + flag.FormatPlaceHolder() + "`"
		}
		if flag.Short != 0 {
			name = "`-" + string(flag.Short) + "`, " + name
		}
		fmt.Fprintf(text, "| %s | %s |\n", name, cell(flag.Help))
	}
}

// cell writes a text so that Markdown takes nothing in it for a column, HTML or a link.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "[", `\[`).Replace(text)
}
