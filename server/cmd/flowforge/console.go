package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// console is all that the program has to do with the world around it.
type console struct {
	in        io.Reader
	out, err  io.Writer
	lookupEnv func(name string) (string, bool)
	listen    func() (signals <-chan os.Signal, stop func()) // takes over interrupts
	exit      func(status int)                               // at once

	debug   bool
	inTaken string // what has read standard input
}

// stdinName is what messages call a document that was read from standard input.
const stdinName = "<stdin>"

// printf writes to standard error. Nobody can be told where that fails.
func (c *console) printf(format string, args ...any) { _, _ = fmt.Fprintf(c.err, format, args...) }

// read reads a file, or standard input where its name is "-"; that can be had only once.
func (c *console) read(name, forWhat string) ([]byte, error) {
	from := c.in
	if name == "-" {
		if c.inTaken != "" {
			return nil, usage("standard input is read for %s already and cannot be read for %s too", c.inTaken, forWhat)
		}
		c.inTaken = forWhat
	} else {
		file, err := os.Open(name) //nolint:gosec // It is the user who names it.
		if err != nil {
			return nil, unreadable(forWhat, name, err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, doc.MaxSize+1<<20)) // the reader of documents says that it is too large
	if err != nil {
		return nil, unreadable(forWhat, name, err)
	}
	return text, nil
}

func unreadable(what, name string, err error) error {
	if path, ok := err.(*os.PathError); ok { //nolint:errorlint // Wrapped, it would say more than the cause.
		err = path.Err
	}
	return usage("cannot read %s %s: %w", what, human.Line(name), err)
}

// terminal reports whether a file leads to a terminal.
func terminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }
