package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand is `flowforge version`.
type versionCommand struct {
	JSON bool `name:"json" help:"Print an object: {version, revision, time, modified, go, platform}."`
}

// buildFacts say what the program was built from.
type buildFacts struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the sources
	Time     string `json:"time,omitempty"`     // of the revision, RFC 3339
	Modified bool   `json:"modified"`           // the sources were changed since
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run says which version this is.
func (v *versionCommand) Run(con *console) error {
	facts := factsOfBuild()
	if v.JSON {
		return json.NewEncoder(con.out).Encode(facts)
	}
	_, err := fmt.Fprintf(con.out, "flowforge %s (%s, %s)\n", facts.Version, facts.Go, facts.Platform)
	return err
}

func factsOfBuild() buildFacts {
	facts := buildFacts{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			facts.Version = info.Main.Version
		}
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				facts.Revision = setting.Value
			case "vcs.time":
				facts.Time = setting.Value
			case "vcs.modified":
				facts.Modified = setting.Value == "true"
			}
		}
	}
	return facts
}
