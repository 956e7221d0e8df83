//go:build linux || darwin

package faulttest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a PostgreSQL of a test's own, with initdb's settings, so with fsync.
type server struct {
	t        *testing.T
	programs string
	data     string
	port     int
	as       *syscall.Credential // PostgreSQL refuses root
	cmd      *exec.Cmd
	ended    chan struct{}
	log      output
	address  string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, programs: findPrograms(t), port: freePort(t)}
	folder := t.TempDir()
	s.data = filepath.Join(folder, "data")
	if os.Getuid() == 0 {
		s.as = ownerOf(t)
		for _, dir := range []string{folder, filepath.Dir(folder)} {
			require.NoError(t, os.Chmod(dir, 0o711))
		}
		require.NoError(t, os.Chown(folder, int(s.as.Uid), int(s.as.Gid)))
	}
	password := rand.Text()
	file := filepath.Join(folder, "password")
	require.NoError(t, os.WriteFile(file, []byte(password), 0o644))
	initdb := s.command("initdb", "-D", s.data, "-U", "flowforge", "--encoding=UTF8", "--locale=C", "--auth=password", "--pwfile="+file)
	said, err := initdb.CombinedOutput()
	require.NoError(t, err, "%s", said)
	s.address = fmt.Sprintf("postgres://flowforge:%s@127.0.0.1:%d/postgres?sslmode=disable", password, s.port)
	s.start()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.ended
		if t.Failed() {
			t.Logf("PostgreSQL:\n%s", tail(s.log.String()))
		}
	})
	return s
}

// findPrograms gives the folder of PostgreSQL's programs.
func findPrograms(t *testing.T) string {
	t.Helper()
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, more := range []string{"/usr/local/opt/postgresql*/bin", "/opt/homebrew/opt/postgresql*/bin"} {
		found, _ := filepath.Glob(more)
		folders = append(folders, found...)
	}
	slices.Reverse(folders)
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = slices.Insert(folders, 0, filepath.Dir(path))
	}
	for _, folder := range folders {
		if isFile(filepath.Join(folder, "postgres")) && isFile(filepath.Join(folder, "initdb")) {
			return folder
		}
	}
	require.FailNow(t, "PostgreSQL is missing", "this test starts one of its own: install it, as with `apt-get install postgresql`")
	return ""
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ownerOf gives who runs PostgreSQL where that is not who runs the test.
func ownerOf(t *testing.T) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(found.Uid, 10, 32)
			gid, _ := strconv.ParseUint(found.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	require.FailNow(t, "PostgreSQL refuses to be run by root, and there is no user postgres or nobody")
	return nil
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (s *server) command(name string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.programs, name), arguments...)
	cmd.Dir = filepath.Dir(s.data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return cmd
}

// start starts the server, again perhaps, and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	eventually(s.t, recovery, func() string {
		s.cmd = s.command("postgres", "-D", s.data, "-p", strconv.Itoa(s.port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=100")
		s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
		require.NoError(s.t, s.cmd.Start())
		ended, cmd := make(chan struct{}), s.cmd
		s.ended = ended
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		for {
			err := execute(s.t, s.address, "SELECT 1")
			if err == nil {
				return ""
			}
			select {
			case <-ended: // processes of the one before it are not gone yet
				return "PostgreSQL does not start: " + err.Error()
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
}

// kill ends the server as kill -9 does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// set changes a setting of the running server.
func (s *server) set(setting, value string) {
	s.t.Helper()
	// In a transaction that may write whatever the setting is now.
	require.NoError(s.t, errors.Join(
		execute(s.t, s.address, "ALTER SYSTEM SET "+setting+" = "+value),
		execute(s.t, s.address, "SELECT pg_reload_conf()"),
	))
	eventually(s.t, recovery, func() string {
		if now := s.show(setting); !strings.EqualFold(now, value) {
			return setting + " is " + now
		}
		return ""
	})
}
