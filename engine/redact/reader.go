package redact

import (
	"errors"
	"io"
	"strings"
)

// Reader gives what another one gives, without secrets, also where they stand on the border of two reads.
func (s *Set) Reader(from io.Reader) io.Reader {
	replacer, longest := s.ready()
	if replacer == nil {
		return from
	}
	return &reader{from: from, replacer: replacer, forms: s.list(), longest: longest}
}

// list gives the forms that are looked for.
func (s *Set) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	forms := make([]string, 0, len(s.forms))
	for form := range s.forms {
		forms = append(forms, form)
	}
	return forms
}

type reader struct {
	from     io.Reader
	replacer *strings.Replacer
	forms    []string
	longest  int

	held  []byte // read, and perhaps the beginning of a secret
	clean string // to be given
	err   error
}

// chunk is how much is read at a time.
const chunk = 32 << 10

// Read implements io.Reader.
func (r *reader) Read(into []byte) (int, error) {
	for r.clean == "" {
		if r.err != nil && len(r.held) == 0 {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(into, r.clean)
	r.clean = r.clean[n:]
	return n, nil
}

// fill reads more, and cleans what no secret can begin in any more.
func (r *reader) fill() {
	if r.err == nil {
		more := make([]byte, chunk)
		n, err := r.from.Read(more)
		r.held = append(r.held, more[:n]...)
		r.err = err
	}
	cut := len(r.held)
	if r.err == nil {
		cut = r.before(len(r.held) - r.longest + 1)
	} else if !errors.Is(r.err, io.EOF) {
		cut = 0 // what may be half of a secret is not given
		r.held = nil
	}
	if cut > 0 {
		r.clean = r.replacer.Replace(string(r.held[:cut]))
		r.held = append([]byte(nil), r.held[cut:]...)
	}
}

// before moves a place to cut at before all secrets that it would cut in two.
func (r *reader) before(cut int) int {
	for moved := true; moved && cut > 0; {
		moved = false
		for _, form := range r.forms {
			from, to := max(0, cut-len(form)+1), min(len(r.held), cut+len(form)-1)
			if at := strings.Index(string(r.held[from:to]), form); at >= 0 {
				cut, moved = from+at, true
			}
		}
	}
	return max(cut, 0)
}
