package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/redact"
	"github.com/flowforge-go/flowforge/nodes"
)

// guard is the host of a node that has credentials. What it got leaves it in no other way than by what it sends: its
// outputs, errors, log lines and blobs are kept without it (S19).
type guard struct {
	nodes.Host

	secrets redact.Set
}

// guarded runs a node that has credentials.
func guarded(ctx context.Context, node nodes.Node, call *nodes.Call) (flowforge.Ports, error) {
	g := &guard{Host: call.Host}
	call.Host = g
	defer func() {
		if p := recover(); p != nil {
			panic(g.secrets.Text(fmt.Sprint(p)))
		}
	}()
	ports, err := node.Execute(ctx, call)
	return g.secrets.Ports(ports), g.clean(ctx, err)
}

// Credential gives a credential, which is looked for from then on.
func (g *guard) Credential(ctx context.Context, slot string) (nodes.Credential, error) {
	found, err := g.Host.Credential(ctx, slot)
	if err == nil {
		g.secrets.Add(found)
	}
	return found, err
}

// Log keeps a line.
func (g *guard) Log(ctx context.Context, level slog.Level, message string, fields flowforge.Value) {
	g.Host.Log(ctx, level, g.secrets.Text(message), g.secrets.Value(fields))
}

// Progress tells how far the attempt is.
func (g *guard) Progress(fraction float64, message string) {
	g.Host.Progress(fraction, g.secrets.Text(message))
}

// Blobs keeps data in the store.
func (g *guard) Blobs() nodes.Blobs { return guardedBlobs{g.Host.Blobs(), g} }

// clean gives an error without secrets.
func (g *guard) clean(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if await, waits := errors.AsType[*nodes.Await](err); waits {
		await.Then = g.secrets.Ports(await.Then)
		if await.Child != nil {
			await.Child.Input = g.secrets.Value(await.Child.Input)
		}
		return err
	}
	if stop, stops := errors.AsType[*nodes.Stop](err); stops {
		if stop.Output != nil {
			*stop.Output = g.secrets.Value(*stop.Output)
		}
		return err
	}
	outcome := outcomeOf(nil, err)
	message, details := g.secrets.Text(outcome.Error.Message), g.secrets.Value(outcome.Error.Details)
	if message == outcome.Error.Message && details.Same(outcome.Error.Details) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause)) {
		outcome = outcomeOf(nil, cause) // that is why it failed, and all that is told of it
	} else {
		outcome.Error.Message, outcome.Error.Details = message, details
	}
	return outcome.err()
}

type guardedBlobs struct {
	nodes.Blobs

	guard *guard
}

// Put keeps data.
func (b guardedBlobs) Put(ctx context.Context, data io.Reader) (nodes.BlobRef, error) {
	return b.Blobs.Put(ctx, b.guard.secrets.Reader(data))
}
