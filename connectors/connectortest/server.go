// Package connectortest is what every connector's test uses: a fake service that records requests and speaks
// scripted answers, a client that may reach it, a host that runs node types, and Conform, the checks that every
// connector passes. It is for tests only.
package connectortest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/connectors/egress"
)

// Request is a request as the service got it.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
}

// JSON gives the body in the form of encoding/json, or nil.
func (r Request) JSON() any {
	var value any
	if json.Unmarshal(r.Body, &value) != nil {
		return nil
	}
	return value
}

// Answer is what the service says. The zero Answer is an empty 200.
type Answer struct {
	Status int               // 0: 200
	Header map[string]string // X-RateLimit-Remaining, Link, Retry-After ...
	JSON   any               // the body, as JSON; nil: Body
	Body   string

	Wait <-chan struct{} // the answer comes once it is closed, or the client has gone; nil: at once
	Drop bool            // the connection is broken instead
}

// Server is a fake service. It is closed with the test.
type Server struct {
	URL string

	t        *testing.T
	mu       sync.Mutex
	answers  []Answer
	handler  func(Request) Answer
	requests []Request
	arrived  chan Request
}

// NewServer starts a service that gives the answers in order, and the last one again and again.
func NewServer(t *testing.T, answers ...Answer) *Server {
	t.Helper()
	s := &Server{t: t, answers: answers, arrived: make(chan Request, 1000)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// NewHandler starts a service that answers by a function.
func NewHandler(t *testing.T, handler func(Request) Answer) *Server {
	t.Helper()
	s := NewServer(t)
	s.handler = handler
	return s
}

// ServeHTTP records a request and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("read the request: %v", err)
	}
	request := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header, Body: body}
	answer := s.answer(request)
	if answer.Wait != nil {
		select {
		case <-answer.Wait:
		case <-r.Context().Done():
		}
	}
	if answer.Drop {
		panic(http.ErrAbortHandler)
	}
	answer.write(w)
}

// Requests gives the requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Arrived gives each request as it arrives, for tests that act while one is under way.
func (s *Server) Arrived() <-chan Request { return s.arrived }

func (s *Server) answer(request Request) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	select {
	case s.arrived <- request:
	default:
	}
	if s.handler != nil {
		return s.handler(request)
	}
	if len(s.answers) == 0 {
		return Answer{}
	}
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return answer
}

func (a Answer) write(w http.ResponseWriter) {
	body := []byte(a.Body)
	if a.JSON != nil {
		var err error
		if body, err = json.Marshal(a.JSON); err != nil {
			body = []byte(err.Error())
		}
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if a.Status != 0 {
		w.WriteHeader(a.Status)
	}
	_, _ = w.Write(body)
}

// NewClient makes a client that may reach servers of this machine.
func NewClient(t *testing.T) *connectors.Client {
	t.Helper()
	return NewClientWith(t, egress.Policy{Allow: []egress.Rule{{Range: netip.MustParsePrefix("127.0.0.0/8")}}})
}

// NewClientWith makes a client of a policy.
func NewClientWith(t *testing.T, policy egress.Policy) *connectors.Client {
	t.Helper()
	guard, err := egress.New(policy)
	require.NoError(t, err)
	t.Cleanup(guard.Close)
	return connectors.New(guard)
}
