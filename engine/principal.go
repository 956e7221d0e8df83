package engine

import "context"

type principalKey struct{}

// ActingFor says whom what is done with a context is done for: an opaque name, such as a user's ID. A version remembers
// who published it, and its runs act for them; a run of a draft or of an unsaved document acts for who started it. It is
// what nodes.Credentials is asked with.
func ActingFor(ctx context.Context, principal string) context.Context {
	return context.WithValue(ctx, principalKey{}, principal)
}

// principalOf gives whom something is done for; "" where nobody was said.
func principalOf(ctx context.Context) string {
	principal, _ := ctx.Value(principalKey{}).(string)
	return principal
}
