package vault

import (
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// A Type is a kind of credential, and what is in one.
type Type struct {
	Name   string
	Doc    string
	Fields []Field
	More   bool // it has fields of any other names, too
}

// A Field is one of the fields of a credential.
type Field struct {
	Name     string
	Doc      string
	Required bool
	Open     bool // it is no secret, such as the name of a header
}

// Types gives the types of credentials in the order in which people look for them, see nodes.Credential.
func Types() []Type {
	return []Type{
		{Name: "bearer", Doc: "A token in the header Authorization.", Fields: []Field{
			{Name: "token", Doc: "The token, without the word Bearer.", Required: true},
		}},
		{Name: "basic", Doc: "A user and a password (RFC 7617).", Fields: []Field{
			{Name: "username", Doc: "The user.", Open: true}, {Name: "password", Doc: "The password.", Required: true},
		}},
		{Name: "api_key", Doc: "A key in a header or in the query.", Fields: []Field{
			{Name: "key", Doc: "The key.", Required: true},
			{Name: "header", Doc: "The header that it is sent in; without it and query, X-Api-Key.", Open: true},
			{Name: "query", Doc: "The parameter of the query that it is sent in.", Open: true},
			{Name: "prefix", Doc: "What stands before the key, such as \"Token \".", Open: true},
		}},
		{Name: "hmac", Doc: "A secret that messages are signed with.", Fields: []Field{
			{Name: "secret", Doc: "The secret.", Required: true},
		}},
		{Name: "custom", Doc: "Headers and parameters of the query, written as templates that name other fields: {{name}}.", Fields: []Field{
			{Name: "headers", Doc: "A JSON object of headers.", Open: true},
			{Name: "query", Doc: "A JSON object of parameters.", Open: true},
		}, More: true},
		{Name: "oauth2", Doc: "An access token of OAuth 2.0.", Fields: []Field{
			{Name: "access_token", Doc: "The token.", Required: true},
		}, More: true},
		{Name: "smtp", Doc: "A user of a mail server.", Fields: []Field{
			{Name: "username", Doc: "The user.", Open: true}, {Name: "password", Doc: "The password.", Required: true},
		}, More: true},
		{Name: "database", Doc: "How a database is reached.", Fields: []Field{
			{Name: "url", Doc: "Its address, with user and password.", Required: true},
		}, More: true},
	}
}

// typeNamed finds a type.
func typeNamed(name string) (Type, error) {
	all := Types()
	at := slices.IndexFunc(all, func(t Type) bool { return t.Name == name })
	if at >= 0 {
		return all[at], nil
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return Type{}, flowforge.Errorf(flowforge.CodeInvalidInput, "the type is one of %s", strings.Join(names, ", "))
}

// takes refuses fields that are not those of the type. The errors name none of what is in them.
func (t *Type) takes(fields map[string]flowforge.Secret) error {
	for _, field := range t.Fields {
		if field.Required && fields[field.Name].Reveal() == "" {
			return flowforge.Errorf(flowforge.CodeInvalidInput, "a credential of type %s has the field %s: give it", t.Name, field.Name)
		}
	}
	if t.More {
		return nil
	}
	for name := range fields {
		if !slices.ContainsFunc(t.Fields, func(field Field) bool { return field.Name == name }) {
			return flowforge.Errorf(flowforge.CodeInvalidInput, "a credential of type %s has no other fields than %s", t.Name, t.fieldNames())
		}
	}
	return nil
}

func (t *Type) fieldNames() string {
	names := make([]string, len(t.Fields))
	for i, field := range t.Fields {
		names[i] = field.Name
	}
	return strings.Join(names, ", ")
}
