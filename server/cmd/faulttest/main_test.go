//go:build linux || darwin

package faulttest_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// program is the built worker.
var program string

// count gives how many of something a test uses: few, or with FLOWFORGE_FAULTS=full, which `make faults` sets, many.
func count(few, many int) int {
	if os.Getenv("FLOWFORGE_FAULTS") == "full" {
		return many
	}
	return few
}

// seed decides what is left to chance: FLOWFORGE_FAULTS_SEED, or else another one each time.
var seed = sync.OnceValue(func() uint64 {
	if given, err := strconv.ParseUint(os.Getenv("FLOWFORGE_FAULTS_SEED"), 10, 64); err == nil {
		return given
	}
	return uint64(time.Now().UnixNano())
})

func TestMain(m *testing.M) { os.Exit(withProgram(m)) }

func withProgram(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowforge-faults")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "worker")
	build := exec.CommandContext(context.Background(), "go", "build", "-tags", "failpoints", "-o", program, "./worker")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the worker: %v\n%s", err, out)
		return 1
	}
	flag.Parse()
	if !isSet("test.parallel") { // they wait most of the time
		_ = flag.Set("test.parallel", "6")
	}
	return m.Run()
}

func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}
