package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/server"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/server/observe"
	"github.com/flowforge-go/flowforge/server/rest"
)

// serveCommand is `flowforge serve`.
type serveCommand struct {
	queueFlags
	nodeFlags
	Addr      string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"FLOWFORGE_ADDR" help:"Where it answers (default: 127.0.0.1:8080)."`
	Data      string        `default:"flowforge-data" placeholder:"DIR" env:"FLOWFORGE_DATA" help:"Its folder: the token and, without --store, the database (default: flowforge-data)."`
	Store     string        `placeholder:"DSN" env:"FLOWFORGE_STORE" help:"Where workflows and runs are kept: ${stores} (default: a SQLite file in --data)."`
	PublicURL string        `name:"public-url" placeholder:"URL" env:"FLOWFORGE_PUBLIC_URL" help:"What clients reach it by, where that is not --addr."`
	Listen    string        `placeholder:"ADDRESS" help:"Answer /healthz, /readyz, /pools and /metrics here: 127.0.0.1:9090."`
	NoWorker  bool          `help:"Run no runs: workers elsewhere do."`
	Drain     time.Duration `default:"30s" placeholder:"TIME" help:"How long requests and attempts may take when it is told to end (default: 30s)."`
	Quiet     bool          `short:"q" help:"Print no line for each request."`
}

// Run serves the API, and runs runs.
func (v *serveCommand) Run(con *console) error {
	if v.Drain < 0 {
		return usage("--drain cannot be negative")
	}
	token, err := openToken(v.Data)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, observed, err := v.open(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	if observed != nil {
		defer func() { _ = observed.Close() }() // who asks just now is not waited for
	}
	handler, err := server.New(server.Config{
		Engine: s.engine, Authenticators: []rest.Authenticator{token}, PublicURL: v.PublicURL,
		Logger: v.requestLog(con), Version: factsOfBuild().Version,
	})
	if err != nil {
		return usage("%w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", v.Addr)
	if err != nil {
		return usage("--addr: %w: give a free address, such as 127.0.0.1:8081", err)
	}
	v.greet(con, "http://"+listener.Addr().String(), token)
	return v.serve(ctx, s, server.HTTPServer(v.Addr, handler, server.Limits{}), listener)
}

// open opens the store and makes the engine and, where it is wanted, what tells of it.
func (v *serveCommand) open(ctx context.Context, con *console) (*session, *http.Server, error) {
	config, err := v.config(con)
	if err != nil {
		return nil, nil, err
	}
	config.Limits = dag.Limits{Nodes: 10_000, Connections: 50_000}
	meter := observe.NewMeter()
	config.Meter, config.Pools = meter, []string{""}
	where := storeFlags{Store: v.Store, Workspace: string(mainWorkspace), queueFlags: v.queueFlags}
	if where.Store == "" {
		where.Store = "sqlite:" + filepath.Join(v.Data, "flowforge.db")
	}
	s, err := where.session(ctx, con, config)
	if err != nil || v.Listen == "" {
		return s, nil, err
	}
	observed, err := listenAt(ctx, v.Listen, meter.Handler(s.engine))
	if err != nil {
		s.close() //nolint:contextcheck // It has a time of its own.
		return nil, nil, err
	}
	con.printf("flowforge: health and metrics at http://%s\n", observed.Addr)
	return s, observed, nil
}

// requestLog writes a line for each request, and what went wrong.
func (v *serveCommand) requestLog(con *console) *slog.Logger {
	level := slog.LevelInfo
	if v.Quiet {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(con.err, &slog.HandlerOptions{Level: level}))
}

// greet says where the server is and how to use it.
func (v *serveCommand) greet(con *console, url string, token *adminToken) {
	con.printf("flowforge: serving at %s (its reference: %s/docs)\n", url, url)
	word := "the admin token is in"
	if token.fresh {
		word = "an admin token was made, in"
	}
	con.printf("flowforge: %s %s; it may do everything. Use it so:\n", word, human.Line(token.path))
	con.printf("  curl -H \"Authorization: Bearer $(cat %s)\" %s/api/v1/me\n", human.Line(token.path), url)
	if host, _, err := net.SplitHostPort(v.Addr); err == nil {
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			con.printf("flowforge: warning: others can reach %s, and it has no TLS: put a proxy before it\n", human.Line(v.Addr))
		}
	}
}

// serve answers requests, and runs what is to be run, until a signal. Then requests end first, since some wait for runs.
func (v *serveCommand) serve(ctx context.Context, s *session, front *http.Server, listener net.Listener) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	signals, release := s.con.listen()
	defer release()
	worked, served := make(chan error, 1), make(chan error, 1)
	go func() {
		if v.NoWorker {
			<-working.Done()
			worked <- nil
			return
		}
		worked <- s.engine.Run(working)
	}()
	go func() { served <- front.Serve(listener) }()
	var err error
	select {
	case <-signals:
		s.con.printf("flowforge: ending: requests and runs under way have %s; interrupt again to end at once\n", v.Drain)
	case err = <-worked:
		worked <- nil
	case err = <-served:
	}
	drained := make(chan struct{})
	go func() {
		select {
		case <-signals:
			s.con.exit(exitInterrupted)
		case <-drained:
		}
	}()
	err = errors.Join(err, v.drain(s, front, stop, worked)) //nolint:contextcheck // It ends the context.
	close(drained)
	if err == nil {
		s.con.printf("flowforge: the server has ended; what it had not finished goes on when it is started again\n")
	}
	return err
}

// drain ends the requests, then the runs; half of the time is for each. What does not end in time is given back.
func (v *serveCommand) drain(s *session, front *http.Server, stop func(), worked <-chan error) error {
	ending, cancel := context.WithTimeout(context.Background(), v.Drain/2)
	defer cancel()
	if front.Shutdown(ending) != nil {
		_ = front.Close() // their time is over
	}
	stop()
	timer := time.NewTimer(v.Drain / 2)
	defer timer.Stop()
	select {
	case err := <-worked:
		return err
	case <-timer.C:
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.engine.Close(now) // it says what it gave back, and that is no fault
		return <-worked
	}
}

// openapiCommand is `flowforge openapi`.
type openapiCommand struct {
	YAML    bool   `name:"yaml" help:"Print YAML instead of JSON."`
	Version string `enum:"3.1,3.0" default:"3.1" placeholder:"3.1|3.0" help:"Of OpenAPI (default: 3.1)."`
}

// Run prints the document of the server's API.
func (o *openapiCommand) Run(con *console) error {
	made, err := engine.New(engine.Config{})
	if err != nil {
		return err
	}
	documents, err := server.Documents(server.Config{Engine: made, Version: factsOfBuild().Version})
	if err != nil {
		return err
	}
	name := "openapi"
	if o.Version != "3.1" {
		name += "-" + o.Version
	}
	if o.YAML {
		name += ".yaml"
	} else {
		name += ".json"
	}
	_, err = con.out.Write(append(documents[name], '\n'))
	return errors.Join(err, made.Close(context.Background()))
}
