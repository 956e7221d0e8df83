package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// mainWorkspace is the one workspace that the server has.
const mainWorkspace flowforge.Workspace = "main"

const (
	tokenFile   = "admin.token"
	tokenPrefix = "ff_admin_"
	tokenBytes  = 32
)

// adminToken is the one token of the server, of which it remembers the hash.
type adminToken struct {
	hash  [sha256.Size]byte
	path  string // of its file
	fresh bool   // it was made just now
}

// openToken reads the token of a data folder, or makes one there that only the folder's owner can read.
func openToken(folder string) (*adminToken, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, usage("--data: %w", err)
	}
	path := filepath.Join(folder, tokenFile)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // It is the user who names the folder.
	switch {
	case errors.Is(err, fs.ErrExist):
		return readToken(path)
	case err != nil:
		return nil, usage("--data: %w", err)
	}
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails
	text := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	if _, err = file.WriteString(text + "\n"); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return &adminToken{hash: sha256.Sum256([]byte(text)), path: path, fresh: true}, nil
}

// readToken reads a token that is there. One that others can read, or that is short, is refused.
func readToken(path string) (*adminToken, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage("--data: %w", err)
	}
	const others = 0o077
	if info.Mode().Perm()&others != 0 {
		return nil, usage("others can read %s: chmod 600 it, or remove it to have another one made", human.Line(path))
	}
	text, err := os.ReadFile(path) //nolint:gosec // It is the user who names the folder.
	if err != nil {
		return nil, usage("--data: %w", err)
	}
	trimmed := strings.TrimSpace(string(text))
	secret, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(trimmed, tokenPrefix))
	if err != nil || len(secret) != tokenBytes || !strings.HasPrefix(trimmed, tokenPrefix) {
		return nil, usage("%s holds no token: remove it to have one made", human.Line(path))
	}
	return &adminToken{hash: sha256.Sum256([]byte(trimmed)), path: path}, nil
}

// Authenticate knows who sends the token: the owner of the one workspace.
func (t *adminToken) Authenticate(r *http.Request) (*auth.Principal, error) {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, nil //nolint:nilnil // Nobody says who they are.
	}
	hash := sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(hash[:], t.hash[:]) != 1 {
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "the token is not good")
	}
	return &auth.Principal{
		Kind: auth.KindService, User: "admin", Name: "the admin token", Workspace: mainWorkspace,
		Role: auth.RoleOwner, Permissions: auth.RoleOwner.Permissions(), Admin: true,
	}, nil
}
