package connectors

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// CodeNotJSON is the code of a response that should be JSON and is not.
const CodeNotJSON flowforge.Code = "response_not_json"

// Response is what a service answered, secrets taken out.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // of the last hop, without what a credential added

	at time.Time // when it came
}

// Value reads the body as JSON; an empty body is null. An error has CodeNotJSON.
func (r *Response) Value() (flowforge.Value, error) {
	if len(strings.TrimSpace(string(r.Body[:min(len(r.Body), 64)]))) == 0 && len(r.Body) <= 64 {
		return flowforge.Value{}, nil
	}
	value, err := flowforge.ParseValue(r.Body)
	if err != nil {
		return flowforge.Value{}, flowforge.Errorf(CodeNotJSON, "%s answered something that is not JSON: %w", r.URL.Hostname(), err)
	}
	return value, nil
}

// JSON reads the body into a Go variable, as encoding/json does. An error has CodeNotJSON.
func (r *Response) JSON(into any) error {
	value, err := r.Value()
	if err != nil {
		return err
	}
	if err := value.Decode(into); err != nil {
		return flowforge.Errorf(CodeNotJSON, "%s answered JSON of an unexpected form: %w", r.URL.Hostname(), err)
	}
	return nil
}

// Failed gives an error where the status says failure, nil where it does not. Its code is the given one; its
// details are status, code, message and request_id as far as the service says them, retryable, and what more
// holds. It is Permanent for a status that would be the same again, and has the service's Retry-After.
func (r *Response) Failed(code flowforge.Code, more map[string]any) error {
	if r.Status < http.StatusBadRequest {
		return nil
	}
	said := saidBy(r.Body)
	retryable := retryable(r.Status)
	details := map[string]any{"status": r.Status, "retryable": retryable}
	for key, text := range map[string]string{"code": said.code, "message": said.message, "request_id": requestID(r.Header)} {
		if text != "" {
			details[key] = text
		}
	}
	maps.Copy(details, more)
	frozen, err := flowforge.Freeze(details)
	if err != nil {
		frozen = flowforge.MustValue(map[string]any{"status": r.Status, "retryable": retryable})
	}
	sentence := r.URL.Hostname() + " answered " + strconv.Itoa(r.Status)
	if text := http.StatusText(r.Status); text != "" {
		sentence += " " + text
	}
	if said.message != "" {
		sentence += ": " + said.message
	}
	failed := nodes.Failed(code, frozen, "%s", sentence)
	if !retryable {
		return nodes.Permanent(failed)
	}
	if wait := r.RetryAfter(); wait > 0 {
		return nodes.RetryAfter(failed, wait)
	}
	return failed
}

// retryable reports whether a status may be another one the next time (RFC 9110, 15; RFC 6585; RFC 8470).
func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// maxRetryAfter bounds what a service can make us wait.
const maxRetryAfter = 24 * time.Hour

// RetryAfter gives how long the service asks to be left alone (RFC 9110, 10.2.3): seconds or a date, which is
// compared with the response's own; 0 where it does not ask.
func (r *Response) RetryAfter() time.Duration {
	text := strings.TrimSpace(r.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		now = r.at
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}

// requestID finds the identity that a service gave the request, for its support to look up.
func requestID(header http.Header) string {
	for _, name := range []string{
		"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "X-Trace-Id", "Cf-Ray",
	} {
		if id := header.Get(name); id != "" {
			return clip(id, 200)
		}
	}
	return ""
}

// said is what the body of a failure says.
type said struct{ code, message string }

// saidBy reads the usual forms of an error: {"error": {"code", "message"}}, {"error": "code",
// "error_description"}, {"errors": [{...}]}, {"message", "code"} and problem+json (RFC 9457).
func saidBy(body []byte) said {
	value, err := flowforge.ParseValue(body)
	if err != nil {
		return said{}
	}
	object, _ := value.Any().(map[string]any)
	outer := saidIn(object)
	inner := object["error"]
	if list, ok := object["errors"].([]any); ok && len(list) > 0 {
		inner = list[0]
	}
	switch inner := inner.(type) {
	case map[string]any:
		within := saidIn(inner)
		return said{first(within.code, outer.code), first(within.message, outer.message)}
	case string:
		if outer.message == "" {
			return said{outer.code, clip(inner, maxSaid)}
		}
		return said{first(outer.code, clip(inner, maxSaid)), outer.message}
	}
	return outer
}

const maxSaid = 300

func saidIn(object map[string]any) said {
	pick := func(keys ...string) string {
		for _, key := range keys {
			switch value := object[key].(type) {
			case string:
				return clip(value, maxSaid)
			case int64:
				return strconv.FormatInt(value, 10)
			}
		}
		return ""
	}
	return said{
		code:    pick("code", "error_code", "type", "id"),
		message: pick("message", "error_description", "detail", "details", "error_message", "title", "description"),
	}
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// clip shortens text to a number of bytes, whole characters.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}
