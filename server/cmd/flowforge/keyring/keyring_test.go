package keyring_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/keyring"
)

func source(folder string, variables map[string]string) keyring.Source {
	return keyring.Source{Folder: folder, LookupEnv: func(name string) (string, bool) {
		value, found := variables[name]
		return value, found
	}}
}

func newKey(t *testing.T) (vault.Key, string) {
	t.Helper()
	key, text, err := vault.NewKey(rand.Reader)
	require.NoError(t, err)
	return key, text
}

func TestTheFirstStartMakesKeys(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	s := source(folder, nil)
	_, err := s.Roots()
	require.ErrorIs(t, err, keyring.ErrNone)
	require.NoError(t, s.Make())
	roots, err := s.Roots()
	require.NoError(t, err)
	pepper, err := s.Pepper()
	require.NoError(t, err)
	require.Len(t, pepper, 32)
	require.NotEqual(t, string(roots[0][:]), string(pepper))
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	require.NoError(t, s.Make(), "another process was faster")
	same, err := s.Roots()
	require.NoError(t, err)
	require.Equal(t, roots, same)

	require.NoError(t, os.Remove(filepath.Join(folder, "pepper.key")))
	_, err = s.Pepper()
	require.ErrorContains(t, err, "put "+filepath.Join(folder, "pepper.key")+" back")
	require.NoError(t, os.Chmod(filepath.Join(folder, "root.key"), 0o640))
	_, err = s.Roots()
	require.ErrorContains(t, err, "others can read")
}

func TestTheEnvironmentCountsMoreThanTheFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, source(folder, nil).Make())
	first, firstText := newKey(t)
	second, secondText := newKey(t)
	roots, err := source(folder, map[string]string{"FLOWFORGE_ROOT_KEY": firstText + " " + secondText}).Roots()
	require.NoError(t, err)
	require.Equal(t, []vault.Key{first, second}, roots)

	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(secondText+"\n"), 0o644))
	from := source(folder, map[string]string{"FLOWFORGE_ROOT_KEY_FILE": path, "FLOWFORGE_PEPPER": firstText})
	roots, err = from.Roots()
	require.NoError(t, err)
	require.Equal(t, []vault.Key{second}, roots)
	pepper, err := from.Pepper()
	require.NoError(t, err)
	require.Equal(t, first[:], pepper)
	require.ErrorIs(t, from.Rotate(), keyring.ErrElsewhere)

	for name, variables := range map[string]map[string]string{
		"empty":     {"FLOWFORGE_ROOT_KEY": ""},
		"short":     {"FLOWFORGE_ROOT_KEY": "c2hvcnQ="},
		"a sample":  {"FLOWFORGE_ROOT_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		"no file":   {"FLOWFORGE_ROOT_KEY_FILE": path + "x"},
		"one weak":  {"FLOWFORGE_ROOT_KEY": firstText + " password"},
		"a comment": {"FLOWFORGE_ROOT_KEY": "# " + firstText},
	} {
		_, err := source(folder, variables).Roots()
		require.Error(t, err, name)
		require.NotErrorIs(t, err, keyring.ErrNone, name)
		require.NotContains(t, err.Error(), "password")
	}
	_, err = source("", map[string]string{"FLOWFORGE_PEPPER": firstText + " " + secondText}).Pepper()
	require.ErrorContains(t, err, "more than one")
	_, err = source("", nil).Roots()
	require.ErrorIs(t, err, keyring.ErrNone)
}

func TestRootKeysOfTheFolderAreRotated(t *testing.T) {
	t.Parallel()
	s := source(t.TempDir(), nil)
	require.NoError(t, s.Make())
	first, err := s.Roots()
	require.NoError(t, err)
	require.NoError(t, s.Rotate())
	second, err := s.Roots()
	require.NoError(t, err)
	require.Equal(t, first[0], second[1])
	require.NotEqual(t, first[0], second[0])
	require.NoError(t, s.Rotate())
	third, err := s.Roots()
	require.NoError(t, err)
	require.Len(t, third, 2, "the first is forgotten")
	require.Equal(t, second[0], third[1])
}
