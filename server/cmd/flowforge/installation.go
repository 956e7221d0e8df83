package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/keyring"
	"github.com/flowforge-go/flowforge/store"
)

// homeFlags say where an installation is: what `flowforge serve` serves.
type homeFlags struct {
	Data  string `default:"flowforge-data" placeholder:"DIR" env:"FLOWFORGE_DATA" help:"Its folder: the keys and, without --store, the database (default: flowforge-data)."`
	Store string `placeholder:"DSN" env:"FLOWFORGE_STORE" help:"Where workflows and runs are kept: ${stores} (default: a SQLite file in --data)."`
}

// stored says which store it is; a database in the data folder need not be there where create says so.
func (h *homeFlags) stored(create bool) (storeFlags, error) {
	if h.Store != "" {
		return storeFlags{Store: h.Store}, nil
	}
	path := filepath.Join(h.Data, "flowforge.db")
	if create {
		if err := os.MkdirAll(h.Data, 0o700); err != nil {
			return storeFlags{}, usage("--data: %w", err)
		}
	} else if _, err := os.Stat(path); err != nil {
		return storeFlags{}, usage(
			"there is no installation in %s: give its --data or --store, or make one with flowforge serve", human.Line(h.Data))
	}
	return storeFlags{Store: "sqlite:" + path}, nil
}

// installation is who may use a store, and the secrets in it.
type installation struct {
	stores      auth.Stores
	source      keyring.Source
	vault       *vault.Vault
	tokens      *token.Issuer
	people      *identity.Service
	credentials *vault.Credentials
	made        bool // its keys were made just now
}

// install finds the keys of an installation, or makes them where nothing was sealed yet.
func (h *homeFlags) install(ctx context.Context, con *console, kept store.Store, config identity.Config) (*installation, error) {
	stores, ok := kept.(auth.Stores)
	if !ok {
		return nil, usage("this store keeps no identity")
	}
	in := &installation{stores: stores, source: keyring.Source{Folder: h.Data, LookupEnv: con.lookupEnv}}
	if err := in.makeKeys(ctx); err != nil {
		return nil, err
	}
	pepper, err := in.source.Pepper()
	if err != nil {
		return nil, usage("%w", err)
	}
	if in.vault, err = openVault(ctx, in.source, stores); err != nil {
		return nil, err
	}
	in.tokens = token.New(stores, in.vault, token.Config{})
	in.credentials = vault.NewCredentials(in.vault, stores)
	if in.people, err = identity.New(stores, in.tokens, in.vault, pepper, config); err != nil {
		return nil, usage("%w", err)
	}
	return in, nil
}

// makeKeys makes keys where there are none and never were any.
func (in *installation) makeKeys(ctx context.Context) error {
	_, err := in.source.Roots()
	if !errors.Is(err, keyring.ErrNone) {
		return nil // also where it cannot be read: that is told when it is opened
	}
	sealed, err := in.stores.DataKeysNotUnder(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(sealed) > 0 {
		return usage("the store has secrets, and their root key is neither in %s nor in %s: put it back (another key opens none of them)",
			human.Line(in.source.Folder), keyring.RootVariable)
	}
	if err := in.source.Make(); err != nil {
		return usage("%w", err)
	}
	in.made = true
	return nil
}

// openVault opens what is sealed in a store, where the root keys fit it (S2).
func openVault(ctx context.Context, source keyring.Source, kept auth.DataKeys) (*vault.Vault, error) {
	roots, err := source.Roots()
	if err != nil {
		return nil, usage("%w", err)
	}
	opened, err := vault.New(kept, roots[0], vault.Config{Older: roots[1:], Reread: source.Roots})
	if err != nil {
		return nil, usage("%w", err)
	}
	switch err := opened.Check(ctx); {
	case flowforge.CodeOf(err) == vault.CodeSealed:
		return nil, usage("the root key is not the one that this store was used with: %w", err)
	case err != nil:
		return nil, err
	}
	return opened, nil
}

// operator is who works at the command line: the installation itself, in a workspace or in none.
func operator(workspace flowforge.Workspace) *auth.Principal {
	p := &auth.Principal{Kind: auth.KindHost, Name: "the command line", Admin: true, Workspace: workspace}
	if workspace != "" {
		p.Role, p.Permissions = auth.RoleOwner, auth.RoleOwner.Permissions()
	}
	return p
}

// eitherCredentials are those of --credential, and then those of the store.
type eitherCredentials struct{ given, kept nodes.Credentials }

// Credential gives a credential.
func (e eitherCredentials) Credential(ctx context.Context, request nodes.CredentialRequest) (nodes.Credential, error) {
	given, err := e.given.Credential(ctx, request)
	if flowforge.CodeOf(err) == flowforge.CodeCredential { // it has none of the name
		return e.kept.Credential(ctx, request)
	}
	return given, err
}

// openedCredentials gives nodes the credentials of the store, where the run acts for somebody who may use them.
func openedCredentials(opened *vault.Vault, stores auth.Stores) nodes.Credentials {
	return vault.NewCredentials(opened, stores).Source(identity.NewGuard(stores, nil).MayUse)
}

// lockedCredentials are those of a store whose root key is not here.
type lockedCredentials struct{ kept auth.Credentials }

// Credential says why there is none.
func (l lockedCredentials) Credential(ctx context.Context, request nodes.CredentialRequest) (nodes.Credential, error) {
	_, err := l.kept.CredentialByName(ctx, request.Workspace, request.Name)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNotFound:
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeCredential, "there is no credential named %q", request.Name)
	case err != nil:
		return nodes.Credential{}, err
	}
	return nodes.Credential{}, flowforge.Errorf(flowforge.CodeCredential,
		"the credential %q is sealed, and this worker has no root key: give it --data, or %s", request.Name, keyring.RootVariable)
}
