package main

import (
	"context"
	"errors"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server"
)

// openapiCommand is `flowforge openapi`.
type openapiCommand struct {
	YAML    bool   `name:"yaml" help:"Print YAML instead of JSON."`
	Version string `enum:"3.1,3.0" default:"3.1" placeholder:"3.1|3.0" help:"Of OpenAPI (default: 3.1)."`
}

// Run prints the document of the server's API.
func (o *openapiCommand) Run(con *console) error {
	made, err := engine.New(engine.Config{})
	if err != nil {
		return err
	}
	documents, err := server.Documents(server.Config{Engine: made, Version: factsOfBuild().Version})
	if err != nil {
		return err
	}
	name := "openapi"
	if o.Version != "3.1" {
		name += "-" + o.Version
	}
	if o.YAML {
		name += ".yaml"
	} else {
		name += ".json"
	}
	_, err = con.out.Write(append(documents[name], '\n'))
	return errors.Join(err, made.Close(context.Background()))
}
