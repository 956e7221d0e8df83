// Package redact takes secrets out of what nodes leave behind, however they are written there (S19): as they are, within
// JSON, percent-encoded, in base64 at any offset, or in hexadecimal.
package redact

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// Mark is what stands where a secret stood.
const Mark = "[redacted]"

// shortest is from how many octets on a secret is looked for: shorter ones stand in too much that has nothing to do
// with them.
const shortest = 6

// openFields are the fields of credentials that are no secrets.
var openFields = []string{"username", "header", "headers", "query", "prefix"}

// A Set is secrets that are looked for. Its zero value has none; its methods may be called from many goroutines.
type Set struct {
	mu       sync.Mutex
	forms    map[string]bool // of all secrets
	longest  int
	replacer *strings.Replacer // of the forms, the longest first; nil: to be made
}

// Add looks for the fields of a credential from now on.
func (s *Set) Add(credential nodes.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, field := range credential.Fields {
		if slices.Contains(openFields, name) {
			continue
		}
		secret := field.Reveal()
		s.add(secret)
		if at, err := url.Parse(secret); err == nil && at.User != nil {
			password, _ := at.User.Password()
			s.add(password)
		}
	}
}

// Text gives a text without secrets.
func (s *Set) Text(text string) string {
	replacer, _ := s.ready()
	if replacer == nil {
		return text
	}
	return replacer.Replace(text)
}

// Value gives a value without secrets: it is the same one where it has none.
func (s *Set) Value(value flowforge.Value) flowforge.Value {
	replacer, _ := s.ready()
	if replacer == nil || value.IsNull() {
		return value
	}
	cleaned, changed := clean(replacer, value.Any())
	if !changed {
		return value
	}
	return flowforge.MustValue(cleaned) // it was a value, and is shorter or has marks
}

// Ports gives outputs without secrets.
func (s *Set) Ports(ports flowforge.Ports) flowforge.Ports {
	cleaned := ports
	for i, out := range ports {
		value := s.Value(out.Value)
		if value.Same(out.Value) {
			continue
		}
		cleaned = slices.Clone(cleaned) // others may hold them
		cleaned[i].Value = value
	}
	return cleaned
}

// add looks for a secret.
func (s *Set) add(secret string) {
	if len(secret) < shortest {
		return
	}
	if s.forms == nil {
		s.forms = make(map[string]bool)
	}
	for _, form := range formsOf(secret) {
		s.forms[form] = true
		s.longest = max(s.longest, len(form))
	}
	s.replacer = nil
}

// ready gives what replaces, or nil where there is nothing to look for.
func (s *Set) ready() (replacer *strings.Replacer, longest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replacer == nil && len(s.forms) > 0 {
		forms := slices.SortedFunc(maps.Keys(s.forms), func(a, b string) int {
			return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
		})
		pairs := make([]string, 0, 2*len(forms))
		for _, form := range forms {
			pairs = append(pairs, form, Mark)
		}
		s.replacer = strings.NewReplacer(pairs...)
	}
	return s.replacer, s.longest
}
