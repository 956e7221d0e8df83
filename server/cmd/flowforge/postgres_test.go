package main

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// testPostgres names the variable with the URL of a server that tests may make databases on.
const testPostgres = "FLOWFORGE_TEST_POSTGRES"

// scriptDatabase makes a database for one script and sets a variable to its URL: database URL_VARIABLE.
func scriptDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: database VARIABLE")
	}
	server, err := url.Parse(os.Getenv(testPostgres))
	ts.Check(err)
	db, err := sql.Open("pgx", server.String())
	ts.Check(err)
	name := "flowforge_cli_" + rand.Text()
	_, err = db.Exec(`CREATE DATABASE "` + name + `"`)
	ts.Check(err)
	ts.Defer(func() {
		_, err := db.Exec(`DROP DATABASE "` + name + `" WITH (FORCE)`)
		_ = db.Close()
		ts.Check(err)
	})
	own := *server
	own.Path = "/" + name
	ts.Setenv(args[0], own.String())
}

// scriptCondition tells whether there is what a script needs.
func scriptCondition(name string) (bool, error) {
	if name == "postgres" {
		return os.Getenv(testPostgres) != "", nil
	}
	return false, nil
}
