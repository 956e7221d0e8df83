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

//go:embed configuration.md
var configuration string

var update = flag.Bool("update", false, "write docs/cli.md anew")

func TestDocs(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&commands{}, &console{out: io.Discard, err: io.Discard})
	require.NoError(t, err)
	for name, page := range map[string]string{"cli.md": page(parser), "config.md": settingsPage(parser)} {
		path := filepath.Join("..", "..", "..", "docs", name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
		}
		stored, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, page, string(stored), "run: go test ./server/cmd/flowforge -run Docs -update")
	}
}

// settingsPage is the page of settings: an introduction, and all that there are.
func settingsPage(parser *kong.Kong) string {
	var text strings.Builder
	text.WriteString("<!-- Made of configuration.md and the commands: go test ./server/cmd/flowforge -run Docs -update -->\n\n")
	text.WriteString(configuration)
	text.WriteString("\n## Settings\n\n| in the file | flag | variable | of | |\n|---|---|---|---|---|\n")
	for _, flag := range settingFlags(parser.Model.Node) {
		var of []string
		help := flag.Help
		for _, command := range parser.Model.Leaves(true) {
			for _, own := range command.Flags {
				if own.Name == flag.Name && len(own.Envs) > 0 {
					of = append(of, strings.TrimPrefix(command.FullPath(), "flowforge "))
					if command.Name == "serve" {
						help = own.Help
					}
				}
			}
		}
		const few = 4
		if len(of) > few {
			of = []string{"most commands"}
		}
		fmt.Fprintf(&text, "| `%s` | `--%s` | `%s` | %s | %s |\n",
			settingOf(flag), flag.Name, strings.Join(flag.Envs, "`, `"), strings.Join(of, ", "), cell(help))
	}
	return text.String()
}

// page is the reference page: the introduction, and all commands with their flags.
func page(parser *kong.Kong) string {
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
