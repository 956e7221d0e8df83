package rest

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

type requestKey struct{}

// requestIDOf gives the ID of the request that a context is of.
func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// Handler answers requests: whatever happens to one, it has an ID, the security headers and a line in the log.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := s.NewRequestID()
		ctx := context.WithValue(r.Context(), requestKey{}, id)
		r = r.WithContext(auth.WithClient(ctx, auth.Client{Address: s.address(r), Agent: agentOf(r), Request: id}))
		seen := &recorder{ResponseWriter: w}
		s.secure(seen.Header())
		seen.Header().Set("X-Request-ID", id)
		began := time.Now()
		defer func() { //nolint:contextcheck // The request has its context.
			if p := recover(); p != nil {
				s.recovered(seen, r, p)
			}
			s.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", id),
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", seen.status),
				slog.Int64("bytes", seen.bytes), slog.Duration("took", time.Since(began)))
		}()
		s.route(seen, r)
	})
}

// route hands a request to its route, by its path as it is written below the prefix.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	below, ok := strings.CutPrefix(path, s.Prefix)
	if !ok || !strings.HasPrefix(below, "/") {
		s.notFound(w, r)
		return
	}
	inner := new(http.Request)
	*inner = *r
	inner.URL = new(url.URL)
	*inner.URL = *r.URL
	inner.URL.Path, inner.URL.RawPath = below, ""
	s.router.ServeHTTP(w, inner)
}

// recovered answers a request whose handler panicked.
func (s *Server) recovered(w *recorder, r *http.Request, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // It is thrown as it is.
		panic(p)
	}
	s.Logger.ErrorContext(r.Context(), "a handler panicked",
		"request_id", requestIDOf(r.Context()), "panic", p, "stack", string(debug.Stack()))
	if w.status == 0 {
		s.refuse(w, r, flowforge.Errorf(CodeInternal, "a handler panicked"))
	}
}

// secure sets the headers that every answer has.
func (s *Server) secure(headers http.Header) {
	headers.Set("X-Content-Type-Options", "nosniff")
	headers.Set("X-Frame-Options", "DENY")
	headers.Set("Referrer-Policy", "no-referrer")
	headers.Set("Cache-Control", "no-store")
	headers.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	headers.Set("Cross-Origin-Opener-Policy", "same-origin")
	headers.Set("Cross-Origin-Resource-Policy", "same-origin")
	headers.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if strings.HasPrefix(s.PublicURL, "https:") {
		headers.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts bytes.
func (r *recorder) Write(text []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(text)
	r.bytes += int64(n)
	return n, err
}

// Unwrap gives http.ResponseController the writer underneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
