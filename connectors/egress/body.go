package egress

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// guardedBody is the body as it comes from the wire: bounded, its errors ours.
type guardedBody struct {
	from   io.ReadCloser
	caller context.Context //nolint:containedctx // The body lives as long as the request does.
	ctx    context.Context //nolint:containedctx // The same, with our limit.
	cancel context.CancelFunc
	left   int64
	read   int64
	host   string
}

func (b *guardedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more, to tell the end from the limit
	}
	n, err := b.from.Read(p)
	b.read += int64(n)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.host)
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err //nolint:wrapcheck // io.EOF must be itself.
	}
	if ended := endOf(b.caller, b.ctx); ended != nil {
		return n, ended
	}
	return n, flowforge.Errorf(CodeLost, "the connection to %s broke before its response was complete", hostOf(b.host))
}

func (b *guardedBody) Close() error {
	defer b.cancel()
	return b.from.Close() //nolint:wrapcheck // Nobody can do anything about it.
}

func tooLarge(host string) error {
	return flowforge.Errorf(CodeTooLarge, "the response of %s is larger than an operator's limit allows", hostOf(host))
}

// inflate makes the body of a response plain. Content-Encoding (RFC 9110, 8.4) may name gzip or deflate.
func inflate(response *http.Response, limits Limits) error {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(response.Header.Values("Content-Encoding"), ",")))
	wire, ok := response.Body.(*guardedBody)
	if !ok {
		return flowforge.Errorf(CodeEncoding, "the response has no body to inflate")
	}
	if encoding == "" || encoding == "identity" {
		if response.ContentLength > limits.Response && response.Request.Method != http.MethodHead {
			return tooLarge(wire.host)
		}
		return nil
	}
	var open func(io.Reader) (io.Reader, error)
	switch encoding {
	case "gzip", "x-gzip":
		open = func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case "deflate":
		open = openDeflate
	default:
		return flowforge.Errorf(CodeEncoding, "%s answers with the content encoding %.40q, which was not asked for", hostOf(wire.host), encoding)
	}
	response.Body = &inflated{wire: wire, open: open, ratio: int64(limits.Ratio), left: limits.Response}
	response.Header.Del("Content-Encoding")
	response.Header.Del("Content-Length")
	response.ContentLength, response.Uncompressed = -1, true
	return nil
}

// openDeflate reads zlib's form, and the bare one that some servers send (RFC 9110, 8.4.1.2).
func openDeflate(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(buffered)
	}
	return flate.NewReader(buffered), nil
}

// inflateSlack is how much any body may inflate to, whatever its ratio.
const inflateSlack = 64 << 10

// inflated is a body made plain, its size and its ratio bounded.
type inflated struct {
	wire  *guardedBody
	open  func(io.Reader) (io.Reader, error)
	plain io.Reader // nil before the first Read
	err   error     // of the first failure; it stays
	ratio int64
	left  int64
	out   int64
}

func (i *inflated) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.readPlain(p)
	if i.out += int64(n); i.out > inflateSlack && i.out > i.ratio*i.wire.read {
		n, err = 0, flowforge.Errorf(CodeTooLarge,
			"the response of %s inflates to more than %d times its size", hostOf(i.wire.host), i.ratio)
	} else if i.left -= int64(n); i.left < 0 {
		n, err = 0, tooLarge(i.wire.host)
	}
	i.err = err
	return n, err
}

func (i *inflated) Close() error { return i.wire.Close() }

func (i *inflated) readPlain(p []byte) (int, error) {
	if i.plain == nil {
		plain, err := i.open(i.wire)
		if err != nil {
			if i.wire.read == 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
				return 0, io.EOF // no body at all: the answer to HEAD, 204, 304
			}
			return 0, i.describe(err)
		}
		i.plain = plain
	}
	if int64(len(p)) > i.left+1 {
		p = p[:i.left+1]
	}
	n, err := i.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = i.describe(err)
	}
	return n, err //nolint:wrapcheck // io.EOF must be itself.
}

func (i *inflated) describe(err error) error {
	if flowforge.CodeOf(err) != "" {
		return err
	}
	return flowforge.Errorf(CodeEncoding, "the compressed response of %s is broken", hostOf(i.wire.host))
}
