package auth

import (
	"context"
	"maps"
)

type tellingKey struct{}

// Telling gives a context for a change of configuration: the store writes the entry in the change's transaction, or
// neither (S32). Changes of identity take their entries as arguments instead.
func Telling(ctx context.Context, entry Entry) context.Context {
	return context.WithValue(ctx, tellingKey{}, entry)
}

// Told gives the entries that a change of configuration is to be written with: what Telling noted, about a target.
// Stores call it. The details, by name and value, are added to those that it has.
func Told(ctx context.Context, target string, details ...string) []Entry {
	entry, found := ctx.Value(tellingKey{}).(Entry)
	if !found {
		return nil
	}
	entry.Target, entry.Detail = target, maps.Clone(entry.Detail)
	for i := 0; i+1 < len(details); i += 2 {
		if entry.Detail == nil {
			entry.Detail = map[string]string{}
		}
		entry.Detail[details[i]] = details[i+1]
	}
	return []Entry{entry}
}
