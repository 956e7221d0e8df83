package main

import (
	"context"
	"net"
	"net/http"
	"time"
)

// listenAt serves HTTP at an address until the server is closed; its Addr is the one that it has.
func listenAt(ctx context.Context, address string, handler http.Handler) (*http.Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, usage("--listen: %w: give a free address, such as 127.0.0.1:9090", err)
	}
	const patience = 5 * time.Second
	server := &http.Server{
		Addr: listener.Addr().String(), Handler: handler,
		ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: 2 * patience, IdleTimeout: time.Minute,
		MaxHeaderBytes: 1 << 16,
	}
	go func() { _ = server.Serve(listener) }() // it ends when the server is closed
	return server, nil
}
