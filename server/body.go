package server

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

const (
	mediaJSON  = "application/json"
	mediaPatch = "application/merge-patch+json"
	mediaYAML  = "application/yaml"
)

// maxBodyDepth bounds the nesting of a body.
const maxBodyDepth = 64

func (b *body) types() []string {
	if b.media == nil {
		return []string{mediaJSON}
	}
	return b.media
}

// readBody reads the body of a request, at most as much as the route takes.
func (s *service) readBody(w http.ResponseWriter, r *http.Request, to route) (text []byte, media string, err error) {
	limit := to.body.limit
	if limit == 0 {
		limit = s.Limits.Body
	}
	text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, "", flowforge.Errorf(codeTooLarge, "the body is larger than %d bytes", limit)
	}
	if err != nil {
		return nil, "", flowforge.Errorf(codeBadRequest, "the body could not be read to its end")
	}
	if len(text) == 0 {
		if to.body.optional {
			return nil, "", nil
		}
		return nil, "", flowforge.Errorf(codeBadRequest, "the request has no body: send %s", to.body.types()[0])
	}
	media = mediaJSON
	if given := r.Header.Get("Content-Type"); given != "" {
		if media, _, err = mime.ParseMediaType(given); err != nil || !slices.Contains(to.body.types(), media) {
			return nil, "", flowforge.Errorf(codeMediaType, "send the body with the header Content-Type: %s",
				strings.Join(to.body.types(), " or "))
		}
	}
	return text, media, nil
}

// decode reads a body strictly: what its schema does not know, or what stands twice, is refused.
func (s *service) decode(c *call, b *body, into any) error {
	if len(c.body) == 0 {
		return nil
	}
	if reader, ok := into.(interface {
		read(text []byte, media string) error
	}); ok {
		return reader.read(c.body, c.media)
	}
	data, err := strictJSON(c.body)
	if err != nil {
		return err
	}
	registry := s.api.OpenAPI().Components.Schemas
	result := &huma.ValidateResult{}
	huma.Validate(registry, b.schema, huma.NewPathBuffer([]byte("body"), len("body")), huma.ModeWriteToServer, data, result)
	if len(result.Errors) > 0 {
		return invalid(faultsOf(result.Errors))
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable makes an error of one that encoding/json gave. It never says what it could not read.
func unreadable(err error) error {
	if problems := flowforge.ProblemsOf(err); problems != nil {
		return err
	}
	fault := Fault{Code: "bad_value", Message: "a value in the body cannot be read as what it must be"}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mismatch.Field != "" {
		fault.Pointer = "/" + strings.ReplaceAll(mismatch.Field, ".", "/")
		fault.Message = "this has the wrong type or is out of range"
	}
	return invalid([]Fault{fault})
}

// strictJSON reads one JSON value and nothing after it, with no key twice in an object.
func strictJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, flowforge.Errorf(codeBadRequest, "the body is not UTF-8")
	}
	reader := strictReader{decoder: json.NewDecoder(bytes.NewReader(text))}
	reader.decoder.UseNumber()
	data, err := reader.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := reader.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, flowforge.Errorf(codeBadRequest, "there is something after the JSON value of the body")
	}
	return data, nil
}

type strictReader struct{ decoder *json.Decoder }

func (r *strictReader) value(pointer string, depth int) (any, error) {
	if depth > maxBodyDepth {
		return nil, flowforge.Errorf(codeBadRequest, "the body is nested more deeply than %d levels", maxBodyDepth)
	}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, flowforge.Errorf(codeBadRequest, "the body is not JSON, from byte %d on", r.decoder.InputOffset())
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
			return nil, invalid([]Fault{{Pointer: pointer, Code: "bad_value", Message: "the number is out of range"}})
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
			return nil, flowforge.Errorf(codeBadRequest, "the body is not JSON, from byte %d on", r.decoder.InputOffset())
		}
		key, _ := token.(string)
		at := pointer + "/" + flowforge.EscapePointer(key)
		if _, twice := object[key]; twice {
			return nil, invalid([]Fault{{Pointer: at, Code: "duplicate_field", Message: "the field is given more than once"}})
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
		return flowforge.Errorf(codeBadRequest, "the body is not JSON, from byte %d on", r.decoder.InputOffset())
	}
	return nil
}

// anyJSON is how the document describes a flowforge.Value.
type anyJSON struct{}

// Schema allows everything.
func (anyJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Any JSON value."}
}

// durationText is how the document describes a flowforge.Duration.
type durationText struct{}

// Schema allows text; what it must be like is found when it is read.
func (durationText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "A duration: `500ms`, `30s`, `1h30m`, `7d`.", Examples: []any{"30s"}}
}

// aliases make the document say of types what their JSON is.
func aliases(registry huma.Registry) {
	registry.RegisterTypeAlias(reflect.TypeFor[flowforge.Value](), reflect.TypeFor[anyJSON]())
	registry.RegisterTypeAlias(reflect.TypeFor[flowforge.Duration](), reflect.TypeFor[durationText]())
	registry.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[documentView]())
}
