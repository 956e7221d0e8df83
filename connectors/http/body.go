package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/nodes"
)

const (
	octets   = "application/octet-stream"
	maxSmall = 64 << 10 // bytes above which a body is kept as a blob
	maxBody  = 64 << 20 // bytes of a request's body
)

// file is bytes in a value: base64 while they are few, a blob otherwise. What http.request puts out can be put
// in as it is.
type file struct {
	ContentType string `json:"content_type,omitempty" jsonschema_description:"What the bytes are, such as image/png."`
	Size        int64  `json:"size,omitempty" jsonschema_description:"Bytes; not looked at in parameters."`
	Base64      string `json:"base64,omitempty" jsonschema_description:"The bytes, up to 64 KiB in outputs."`
	Blob        *blob  `json:"blob,omitempty" jsonschema_description:"Where the bytes are kept, instead of base64."`
}

// blob is a nodes.BlobRef that describes itself.
type blob struct {
	SHA256 string `json:"sha256" jsonschema_description:"Of the bytes, hexadecimal."`
	Size   int64  `json:"size" jsonschema_description:"Bytes."`
}

// newFile keeps bytes.
func newFile(ctx context.Context, call *nodes.Call, contentType string, data []byte) (file, error) {
	kept := file{ContentType: contentType, Size: int64(len(data))}
	if len(data) <= maxSmall {
		kept.Base64 = base64.StdEncoding.EncodeToString(data)
		return kept, nil
	}
	ref, err := call.Blobs().Put(ctx, bytes.NewReader(data))
	if err != nil {
		return file{}, fmt.Errorf("keep the response as a blob: %w", err)
	}
	kept.Blob = &blob{SHA256: ref.SHA256, Size: ref.Size}
	return kept, nil
}

func (f *file) read(ctx context.Context, call *nodes.Call) ([]byte, error) {
	if f.Blob == nil {
		data, err := base64.StdEncoding.DecodeString(f.Base64)
		if err != nil {
			return nil, invalid("base64", fmt.Errorf("this is not base64: %w", err))
		}
		return data, nil
	}
	stored, err := call.Blobs().Open(ctx, nodes.BlobRef{SHA256: f.Blob.SHA256, Size: f.Blob.Size})
	if err != nil {
		return nil, nodes.NotDone(fmt.Errorf("open blob: %w", err))
	}
	defer func() { _ = stored.Close() }()
	data, err := io.ReadAll(io.LimitReader(stored, maxBody+1))
	if err != nil {
		return nil, nodes.NotDone(fmt.Errorf("read blob: %w", err))
	}
	if len(data) > maxBody {
		return nil, nodes.NotDone(nodes.Permanent(flowforge.Errorf(CodeBodyTooBig, "the body is larger than %d MiB", maxBody>>20)))
	}
	return data, nil
}

// part is one field or file of a multipart form.
type part struct {
	Name        string           `json:"name" jsonschema:"minLength=1" jsonschema_description:"Of the field."`
	Value       *flowforge.Value `json:"value,omitempty" jsonschema_description:"Text; anything that is not text is sent as JSON."`
	File        *file            `json:"file,omitempty" jsonschema_description:"Bytes, instead of value."`
	Filename    string           `json:"filename,omitempty" jsonschema_description:"What the file is called; file unless said."`
	ContentType string           `json:"content_type,omitempty" jsonschema_description:"Of this part; the file's unless said."`
}

// multipartBody writes a form with files (RFC 7578). Its boundary is made of its contents, so that each attempt
// sends the same bytes, and nobody who writes a part can know it.
func multipartBody(ctx context.Context, call *nodes.Call, parts []part) (connectors.Body, error) {
	contents := make([][]byte, len(parts))
	sum := sha256.New()
	for i, p := range parts {
		data, err := p.data(ctx, call)
		if err != nil {
			return connectors.Body{}, err
		}
		contents[i] = data
		_, _ = fmt.Fprintf(sum, "%q %q %q %d ", p.Name, p.Filename, p.ContentType, len(data))
		_, _ = sum.Write(data)
	}
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	if err := writer.SetBoundary(hex.EncodeToString(sum.Sum(nil))); err != nil {
		return connectors.Body{}, fmt.Errorf("make boundary: %w", err)
	}
	for i, p := range parts {
		header, err := p.header()
		if err != nil {
			return connectors.Body{}, invalid(fmt.Sprintf("multipart/%d/content_type", i), err)
		}
		w, err := writer.CreatePart(header)
		if err == nil {
			_, err = w.Write(contents[i])
		}
		if err != nil {
			return connectors.Body{}, fmt.Errorf("write part: %w", err)
		}
	}
	if err := writer.Close(); err != nil {
		return connectors.Body{}, fmt.Errorf("write parts: %w", err)
	}
	return connectors.Body{ContentType: writer.FormDataContentType(), Data: buffer.Bytes()}, nil
}

func (p part) data(ctx context.Context, call *nodes.Call) ([]byte, error) {
	switch {
	case p.File != nil:
		return p.File.read(ctx, call)
	case p.Value == nil:
		return nil, nil
	}
	if text, ok := p.Value.Any().(string); ok {
		return []byte(text), nil
	}
	return p.Value.JSON(), nil
}

// header writes the header of a part, names escaped as browsers do (WHATWG HTML, multipart/form-data).
func (p part) header() (textproto.MIMEHeader, error) {
	escape := strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22", "\x00", "%00").Replace
	disposition := `form-data; name="` + escape(p.Name) + `"`
	if p.Filename != "" {
		disposition += `; filename="` + escape(p.Filename) + `"`
	} else if p.File != nil {
		disposition += `; filename="file"`
	}
	header := textproto.MIMEHeader{"Content-Disposition": {disposition}}
	contentType := p.ContentType
	if contentType == "" && p.File != nil {
		contentType = p.File.ContentType
		if contentType == "" {
			contentType = octets
		}
	}
	if contentType != "" {
		if _, _, err := mime.ParseMediaType(contentType); err != nil || strings.ContainsAny(contentType, "\r\n\x00") {
			return nil, fmt.Errorf("%q is not a content type", contentType)
		}
		header.Set("Content-Type", contentType)
	}
	return header, nil
}
