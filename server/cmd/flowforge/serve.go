package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/server"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/server/observe"
)

// serveCommand is `flowforge serve`.
type serveCommand struct {
	homeFlags
	queueFlags
	nodeFlags
	peopleFlags
	Addr           string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"FLOWFORGE_ADDR" help:"Where it answers (default: 127.0.0.1:8080)."`
	PublicURL      string        `name:"public-url" placeholder:"URL" env:"FLOWFORGE_PUBLIC_URL" help:"What clients reach it by, where that is not --addr. With https it is behind a proxy that has TLS."`
	TrustedProxies []string      `placeholder:"CIDR" env:"FLOWFORGE_TRUSTED_PROXIES" help:"Proxies whose X-Forwarded-For tells where a request comes from: 10.0.0.0/8 (default: none). ${many}"`
	Listen         string        `placeholder:"ADDRESS" env:"FLOWFORGE_LISTEN" help:"Answer /healthz, /readyz, /pools and /metrics here: 127.0.0.1:9090."`
	NoWorker       bool          `env:"FLOWFORGE_NO_WORKER" help:"Run no runs: workers elsewhere do."`
	Drain          time.Duration `default:"30s" placeholder:"TIME" env:"FLOWFORGE_DRAIN" help:"How long requests and attempts may take when it is told to end (default: 30s)."`
	Quiet          bool          `short:"q" env:"FLOWFORGE_QUIET" help:"Print no line for each request."`
	Dev            bool          `help:"For trying things out on one's own machine: make a user and a workspace, with an API key in --data. Loopback only."`
}

// served is a server that is ready to answer.
type served struct {
	*session

	who    *installation
	front  *http.Server
	ending chan struct{} // closed when it begins to end
}

// Run serves the API, and runs runs.
func (v *serveCommand) Run(con *console, file *settings) error {
	if v.Drain < 0 {
		return usage("--drain cannot be negative")
	}
	if v.Dev && !isLoopback(v.Addr) {
		return usage("--dev is for one's own machine: it takes an --addr such as 127.0.0.1:8080, which nobody else can reach")
	}
	ctx := context.Background()
	meter := observe.NewMeter()
	s, err := v.open(ctx, con, file, meter)
	if err != nil {
		return err
	}
	defer s.close()
	defer s.who.people.Close()
	if v.Listen != "" {
		observed, err := listenAt(ctx, v.Listen, meter.Handler(s.engine))
		if err != nil {
			return err
		}
		defer func() { _ = observed.Close() }() // who asks just now is not waited for
		con.printf("flowforge: health and metrics at http://%s\n", observed.Addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", v.Addr)
	if err != nil {
		return usage("--addr: %w: give a free address, such as 127.0.0.1:8081", err)
	}
	if err := v.welcome(ctx, s, "http://"+listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	return v.serve(ctx, s, listener)
}

// open opens the store and makes the engine, all that identity needs, and the handler of requests.
func (v *serveCommand) open(ctx context.Context, con *console, file *settings, meter *observe.Meter) (*served, error) {
	proxies, err := prefixes(v.TrustedProxies)
	if err != nil {
		return nil, err
	}
	people, err := v.identity(v.PublicURL)
	if err != nil {
		return nil, err
	}
	config, err := v.config(con)
	if err != nil {
		return nil, err
	}
	where, err := v.stored(true)
	if err != nil {
		return nil, err
	}
	where.queueFlags = v.queueFlags
	kept, err := where.openDurable(ctx)
	if err != nil {
		return nil, err
	}
	people.Log = v.log(con)
	who, err := v.install(ctx, con, kept, people)
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	config.Limits, config.Meter, config.Pools = dag.Limits{Nodes: 10_000, Connections: 50_000}, meter, []string{""}
	config.Credentials = eitherCredentials{config.Credentials, openedCredentials(who.vault, who.stores)}
	opened, err := where.over(ctx, con, kept, config)
	if err != nil {
		return nil, err
	}
	s := &served{session: opened, who: who, ending: make(chan struct{})}
	serving := server.Config{
		Engine: s.engine, Identity: who.people, Tokens: who.tokens, Credentials: who.credentials, TrustedProxies: proxies,
		PublicURL: v.PublicURL, Logger: people.Log, Version: factsOfBuild().Version, Ending: s.ending,
	}
	if serving.SignIn, err = v.providers(con, file, who.stores); err == nil {
		var handler http.Handler
		handler, err = server.New(serving)
		s.front = server.HTTPServer(v.Addr, handler, server.Limits{})
	}
	if err != nil {
		s.close() //nolint:contextcheck // It has a time of its own.
		return nil, usage("%w", err)
	}
	return s, nil
}

func prefixes(given []string) ([]netip.Prefix, error) {
	proxies := make([]netip.Prefix, len(given))
	for i, text := range given {
		if address, err := netip.ParseAddr(text); err == nil {
			proxies[i] = netip.PrefixFrom(address, address.BitLen())
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, usage("--trusted-proxies: %s is neither an address nor a range of them, such as 10.0.0.0/8", human.Line(text))
		}
		proxies[i] = prefix
	}
	return proxies, nil
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// log writes a line for each request, and what went wrong.
func (v *serveCommand) log(con *console) *slog.Logger {
	level := slog.LevelInfo
	if v.Quiet {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(con.err, &slog.HandlerOptions{Level: level}))
}

// serve answers requests, and runs what is to be run, until a signal. Then requests end first, since some start runs.
func (v *serveCommand) serve(ctx context.Context, s *served, listener net.Listener) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	signals, release := s.con.listen()
	defer release()
	worked, answered := make(chan error, 1), make(chan error, 1)
	go func() {
		if v.NoWorker {
			<-working.Done()
			worked <- nil
			return
		}
		worked <- s.engine.Run(working)
	}()
	go func() { answered <- s.front.Serve(listener) }()
	go s.who.prune(working, s.con)
	var err error
	select {
	case <-signals:
		s.con.printf("flowforge: ending: requests and runs under way have %s; interrupt again to end at once\n", v.Drain)
	case err = <-worked:
		worked <- nil
	case err = <-answered:
	}
	close(s.ending)
	drained := make(chan struct{})
	go func() {
		select {
		case <-signals:
			s.con.exit(exitInterrupted)
		case <-drained:
		}
	}()
	err = errors.Join(err, v.drain(s, stop, worked)) //nolint:contextcheck // It ends the context.
	close(drained)
	if err == nil {
		s.con.printf("flowforge: the server has ended; what it had not finished goes on when it is started again\n")
	}
	return err
}

// drain ends the requests, then the runs; half of the time is for each. What does not end in time is given back.
func (v *serveCommand) drain(s *served, stop func(), worked <-chan error) error {
	ending, cancel := context.WithTimeout(context.Background(), v.Drain/2)
	defer cancel()
	if s.front.Shutdown(ending) != nil {
		_ = s.front.Close() // their time is over
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
