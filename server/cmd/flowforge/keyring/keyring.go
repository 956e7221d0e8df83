// Package keyring finds the secrets of an installation that are not in its store (S2): the root keys, which seal what the
// store keeps, and the pepper, which goes into hashes. They come from the environment, from files that it names, or from
// the data folder, where the first start makes them.
package keyring

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowforge-go/flowforge/auth/vault"
)

// The environment variables. Each has a sister with "_FILE" behind it, which names a file.
const (
	RootVariable   = "FLOWFORGE_ROOT_KEY"
	PepperVariable = "FLOWFORGE_PEPPER"
)

// The files in the data folder.
const (
	rootFile   = "root.key"
	pepperFile = "pepper.key"
)

// ErrNone tells that there is no root key anywhere.
var ErrNone = errors.New("there is no root key")

// A Source is where secrets come from. Folder may be empty: then the environment alone says them.
type Source struct {
	Folder    string
	LookupEnv func(name string) (string, bool)
}

// Roots gives the root keys, the present one first, or ErrNone. They are written with white space between them.
func (s Source) Roots() ([]vault.Key, error) { return s.read(RootVariable, rootFile) }

// Pepper gives the pepper. Without one where there are root keys something is lost: another would fit no API key.
func (s Source) Pepper() ([]byte, error) {
	keys, err := s.read(PepperVariable, pepperFile)
	switch {
	case errors.Is(err, ErrNone):
		return nil, fmt.Errorf("there is a root key and no pepper: put %s back, or set %s", s.path(pepperFile), PepperVariable)
	case err != nil:
		return nil, err
	case len(keys) > 1:
		return nil, errors.New("there is more than one pepper: no API key fits a second one")
	}
	return keys[0][:], nil
}

// Make makes the files of the data folder that are not there; another process may do so at the same moment.
func (s Source) Make() error {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	for _, name := range []string{pepperFile, rootFile} { // the root key is the last, so that where it is all is
		_, text, err := vault.NewKey(rand.Reader)
		if err != nil {
			return err
		}
		err = s.write(name, text+"\n", os.Link) // it replaces nothing
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// ErrElsewhere tells that root keys are not this program's to change.
var ErrElsewhere = fmt.Errorf("the root keys are given by the environment: put a new one before the present one in %s, "+
	"start all servers and workers again, and do this again", RootVariable)

// Rotate puts a new root key before the present one in the data folder. The one before stays, since a server that was
// just about to seal something with it may do so; those before that are forgotten.
func (s Source) Rotate() error {
	if _, where, err := s.find(RootVariable, rootFile); err != nil || where != s.path(rootFile) {
		return errors.Join(err, ErrElsewhere)
	}
	text, err := os.ReadFile(s.path(rootFile))
	if err != nil {
		return fmt.Errorf("read the root key: %w", err)
	}
	_, made, err := vault.NewKey(rand.Reader)
	if err != nil {
		return err
	}
	return s.write(rootFile, made+"\n"+strings.Fields(string(text))[0]+"\n", os.Rename)
}

func (s Source) path(name string) string { return filepath.Join(s.Folder, name) }

// read gives the keys that stand somewhere.
func (s Source) read(variable, name string) ([]vault.Key, error) {
	text, where, err := s.find(variable, name)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s is empty", where)
	}
	keys := make([]vault.Key, len(fields))
	for i, field := range fields {
		if keys[i], err = vault.ParseKey(field); err != nil {
			return nil, fmt.Errorf("%s, key %d: %w", where, i+1, err)
		}
	}
	return keys, nil
}

// find gives a text and where it stands.
func (s Source) find(variable, name string) (text, where string, err error) {
	if text, found := s.LookupEnv(variable); found {
		return text, variable, nil
	}
	if path, found := s.LookupEnv(variable + "_FILE"); found { // whoever gives it to us says who may read it
		octets, err := os.ReadFile(path) //nolint:gosec // It is the user who names the file.
		if err != nil {
			return "", "", fmt.Errorf("%s_FILE: %w", variable, err)
		}
		return string(octets), path, nil
	}
	if s.Folder == "" {
		return "", "", ErrNone
	}
	path := s.path(name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", ErrNone
	case err != nil:
		return "", "", fmt.Errorf("find a key: %w", err)
	}
	const others = 0o077
	if info.Mode().Perm()&others != 0 {
		return "", "", fmt.Errorf("others can read %s: chmod 600 it, and think about who has read it", path)
	}
	octets, err := os.ReadFile(path) //nolint:gosec // It is the user who names the folder.
	if err != nil {
		return "", "", fmt.Errorf("read a key: %w", err)
	}
	return string(octets), path, nil
}

// write writes a file that nobody sees half of.
func (s Source) write(name, text string, place func(from, to string) error) error {
	file, err := os.CreateTemp(s.Folder, name) // that is 0600
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // after a rename it is not there any more
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	if err := place(file.Name(), s.path(name)); err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return nil
}
