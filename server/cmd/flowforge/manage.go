package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/store"
)

// managed is an installation that a command works at, beside its servers or without one.
type managed struct {
	*installation

	con  *console
	kept store.Store
}

// manage opens an installation that is there.
func (h *homeFlags) manage(ctx context.Context, con *console) (*managed, error) {
	return h.managing(ctx, con, false)
}

// managing opens an installation, which it makes where it may.
func (h *homeFlags) managing(ctx context.Context, con *console, create bool) (*managed, error) {
	where, err := h.stored(create)
	if err != nil {
		return nil, err
	}
	kept, err := where.openDurable(ctx)
	if err != nil {
		return nil, err
	}
	in, err := h.install(ctx, con, kept, identity.Config{Workspaces: true})
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	return &managed{installation: in, con: con, kept: kept}, nil
}

func (m *managed) close() {
	m.people.Close()
	_ = m.kept.Close() // everything has been told
}

// in gives who works at the command line, in a workspace that is named by its ID or its name.
func (m *managed) in(ctx context.Context, workspace string) (*auth.Principal, error) {
	found, err := m.people.FindWorkspace(ctx, operator(""), workspace)
	if err != nil {
		return nil, usage("--workspace: %w", err)
	}
	return operator(found.ID), nil
}

// nameColumn is what the column with names is called in tables.
const nameColumn = "NAME"

// done makes an error of an operation one that the user sees.
func done(err error) error {
	if err == nil {
		return nil
	}
	return &exit{status: exitFailed, cause: err}
}

// readPassword asks at a terminal, twice and without showing it, or takes the first line of standard input.
func (c *console) readPassword() (string, error) {
	file, terminal := isTerminal(c.in)
	if !terminal {
		line, err := bufio.NewReader(io.LimitReader(c.in, 1<<12)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", usage("the password on standard input: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var given [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		c.printf("%s", prompt)
		typed, err := term.ReadPassword(int(file.Fd()))
		c.printf("\n")
		if err != nil {
			return "", usage("the password: %w", err)
		}
		given[i] = string(typed)
	}
	if given[0] != given[1] {
		return "", usage("the two are not the same")
	}
	return given[0], nil
}
