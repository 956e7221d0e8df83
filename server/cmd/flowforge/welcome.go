package main

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// What --dev makes.
const (
	devKeyFile   = "dev.key"
	devEmail     = "dev@flowforge.localhost"
	devWorkspace = "dev"
)

// welcome says where the server is and how to begin: with the key of --dev, or with a one-time token where there is nobody.
func (v *serveCommand) welcome(ctx context.Context, s *served, url string) error {
	key, token := "", ""
	var err error
	if v.Dev {
		key, err = v.devKey(ctx, s)
	} else if token, err = s.who.people.FirstAdmin(ctx); flowforge.CodeOf(err) == flowforge.CodeConflict {
		err = nil // there are users
	}
	if err != nil {
		return err
	}
	s.con.printf("flowforge: serving at %s (its reference: %s/docs)\n", url, url)
	if s.who.made {
		s.con.printf("flowforge: keys were made in %s; what the store keeps sealed cannot be opened without them: keep a copy elsewhere\n",
			human.Line(v.Data))
	}
	switch {
	case key != "":
		s.con.printf("flowforge: warning: --dev is for trying things out: whoever reads %s may do everything. Use it so:\n"+
			"  curl -H \"Authorization: Bearer $(cat %[1]s)\" %s/api/v1/me\n", human.Line(key), url)
	case token != "":
		s.con.printf("flowforge: there are no users yet. Within 60 minutes, make the first one, who may do everything:\n"+
			"  curl %s/api/v1/setup -H 'Content-Type: application/json' -d '{\"token\": \"%s\",\n"+
			"    \"email\": \"you@example.com\", \"name\": \"You\", \"password\": \"...\", \"workspace\": \"Main\"}'\n"+
			"or: flowforge user create you@example.com --admin --workspace Main --data %s\n", url, token, human.Line(v.Data))
	}
	if !isLoopback(v.Addr) && !strings.HasPrefix(v.PublicURL, "https:") {
		s.con.printf("flowforge: warning: others can reach %s, and it has no TLS: "+
			"put a proxy before it, and tell its address with --public-url https://...\n", human.Line(v.Addr))
	}
	return nil
}

// devKey gives the file with an API key that is good; it makes one where there is none.
func (v *serveCommand) devKey(ctx context.Context, s *served) (string, error) {
	path := filepath.Join(v.Data, devKeyFile)
	if text, err := os.ReadFile(path); err == nil { //nolint:gosec // It is the user who names the folder.
		if _, err := s.who.people.Authenticate(ctx, strings.TrimSpace(string(text))); err == nil {
			return path, nil
		}
	}
	user, err := s.who.people.FindUser(ctx, operator(""), devEmail)
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		user, err = s.who.people.CreateUser(ctx, operator(""), identity.NewUser{Email: devEmail, Name: "Dev", Password: rand.Text()}, true)
	}
	if err != nil {
		return "", err
	}
	workspace, err := s.who.ownWorkspace(ctx, user.ID)
	if err != nil {
		return "", err
	}
	_, key, err := s.who.people.CreateKey(ctx, operator(workspace), identity.NewKey{
		Name: "dev", User: user.ID, Scopes: auth.RoleOwner.Permissions(),
	})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", usage("--data: %w", err)
	}
	return path, nil
}

// ownWorkspace gives the first workspace of a user, which is made where there is none.
func (in *installation) ownWorkspace(ctx context.Context, user auth.UserID) (flowforge.Workspace, error) {
	mine, err := in.stores.WorkspacesOf(ctx, user)
	if err != nil {
		return "", err
	}
	if len(mine) > 0 {
		return mine[0].ID, nil
	}
	made, err := in.people.CreateWorkspaceFor(ctx, operator(""), user, devWorkspace)
	return made.ID, err
}
