package auth

import "context"

// A Client is where a request comes from, as far as the server can tell.
type Client struct {
	Address string // the IP address (S16)
	Agent   string // the User-Agent
	Request string // the ID of the request
}

type clientKey struct{}

// WithClient notes where a request comes from, for sessions and audit entries.
func WithClient(ctx context.Context, client Client) context.Context {
	return context.WithValue(ctx, clientKey{}, client)
}

// ClientOf gives what WithClient noted.
func ClientOf(ctx context.Context) Client {
	client, _ := ctx.Value(clientKey{}).(Client)
	return client
}
