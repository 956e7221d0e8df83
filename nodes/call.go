package nodes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"

	"github.com/flowforge-go/flowforge"
)

// Call is one attempt as a node sees it.
type Call struct {
	Workspace flowforge.Workspace
	Workflow  string // its name
	Run       flowforge.RunID
	Node      flowforge.NodeID
	Element   string          // path of the element, "" outside loops
	Attempt   int             // 1 for the first
	KeyRun    flowforge.RunID // the run that idempotency keys are made of: Run, or the run it retries

	Input  flowforge.Value // what was delivered to the node
	Params flowforge.Value // its parameters, templates resolved

	Host Host
}

// Host is what the engine does for a running node.
type Host interface {
	// Log records a line of the run's log.
	Log(ctx context.Context, level slog.Level, message string, fields flowforge.Value)
	// Progress tells watchers how far the attempt is: a fraction from 0 to 1, negative where it is not known.
	Progress(fraction float64, message string)
	// Heartbeat says that the attempt is alive.
	Heartbeat()
	// Credential gives the credential that the document put into a slot.
	Credential(ctx context.Context, slot string) (Credential, error)
	// Evaluate evaluates an expression of the node's parameters, given by its source, with names added.
	Evaluate(ctx context.Context, source string, scope Scope) (any, error)
	// Blobs keeps data too large for a value.
	Blobs() Blobs
}

// Scope is what an expression of a node's parameters sees beside the usual names, in Go form.
type Scope struct {
	Item   any
	Index  int
	Output any
}

// Blobs keeps data too large for a value.
type Blobs interface {
	// Put stores all of data and gives its reference; the same data has the same reference.
	Put(ctx context.Context, data io.Reader) (BlobRef, error)
	// Open reads stored data; an unknown reference is an Error with CodeNotFound.
	Open(ctx context.Context, ref BlobRef) (io.ReadCloser, error)
}

// BlobRef refers to stored data; it is what values hold instead of the data.
type BlobRef struct {
	SHA256 string `json:"sha256"` // hexadecimal
	Size   int64  `json:"size"`   // bytes
}

// IdempotencyKey is the same for all attempts of this node run and different for all others. Services that
// accept such a key do a thing once however often it is asked for.
func (c *Call) IdempotencyKey() string {
	run := c.KeyRun
	if run == "" {
		run = c.Run
	}
	sum := sha256.Sum256([]byte(string(run) + "\x00" + string(c.Node) + "\x00" + c.Element))
	return hex.EncodeToString(sum[:16])
}

// Progress tells watchers how far the attempt is: a fraction from 0 to 1, negative where it is not known.
func (c *Call) Progress(fraction float64, message string) { c.Host.Progress(fraction, message) }

// Heartbeat says that the attempt is alive.
func (c *Call) Heartbeat() { c.Host.Heartbeat() }

// Blobs keeps data too large for a value.
func (c *Call) Blobs() Blobs { return c.Host.Blobs() }

// Credential gives the credential that the document put into a slot of the Spec, or an Error with
// CodeNoCredential where the document put none there.
func (c *Call) Credential(ctx context.Context, slot string) (Credential, error) {
	return c.Host.Credential(ctx, slot)
}

// Log gives a logger into the run's log, which users see.
func (c *Call) Log() *slog.Logger { return slog.New(&logHandler{host: c.Host}) }

// logHandler is a slog.Handler over a Host.
type logHandler struct {
	host   Host
	prefix string         // of keys, from groups
	fields map[string]any // from WithAttrs
}

func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	fields := h.copyFields(record.NumAttrs())
	record.Attrs(func(attr slog.Attr) bool {
		h.put(fields, h.prefix, attr)
		return true
	})
	value, err := flowforge.Freeze(fields)
	if err != nil {
		return err
	}
	h.host.Log(ctx, record.Level, record.Message, value)
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := h.copyFields(len(attrs))
	for _, attr := range attrs {
		h.put(fields, h.prefix, attr)
	}
	return &logHandler{host: h.host, prefix: h.prefix, fields: fields}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{host: h.host, prefix: h.prefix + name + ".", fields: h.fields}
}

func (h *logHandler) copyFields(more int) map[string]any {
	fields := make(map[string]any, len(h.fields)+more)
	maps.Copy(fields, h.fields)
	return fields
}

func (h *logHandler) put(fields map[string]any, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, member := range value.Group() {
			h.put(fields, prefix+attr.Key+".", member)
		}
		return
	}
	plain := value.Any()
	if err, ok := plain.(error); ok {
		plain = err.Error()
	}
	if _, err := flowforge.ValueOf(plain); err != nil {
		plain = value.String()
	}
	fields[prefix+attr.Key] = plain
}
