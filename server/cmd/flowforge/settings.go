package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// configFile is the flag that names a file with settings. Whatever has an environment variable may stand in it, under the
// name of its flag with "_" for "-". A flag counts more than a variable, and that more than the file.
type configFile string

// BeforeResolve reads the file.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path, into *settings) error {
	name, ok := ctx.FlagValue(trace.Flag).(configFile)
	if !ok || name == "" {
		return nil
	}
	text, err := os.ReadFile(string(name))
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	if err := into.parse(text, settingNames(ctx.Model.Node)); err != nil {
		return fmt.Errorf("--config %s: %w", human.Line(string(name)), err)
	}
	ctx.AddResolver(into)
	return nil
}

// signIn is another system that people sign in with, as the file has it.
type signIn struct {
	Issuer       string   `yaml:"issuer"`
	ClientID     string   `yaml:"client_id"`
	ClientSecret string   `yaml:"client_secret"`
	RedirectURL  string   `yaml:"redirect_url"`
	Scopes       []string `yaml:"scopes"`
}

// settings is what a file says. It is a kong.Resolver.
type settings struct {
	values map[string]string // by setting, as flags take them
	signIn map[string]signIn
}

const signInSetting = "sign_in"

// strictly decodes a node, and refuses what has no place.
func strictly(node *yaml.Node, into any) error {
	text, err := yaml.Marshal(node)
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read it: %w", err)
	}
	return nil
}

// textOf writes a value as a flag takes it.
func textOf(node *yaml.Node) (string, error) {
	switch node.Kind {
	case yaml.ScalarNode:
		return node.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, len(node.Content))
		for i, part := range node.Content {
			if part.Kind != yaml.ScalarNode {
				return "", fmt.Errorf("item %d is not a text or a number", i+1)
			}
			parts[i] = strings.ReplaceAll(part.Value, ",", `\,`)
		}
		return strings.Join(parts, ","), nil
	case yaml.MappingNode:
		var parts []string
		for i := 0; i+1 < len(node.Content); i += 2 {
			parts = append(parts, node.Content[i].Value+"="+node.Content[i+1].Value)
		}
		return strings.Join(parts, ";"), nil
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return "", errors.New("write the value out")
}

// Validate has nothing to do: parse has done it.
func (*settings) Validate(*kong.Application) error { return nil }

// Resolve gives the value of a flag that neither the command line nor the environment has.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, variable := range flag.Envs {
		if _, set := os.LookupEnv(variable); set {
			return nil, nil
		}
	}
	if value, found := s.values[settingOf(flag)]; found && len(flag.Envs) > 0 {
		return value, nil
	}
	return nil, nil
}

// parse reads settings, of which there are these names.
func (s *settings) parse(text []byte, names []string) error {
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("it is no YAML of the form `name: value`: %w", err)
	}
	s.values = make(map[string]string, len(file))
	for _, name := range slices.Sorted(maps.Keys(file)) {
		node := file[name]
		if name == signInSetting {
			if err := strictly(&node, &s.signIn); err != nil {
				return fmt.Errorf("line %d: %s: %w", node.Line, name, err)
			}
			continue
		}
		if !slices.Contains(names, name) {
			return fmt.Errorf("line %d: there is no setting %q%s", node.Line, name, flowforge.DidYouMean(name, append(names, signInSetting)))
		}
		value, err := textOf(&node)
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", node.Line, name, err)
		}
		s.values[name] = value
	}
	return nil
}

// settingOf is what a flag is called in a file.
func settingOf(flag *kong.Flag) string { return strings.ReplaceAll(flag.Name, "-", "_") }

// settingNames gives what may stand in a file.
func settingNames(app *kong.Node) []string {
	flags := settingFlags(app)
	names := make([]string, len(flags))
	for i, flag := range flags {
		names[i] = settingOf(flag)
	}
	return names
}

// settingFlags gives the flags that may stand in a file in order of their names, each once.
func settingFlags(app *kong.Node) []*kong.Flag {
	found := make(map[string]*kong.Flag)
	for _, node := range append([]*kong.Node{app}, app.Leaves(true)...) {
		for _, flag := range node.Flags {
			if _, known := found[flag.Name]; len(flag.Envs) > 0 && !known && flag.Name != "config" {
				found[flag.Name] = flag
			}
		}
	}
	flags := make([]*kong.Flag, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		flags = append(flags, found[name])
	}
	return flags
}
