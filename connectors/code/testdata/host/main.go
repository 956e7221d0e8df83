// Command host is the program that runs scripts for the tests: what a host program does in a hidden subcommand.
package main

import (
	"os"

	"github.com/flowforge-go/flowforge/connectors/code"
)

func main() {
	if err := code.Child(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
}
