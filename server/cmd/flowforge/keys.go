package main

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// keysCommand is `flowforge keys`.
type keysCommand struct {
	Rotate keysRotateCommand `cmd:"" help:"Take new keys, and seal with them what the old ones sealed. Servers go on meanwhile; if it is interrupted, do it again."`
}

// keysRotateCommand is `flowforge keys rotate`.
type keysRotateCommand struct {
	homeFlags
	Root    bool `help:"The root key, which seals the data keys."`
	Data    bool `name:"data-keys" help:"The data keys of all workspaces, which seal credentials."`
	Signing bool `help:"The key that signs access tokens; those it has signed stay good."`
	All     bool `help:"All three."`
}

// Run rotates keys.
func (c *keysRotateCommand) Run(con *console) error {
	if c.All {
		c.Root, c.Data, c.Signing = true, true, true
	}
	if !c.Root && !c.Data && !c.Signing {
		return usage("which? Give --root, --data-keys, --signing or --all")
	}
	ctx := context.Background()
	m, err := c.manage(ctx, con)
	if err != nil {
		return err
	}
	defer m.close()
	for _, part := range []struct {
		wanted bool
		rotate func(context.Context) error
	}{{c.Root, m.rotateRoot}, {c.Data, m.rotateData}, {c.Signing, m.rotateSigning}} {
		if part.wanted {
			if err := part.rotate(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// rotateRoot makes a new root key and seals all data keys with it. Where an earlier rotation was interrupted, it is brought
// to its end instead: the key before the last must not be forgotten while something is sealed with it.
func (m *managed) rotateRoot(ctx context.Context) error {
	left, err := m.vault.RotateRoot(ctx)
	if err != nil {
		return done(err)
	}
	if left > 0 {
		m.con.printf("flowforge: %s sealed with the present root key, which an earlier rotation had left\n", human.Count(left, "data key"))
		return nil
	}
	if err := m.source.Rotate(); err != nil {
		return usage("%w", err)
	}
	if m.vault, err = openVault(ctx, m.source, m.stores); err != nil {
		return err
	}
	sealed, err := m.vault.RotateRoot(ctx)
	if err != nil {
		return done(err)
	}
	m.con.printf("flowforge: a new root key is in %s, and %s sealed with it; keep a copy elsewhere. "+
		"The one before stays there until the next rotation\n", human.Line(m.source.Folder), human.Count(sealed, "data key"))
	return done(m.stores.AppendAudit(ctx, hostEntry("", "keys.rotate_root")))
}

// rotateData makes a new data key for every workspace, and seals its credentials with it.
func (m *managed) rotateData(ctx context.Context) error {
	all, err := m.workspaces(ctx)
	if err != nil {
		return done(err)
	}
	for _, workspace := range append([]auth.Workspace{{Name: "the installation"}}, all...) {
		count, err := m.vault.RotateData(ctx, m.stores, workspace.ID, hostEntry(workspace.ID, "keys.rotate_data"))
		if err != nil {
			return done(err)
		}
		m.con.printf("flowforge: %s: a new data key, and %s sealed with it\n", human.Line(workspace.Name), human.Count(count, "credential"))
	}
	return nil
}

func (m *managed) rotateSigning(ctx context.Context) error {
	if err := m.tokens.Rotate(ctx, hostEntry("", "keys.rotate_signing")); err != nil {
		return done(err)
	}
	m.con.printf("flowforge: access tokens are signed with the next key\n")
	return nil
}

// hostEntry is what who runs the installation has done, for the audit log.
func hostEntry(workspace flowforge.Workspace, action string) auth.Entry {
	return auth.Entry{Workspace: workspace, At: time.Now().UTC().Truncate(time.Microsecond), Kind: auth.KindHost, Action: action}
}
