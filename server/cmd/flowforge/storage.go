package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
	"github.com/flowforge-go/flowforge/store/postgres"
	"github.com/flowforge-go/flowforge/store/sqlite"
)

// inMemory is the store that is gone with the process.
const inMemory = "memory:"

// storeForms says how a store is written.
const storeForms = "sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE"

// storeFlags say which store a command works on, and for whom.
type storeFlags struct {
	Store     string `placeholder:"DSN" env:"FLOWFORGE_STORE" help:"Where workflows and runs are kept: ${stores}."`
	Workspace string `placeholder:"NAME" default:"local" help:"The workspace that they belong to (default: local)."`

	queueFlags
}

// isDurable reports whether what the store keeps is there after the process.
func (s *storeFlags) isDurable() bool { return s.Store != "" && s.Store != inMemory }

// Kinds of stores.
const (
	kindMemory   = "memory"
	kindSQLite   = "sqlite"
	kindPostgres = "postgres"
)

// address gives what kind of store is meant and how its package calls it; an empty kind: none that there is.
func (s *storeFlags) address() (kind, address string) {
	scheme, rest, _ := strings.Cut(s.Store, ":")
	switch {
	case s.Store == inMemory, s.Store == "":
		return kindMemory, ""
	case scheme == "sqlite" && strings.TrimPrefix(rest, "//") != "":
		return kindSQLite, strings.TrimPrefix(rest, "//")
	case (scheme == "postgres" || scheme == "postgresql") && strings.HasPrefix(rest, "//"):
		return kindPostgres, s.Store
	}
	return "", ""
}

// open opens the store, which it makes or migrates where that is needed.
func (s *storeFlags) open(ctx context.Context) (store.Store, error) {
	var opened store.Store
	var err error
	kind, address := s.address()
	switch kind {
	case kindMemory:
		return memory.New(memory.Config{}), nil
	case kindSQLite:
		opened, err = sqlite.Open(ctx, address, sqlite.Config{})
	case kindPostgres:
		opened, err = postgres.Open(ctx, address, postgres.Config{})
	default: // what stands there may hold a password
		return nil, usage("--store must be %s, %s", inMemory, storeForms)
	}
	switch {
	case err == nil:
		if err := s.findWorkspace(ctx, opened); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
		return opened, nil
	case kind == kindSQLite:
		return nil, usage("%s: %w", human.Line(address), err)
	}
	return nil, usage("%w", err)
}

// findWorkspace takes the workspace for one of an installation, by its ID or name, where there is such a one; else it is
// what programs without a server call theirs.
func (s *storeFlags) findWorkspace(ctx context.Context, kept store.Store) error {
	stores, ok := kept.(auth.Workspaces)
	if !ok || s.Workspace == string(flowforge.Local) || s.Workspace == "" {
		return nil
	}
	found, err := identity.WorkspaceNamed(ctx, stores, s.Workspace)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound:
		return nil
	case err != nil:
		return usage("--workspace: %w", err)
	}
	s.Workspace = string(found.ID)
	return nil
}

// openDurable is open for commands that make no sense with a store that is gone with the process.
func (s *storeFlags) openDurable(ctx context.Context) (store.Store, error) {
	if !s.isDurable() {
		return nil, usage("which store? Give --store %s, or set FLOWFORGE_STORE; a store in memory is gone with its process", storeForms)
	}
	return s.open(ctx)
}

// leaseHelp says what --lease is.
const leaseHelp = "How long others wait before they go on with a run, if this process dies (default: 30s)."

// nodeFlags say what nodes may do.
type nodeFlags struct {
	Credential  []string `sep:"none" placeholder:"NAME=@FILE" help:"A credential: NAME=@FILE or NAME=env:VARIABLE. ${form} ${many}"`
	AllowEgress []string `placeholder:"CIDR[:PORT]" env:"FLOWFORGE_ALLOW_EGRESS" help:"Addresses that nodes may reach besides the public ones. ${many}"`
	EnableCode  bool     `env:"FLOWFORGE_ENABLE_CODE" help:"Allow nodes that run JavaScript, each in a process of its own."`
}

// registry gives the types of nodes.
func (n *nodeFlags) registry() (*nodes.Registry, error) {
	rules, err := parseRules(n.AllowEgress)
	if err != nil {
		return nil, err
	}
	return newRegistry(rules, n.EnableCode)
}

// config gives the configuration of an engine that runs nodes.
func (n *nodeFlags) config(con *console) (engine.Config, error) {
	types, err := n.registry()
	if err != nil {
		return engine.Config{}, err
	}
	credentials, err := con.readCredentials(n.Credential)
	return engine.Config{Nodes: types, Credentials: credentials}, err
}

// session is an engine over a store.
type session struct {
	con       *console
	store     store.Store
	engine    *engine.Engine
	workspace flowforge.Workspace
	hangUp    func() // closes the connection to Redis
}

// telling gives the context of a change of configuration that the audit log is to tell of.
func (s *session) telling(ctx context.Context, action string) context.Context {
	return auth.Telling(ctx, hostEntry(s.workspace, action))
}

// session opens a durable store and makes an engine over it.
func (s *storeFlags) session(ctx context.Context, con *console, config engine.Config) (*session, error) {
	kept, err := s.openDurable(ctx)
	if err != nil {
		return nil, err
	}
	return s.over(ctx, con, kept, config)
}

// look is session for a command that runs no nodes.
func (s *storeFlags) look(ctx context.Context, con *console) (*session, error) {
	types, err := newRegistry(nil, true)
	if err != nil {
		return nil, err
	}
	return s.session(ctx, con, engine.Config{Nodes: types})
}

// over makes an engine over an open store.
func (s *storeFlags) over(ctx context.Context, con *console, kept store.Store, config engine.Config) (*session, error) {
	config.Store, config.Logger = kept, con.logger()
	hangUp := func() {}
	if s.isDurable() { // others cannot see what is in memory
		var err error
		if hangUp, err = s.connect(ctx, con, &config); err != nil {
			_ = kept.Close()
			return nil, err
		}
	}
	made, err := engine.New(config)
	if err != nil {
		hangUp()
		_ = kept.Close()
		return nil, err
	}
	return &session{con: con, store: kept, engine: made, workspace: flowforge.Workspace(s.Workspace), hangUp: hangUp}, nil
}

// closeTime is how long the end of the program waits for what the engine still does.
const closeTime = time.Second

// close ends the engine, which gives back what it has not finished, and the store.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = s.engine.Close(ctx) // everything has been told; what does not end now ends with the process
	s.hangUp()
	_ = s.store.Close()
}

// logger gives the engine's own log, which is shown with --debug; nil: not at all.
func (c *console) logger() *slog.Logger {
	if !c.debug {
		return nil
	}
	return slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
