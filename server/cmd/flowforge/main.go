// Command flowforge runs and checks workflow documents, without a server: `flowforge run FILE` runs one from its
// start to its end in this process, `flowforge validate FILE` tells its problems, `flowforge nodes` lists what it
// may be made of. It prints results on standard output and everything else on standard error.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(execute(os.Args[1:], &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, lookupEnv: os.LookupEnv, signals: signals, exit: os.Exit,
	}))
}
