package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
)

// The media types of bodies.
const (
	MediaJSON  = "application/json"
	MediaPatch = "application/merge-patch+json"
	MediaYAML  = "application/yaml"
)

// maxBodyDepth bounds the nesting of a body.
const maxBodyDepth = 64

// Types gives the media types that are taken.
func (b *Body) Types() []string {
	if b.Media == nil {
		return []string{MediaJSON}
	}
	return b.Media
}

// readBody reads the body of a request, at most as much as the route takes.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, to Route) (text []byte, media string, err error) {
	limit := to.Body.Limit
	if limit == 0 {
		limit = s.MaxBody
	}
	text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, "", flowforge.Errorf(CodeTooLarge, "the body is larger than %d bytes", limit)
	}
	if err != nil {
		return nil, "", flowforge.Errorf(CodeBadRequest, "the body could not be read to its end")
	}
	if len(text) == 0 {
		if to.Body.Optional {
			return nil, "", nil
		}
		return nil, "", flowforge.Errorf(CodeBadRequest, "the request has no body: send %s", to.Body.Types()[0])
	}
	media = MediaJSON
	if given := r.Header.Get("Content-Type"); given != "" {
		if media, _, err = mime.ParseMediaType(given); err != nil || !slices.Contains(to.Body.Types(), media) {
			return nil, "", flowforge.Errorf(CodeMediaType, "send the body with the header Content-Type: %s",
				strings.Join(to.Body.Types(), " or "))
		}
	}
	return text, media, nil
}

// decode reads a body strictly: what its schema does not know, or what stands twice, is refused.
func (s *Server) decode(c *Call, b *Body, into any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if reader, ok := into.(interface {
		ReadBody(text []byte, media string) error
	}); ok {
		return reader.ReadBody(c.Body, c.media)
	}
	data, err := StrictJSON(c.Body)
	if err != nil {
		return err
	}
	registry := s.api.OpenAPI().Components.Schemas
	result := &huma.ValidateResult{}
	huma.Validate(registry, b.schema, huma.NewPathBuffer([]byte("body"), len("body")), huma.ModeWriteToServer, data, result)
	if len(result.Errors) > 0 {
		return Invalid(faultsOf(result.Errors))
	}
	if err := json.Unmarshal(c.Body, into); err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable makes an error of one that encoding/json gave. It never says what it could not read.
func unreadable(err error) error {
	if problems := flowforge.ProblemsOf(err); problems != nil {
		return err
	}
	fault := Fault{Code: badValue, Message: "a value in the body cannot be read as what it must be"}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mismatch.Field != "" {
		fault.Pointer = "/" + strings.ReplaceAll(mismatch.Field, ".", "/")
		fault.Message = "this has the wrong type or is out of range"
	}
	return Invalid([]Fault{fault})
}

// StrictJSON reads one JSON value and nothing after it, with no key twice in an object.
func StrictJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, flowforge.Errorf(CodeBadRequest, "the body is not UTF-8")
	}
	reader := strictReader{decoder: json.NewDecoder(bytes.NewReader(text))}
	reader.decoder.UseNumber()
	data, err := reader.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := reader.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, flowforge.Errorf(CodeBadRequest, "there is something after the JSON value of the body")
	}
	return data, nil
}

type strictReader struct{ decoder *json.Decoder }

func (r *strictReader) value(pointer string, depth int) (any, error) {
	if depth > maxBodyDepth {
		return nil, flowforge.Errorf(CodeBadRequest, "the body is nested more deeply than %d levels", maxBodyDepth)
	}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, flowforge.Errorf(CodeBadRequest, "the body is not JSON, from byte %d on", r.decoder.InputOffset())
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return r.object(pointer, depth)
		}
		return r.list(pointer, depth)
	case json.Number:
		number, err := strconv.ParseFloat(token.String(), 64)
		if err != nil {
			return nil, Invalid([]Fault{{Pointer: pointer, Code: badValue, Message: "the number is out of range"}})
		}
		return number, nil
	default:
		return token, nil
	}
}

func (r *strictReader) object(pointer string, depth int) (any, error) {
	object := make(map[string]any)
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, flowforge.Errorf(CodeBadRequest, "the body is not JSON, from byte %d on", r.decoder.InputOffset())
		}
		key, _ := token.(string)
		at := pointer + "/" + flowforge.EscapePointer(key)
		if _, twice := object[key]; twice {
			return nil, Invalid([]Fault{{Pointer: at, Code: "duplicate_field", Message: "the field is given more than once"}})
		}
		if object[key], err = r.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	return object, r.end()
}

func (r *strictReader) list(pointer string, depth int) (any, error) {
	list := []any{}
	for r.decoder.More() {
		item, err := r.value(pointer+"/"+strconv.Itoa(len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, r.end()
}

func (r *strictReader) end() error {
	if _, err := r.decoder.Token(); err != nil {
		return flowforge.Errorf(CodeBadRequest, "the body is not JSON, from byte %d on", r.decoder.InputOffset())
	}
	return nil
}

// anyJSON is how the document describes a flowforge.Value.
type anyJSON struct{}

// Schema allows everything.
func (anyJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Any JSON value."}
}

// DurationText is how the document describes a flowforge.Duration.
type DurationText struct{}

// Schema allows text; what it must be like is found when it is read.
func (DurationText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A duration: `500ms`, `30s`, `1h30m`, `7d`.", Examples: []any{"30s"}}
}

// aliases make the document say of types what their JSON is.
func aliases(registry huma.Registry) {
	registry.RegisterTypeAlias(reflect.TypeFor[flowforge.Value](), reflect.TypeFor[anyJSON]())
	registry.RegisterTypeAlias(reflect.TypeFor[flowforge.Duration](), reflect.TypeFor[DurationText]())
	registry.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[documentView]())
}
