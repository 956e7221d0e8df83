package main

import "context"

// migrateCommand is `flowforge migrate`.
type migrateCommand struct {
	storeFlags
	JSON bool `name:"json" help:"Print an object: {schema}."`
}

// Run brings a store's schema up to date, as every command does, and says its version.
func (m *migrateCommand) Run(con *console) error {
	kept, err := m.openDurable(context.Background())
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	versioned, ok := kept.(interface{ SchemaVersion() (int64, error) })
	if !ok {
		return con.tell("the schema is up to date")
	}
	version, err := versioned.SchemaVersion()
	if err != nil {
		return err
	}
	if m.JSON {
		return con.printJSON(map[string]int64{"schema": version})
	}
	return con.tell("the schema is up to date: version %d", version)
}
