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
	os.Exit(execute(os.Args[1:], &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, lookupEnv: os.LookupEnv, listen: listen, exit: os.Exit,
	}))
}

// listen takes over interrupts until stop is called; before and after they end the program.
func listen() (signals <-chan os.Signal, stop func()) {
	taken := make(chan os.Signal, 2)
	signal.Notify(taken, os.Interrupt, syscall.SIGTERM)
	return taken, func() { signal.Stop(taken) }
}
