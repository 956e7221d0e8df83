package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// credentialForm says how a credential is written.
const credentialForm = "It holds one word, a bearer token, or an object in JSON or YAML with type (bearer, basic, api_key, custom), " +
	"hosts, and the fields of the type."

// readCredentials gives the credentials of --credential: name=@FILE or name=env:VARIABLE. No message says what is
// in them.
func (c *console) readCredentials(given []string) (nodes.StaticCredentials, error) {
	credentials := make(nodes.StaticCredentials, len(given))
	for _, pair := range given {
		name, place, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usage("a --credential is not name=@FILE or name=env:VARIABLE")
		}
		name = human.Line(name)
		if _, twice := credentials[name]; twice {
			return nil, usage("--credential %s is given twice", name)
		}
		text, err := c.credentialText(name, place)
		if err != nil {
			return nil, err
		}
		credential, problem := parseCredential(name, text)
		if problem != "" {
			return nil, usage("the credential %s cannot be used: %s", name, problem)
		}
		credentials[name] = credential
	}
	return credentials, nil
}

func (c *console) credentialText(name, place string) ([]byte, error) {
	if file, ok := strings.CutPrefix(place, "@"); ok {
		return c.read(file, "the credential "+name)
	}
	variable, ok := strings.CutPrefix(place, "env:")
	if !ok {
		// What stands there is perhaps the secret itself.
		return nil, usage("the credential %s is neither @FILE nor env:VARIABLE: a secret on the command line can be seen by others", name)
	}
	text, ok := c.lookupEnv(variable)
	if !ok {
		return nil, usage("the credential %s names the environment variable %s, which is not set", name, human.Line(variable))
	}
	return []byte(text), nil
}

// indirect gives a text that a setting holds, or that stands elsewhere: @FILE or env:VARIABLE.
func (c *console) indirect(text, what string) (string, error) {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		read, err := c.read(file, what)
		return strings.TrimSpace(string(read)), err
	}
	variable, ok := strings.CutPrefix(text, "env:")
	if !ok {
		return text, nil
	}
	value, ok := c.lookupEnv(variable)
	if !ok {
		return "", usage("%s names the environment variable %s, which is not set", what, human.Line(variable))
	}
	return value, nil
}

// parseCredential reads a credential: an object {type, hosts, and the fields of the type} in JSON or YAML, or
// plain text, which is a bearer token.
func parseCredential(name string, text []byte) (credential nodes.Credential, problem string) {
	plain := strings.TrimSpace(string(text))
	if plain == "" {
		return credential, "it is empty"
	}
	var object map[string]any
	err := yaml.Unmarshal(text, &object) // JSON is YAML
	if _, hasType := object["type"]; err == nil && hasType {
		return credentialOf(name, object)
	}
	if strings.HasPrefix(plain, "{") || strings.ContainsFunc(plain, unicode.IsSpace) {
		return credential, "it is neither of what may be: " + credentialForm
	}
	return nodes.Credential{
		Name: name, Type: "bearer", Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret(plain)},
	}, ""
}

// credentialOf makes a credential of an object. Its fields stand beside the type, or below "fields".
func credentialOf(name string, object map[string]any) (credential nodes.Credential, problem string) {
	credential = nodes.Credential{Name: name, Fields: make(map[string]flowforge.Secret)}
	var ok bool
	if credential.Type, ok = object["type"].(string); !ok || credential.Type == "" {
		return credential, "its type is not a text"
	}
	if hosts, given := object["hosts"]; given {
		list, isList := hosts.([]any)
		if !isList {
			return credential, "its hosts are not a list"
		}
		for _, host := range list {
			text, isText := host.(string)
			if !isText {
				return credential, "one of its hosts is not a text"
			}
			credential.Hosts = append(credential.Hosts, text)
		}
	}
	nested, _ := object["fields"].(map[string]any)
	for _, fields := range []map[string]any{object, nested} {
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			if key == "type" || key == "hosts" || key == "name" || key == "fields" {
				continue
			}
			text, isText := fields[key].(string)
			if !isText {
				encoded, err := json.Marshal(fields[key])
				if err != nil {
					return credential, "its field " + human.Line(key) + " cannot be read"
				}
				text = string(encoded)
			}
			credential.Fields[key] = flowforge.NewSecret(text)
		}
	}
	return credential, ""
}
