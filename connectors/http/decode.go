package http

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/nodes"
)

// format says how a body is read.
type format string

const (
	formatAuto   format = "auto"
	formatJSON   format = "json"
	formatText   format = "text"
	formatBinary format = "binary"
)

// decode reads the body of a response. Without a call there is nowhere to keep bytes: they are null.
func decode(ctx context.Context, call *nodes.Call, response *connectors.Response, wanted format) (flowforge.Value, error) {
	contentType := response.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, params = "", nil
	}
	data := response.Body
	if len(data) == 0 {
		return flowforge.Value{}, nil
	}
	switch wanted {
	case formatJSON:
		value, err := parseJSON(data)
		if err != nil {
			return value, nodes.Permanent(flowforge.Errorf(connectors.CodeNotJSON, "%s answered %d with something that is not JSON (%s): %w",
				response.URL.Hostname(), response.Status, contentType, err))
		}
		return value, nil
	case formatText:
		return flowforge.ValueOf(decodeText(data, params["charset"]))
	case formatBinary:
		return keep(ctx, call, contentType, data)
	case formatAuto, "":
	}
	if isJSON(media) {
		if value, err := parseJSON(data); err == nil {
			return value, nil
		}
	}
	if isText(media) || media == "" {
		if text := decodeText(data, params["charset"]); utf8.ValidString(text) && !strings.Contains(text, "\x00") {
			return flowforge.ValueOf(text)
		}
	}
	return keep(ctx, call, contentType, data)
}

func keep(ctx context.Context, call *nodes.Call, contentType string, data []byte) (flowforge.Value, error) {
	if call == nil {
		return flowforge.Value{}, nil
	}
	kept, err := newFile(ctx, call, contentType, data)
	if err != nil {
		return flowforge.Value{}, err
	}
	return flowforge.ValueOf(kept)
}

func parseJSON(data []byte) (flowforge.Value, error) {
	return flowforge.ParseValue(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

func isText(media string) bool {
	return strings.HasPrefix(media, "text/") || isJSON(media) || strings.HasSuffix(media, "+xml") ||
		isOneOf(media, "application/xml", "application/javascript", "application/x-www-form-urlencoded",
			"application/x-ndjson", "application/yaml", "application/graphql", "image/svg+xml")
}

// decodeText reads text in the charset that the service names; without one, or one that is unknown, as UTF-8.
func decodeText(data []byte, charset string) string {
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		if encoding, err := htmlindex.Get(charset); err == nil {
			if plain, err := encoding.NewDecoder().Bytes(data); err == nil {
				return string(plain)
			}
		}
	}
	return string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}

// pageOf reads the body of a page, which is JSON.
func pageOf(response *connectors.Response, page int) (flowforge.Value, error) {
	value, err := parseJSON(response.Body)
	if err != nil && len(bytes.TrimSpace(response.Body)) > 0 {
		return value, nodes.Permanent(flowforge.Errorf(connectors.CodeNotJSON,
			"page %d of %s is not JSON: %w", page, response.URL.Hostname(), err))
	}
	return value, nil
}

// textOf writes a cursor or page number as it goes into a query; null, true and false are none.
func textOf(x any) string {
	switch x := x.(type) {
	case nil, bool:
		return ""
	case string:
		return x
	}
	return fmt.Sprint(x)
}
