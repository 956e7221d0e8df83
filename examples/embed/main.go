// Command embed is a shop with a web server and a login of its own, which has FlowForge's API below /automation: its
// staff build and run workflows there as whom the shop knows. It prints what some requests are answered, and ends;
// with -addr 127.0.0.1:8080 it answers there until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server"
	"github.com/flowforge-go/flowforge/server/rest"
)

// below is where the shop has the API.
const below = "/automation"

// newShop makes all that the shop answers.
func newShop(forge *engine.Engine) (http.Handler, error) {
	people := newStaff()
	automation, err := server.New(server.Config{
		Engine: forge, Prefix: below, Authenticators: []rest.Authenticator{people},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Welcome to the shop!\n") })
	mux.HandleFunc("POST /login", people.login)
	mux.Handle(below+"/", automation)
	// The login is a cookie, which browsers send along with what other sites make them ask for: that is refused.
	return http.NewCrossOriginProtection().Handler(mux), nil
}

func run(ctx context.Context, addr string) error {
	forge, err := engine.New(engine.Config{}) // in memory; on a store of store/sqlite or store/postgres it is durable
	if err != nil {
		return err
	}
	defer func() { _ = forge.Close(context.WithoutCancel(ctx)) }()
	go func() { _ = forge.Run(ctx) }() // runs what is started over HTTP, and fires schedules
	shop, err := newShop(forge)
	if err != nil {
		return err
	}
	if addr == "" {
		return tour(ctx, shop)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	front := &http.Server{Handler: shop, ReadHeaderTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = front.Close() })
	defer stopped()
	fmt.Printf("The shop is open: http://%s/, and %s/docs\n", listener.Addr(), below)
	if err := front.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func main() {
	addr := flag.String("addr", "", "answer here until interrupted: 127.0.0.1:8080")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		log.Fatal(err) //nolint:gocritic // There is nothing left that stop would end.
	}
}
