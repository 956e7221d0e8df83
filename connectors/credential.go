package connectors

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// CodeHost is the code of a credential that may not be sent to the host of a request.
const CodeHost flowforge.Code = "credential_host"

// The types of credentials that are put on HTTP requests, and their fields.
const (
	TypeAPIKey = "api_key" // key; header or query (a name), prefix
	TypeBasic  = "basic"   // username, password
	TypeBearer = "bearer"  // token
	TypeOAuth2 = "oauth2"  // access_token
	TypeCustom = "custom"  // headers and query: JSON objects of templates, in which {{name}} is the field of that name
)

// KeyPlace says where a service wants its API key.
type KeyPlace struct {
	Header string // name of a header
	Query  string // name of a query parameter
	Prefix string // before the key, such as "Token "
}

// injection is what a credential adds to a request.
type injection struct {
	headers, query map[string]string
}

// newInjection reads a credential for a request to target; a credential that may not go there is an error.
func newInjection(credential *nodes.Credential, place KeyPlace, target *url.URL) (*injection, error) {
	if !mayGoTo(credential.Hosts, target) {
		return nil, flowforge.Errorf(CodeHost, "the credential %q may not be sent to %s: its hosts are %s",
			credential.Name, target.Host, strings.Join(credential.Hosts, ", "))
	}
	return readCredential(credential, place)
}

func readCredential(credential *nodes.Credential, place KeyPlace) (*injection, error) {
	fields := fieldsOf{credential}
	added := &injection{headers: map[string]string{}, query: map[string]string{}}
	var err error
	switch credential.Type {
	case TypeAPIKey:
		err = added.addKey(fields, place)
	case TypeBasic:
		var password string
		if password, err = fields.need("password"); err == nil {
			request := http.Request{Header: http.Header{}}
			request.SetBasicAuth(fields.get("username"), password)
			added.headers["Authorization"] = request.Header.Get("Authorization")
		}
	case TypeBearer:
		err = added.addBearer(fields, "token")
	case TypeOAuth2:
		err = added.addBearer(fields, "access_token")
	case TypeCustom:
		if err = fields.render("headers", added.headers); err == nil {
			err = fields.render("query", added.query)
		}
	default:
		err = flowforge.Errorf(flowforge.CodeCredential, "the credential %q is of type %q, which cannot be put on an HTTP request",
			credential.Name, credential.Type)
	}
	return added, err
}

func (i *injection) addKey(fields fieldsOf, place KeyPlace) error {
	key, err := fields.need("key")
	if err != nil {
		return err
	}
	header, query, prefix := fields.get("header"), fields.get("query"), fields.get("prefix")
	if header == "" && query == "" {
		header, query = place.Header, place.Query
		prefix = first(prefix, place.Prefix)
	}
	switch {
	case query != "":
		i.query[query] = prefix + key
	case header != "":
		i.headers[header] = prefix + key
	default:
		i.headers["X-Api-Key"] = prefix + key
	}
	return nil
}

func (i *injection) addBearer(fields fieldsOf, name string) error {
	token, err := fields.need(name)
	if err == nil {
		i.headers["Authorization"] = "Bearer " + token
	}
	return err
}

// apply puts the credential on one hop.
func (i *injection) apply(hop *http.Request) error {
	for name, value := range i.headers {
		hop.Header.Set(name, value)
	}
	if len(i.query) > 0 {
		query := hop.URL.Query()
		for name, value := range i.query {
			query.Set(name, value)
		}
		hop.URL.RawQuery = query.Encode()
	}
	return nil
}

// fieldsOf reads the fields of a credential.
type fieldsOf struct{ credential *nodes.Credential }

func (f fieldsOf) get(name string) string { return f.credential.Fields[name].Reveal() }

func (f fieldsOf) need(name string) (string, error) {
	if text := f.get(name); text != "" {
		return text, nil
	}
	return "", flowforge.Errorf(flowforge.CodeCredential, "the credential %q of type %s has no %s",
		f.credential.Name, f.credential.Type, name)
}

// render reads a JSON object of templates and fills them in.
func (f fieldsOf) render(name string, into map[string]string) error {
	text := f.get(name)
	if text == "" {
		return nil
	}
	var templates map[string]string
	if json.Unmarshal([]byte(text), &templates) != nil {
		return flowforge.Errorf(flowforge.CodeCredential, "the field %q of the credential %q is not a JSON object of strings",
			name, f.credential.Name)
	}
	placeholder := regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)
	for key, template := range templates {
		missing := ""
		into[key] = placeholder.ReplaceAllStringFunc(template, func(match string) string {
			field := placeholder.FindStringSubmatch(match)[1]
			if _, found := f.credential.Fields[field]; !found {
				missing = field
			}
			return f.get(field)
		})
		if missing != "" {
			return flowforge.Errorf(flowforge.CodeCredential, "the template %q of the credential %q uses %q, which it has not",
				key, f.credential.Name, missing)
		}
	}
	return nil
}

// mayGoTo reports whether one of the hosts is the URL's: "api.example.com" (on the scheme's own port),
// "api.example.com:8443" or "*.example.com". No hosts: any.
func mayGoTo(hosts []string, target *url.URL) bool {
	if len(hosts) == 0 {
		return true
	}
	own := "80"
	if target.Scheme == "https" {
		own = "443"
	}
	port := first(target.Port(), own)
	name := strings.ToLower(target.Hostname())
	for _, entry := range hosts {
		host, wanted := strings.ToLower(entry), own
		if h, p, err := net.SplitHostPort(host); err == nil {
			host, wanted = h, p
		}
		host = strings.Trim(host, "[]")
		domain, isWildcard := strings.CutPrefix(host, "*")
		isHost := name == host || isWildcard && strings.HasPrefix(domain, ".") && strings.HasSuffix(name, domain)
		if isHost && port == wanted {
			return true
		}
	}
	return false
}
