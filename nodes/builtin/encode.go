package builtin

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// The encodings of bytes as text.
const (
	encodingText      = "text"
	encodingHex       = "hex"
	encodingBase64    = "base64"
	encodingBase64URL = "base64url"
	encodingURL       = "url"
)

type encodeParams struct {
	Action   string           `json:"action" jsonschema:"enum=encode,enum=decode" jsonschema_description:"encode or decode."`
	Encoding string           `json:"encoding" jsonschema:"enum=base64,enum=base64url,enum=hex,enum=url" jsonschema_description:"base64 (RFC 4648), base64url (the same for URLs, without padding), hex, or url (percent-encoding of one part of a query)."`
	Text     *flowforge.Value `json:"text,omitempty" jsonschema:"type=string" jsonschema_description:"The text to work on. Without it: the input."`
}

func runEncode(_ context.Context, call *nodes.Call, p encodeParams) (flowforge.Value, error) {
	text, err := givenText(call, "text", p.Text)
	if err != nil {
		return flowforge.Value{}, err
	}
	switch p.Action {
	case "encode":
		encoded, err := encodeBytes([]byte(text), p.Encoding)
		if err != nil {
			return flowforge.Value{}, err
		}
		return freeze(encoded)
	case "decode":
		decoded, err := decodeBytes(text, p.Encoding)
		if err != nil {
			return flowforge.Value{}, err
		}
		if !utf8.Valid(decoded) {
			return flowforge.Value{}, refuse(codeInvalidData,
				"what %s holds is not text (UTF-8) but %d bytes of something else: keep it encoded", p.Encoding, len(decoded))
		}
		return freeze(string(decoded))
	}
	return flowforge.Value{}, noAction(p.Action, "encode", "decode")
}

func encodeBytes(data []byte, encoding string) (string, error) {
	switch encoding {
	case encodingHex:
		return hex.EncodeToString(data), nil
	case encodingBase64:
		return base64.StdEncoding.EncodeToString(data), nil
	case encodingBase64URL:
		return base64.RawURLEncoding.EncodeToString(data), nil
	case encodingURL:
		return url.QueryEscape(string(data)), nil
	}
	return "", refuse(flowforge.CodeInvalidParams, "there is no encoding %q", encoding)
}

// decodeBytes takes base64 in any of its forms: with and without padding, broken into lines.
func decodeBytes(text, encoding string) ([]byte, error) {
	var data []byte
	var err error
	switch encoding {
	case encodingText:
		return []byte(text), nil
	case encodingHex:
		data, err = hex.DecodeString(strings.TrimSpace(text))
	case encodingBase64:
		data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
	case encodingBase64URL:
		data, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
	case encodingURL:
		var plain string
		plain, err = url.QueryUnescape(text)
		data = []byte(plain)
	default:
		return nil, refuse(flowforge.CodeInvalidParams, "there is no encoding %q", encoding)
	}
	if err != nil {
		return nil, refuse(codeInvalidData, "the text %q is not %s: %w", shorten(text), encoding, err)
	}
	return data, nil
}

func encodeType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.encode", Version: 1, Title: "Encode", Category: categoryData, Icon: "binary", Kind: nodes.Pure,
		Doc: "Encodes text as base64, hex or for URLs, and decodes it.\n\n" +
			"Text is UTF-8. What is decoded must be text too, since values hold no bytes.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The text, encoded or decoded."}},
		Output:  flowforge.MustValue(map[string]any{"type": "string"}),
		Examples: []nodes.Example{
			{
				Title:  "To base64",
				Params: flowforge.MustValue(map[string]any{"action": "encode", "encoding": encodingBase64}),
				Input:  flowforge.MustValue("naïve"),
				Want:   flowforge.Out(flowforge.MustValue("bmHDr3Zl")),
			},
			{
				Title:  "From a URL",
				Params: flowforge.MustValue(map[string]any{"action": "decode", "encoding": encodingURL, "text": "{{ input.q }}"}),
				Input:  flowforge.MustValue(map[string]any{"q": "a+b%26c"}),
				Want:   flowforge.Out(flowforge.MustValue("a b&c")),
			},
		},
	}, runEncode)
}
