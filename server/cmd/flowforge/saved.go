package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
)

// parseVersion reads a version: a number, "draft", or nothing for the published one.
func parseVersion(text string) (int, error) {
	switch text {
	case "", "published":
		return store.PublishedVersion, nil
	case "draft":
		return store.DraftVersion, nil
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < 1 {
		return 0, usage("a version is a number from 1 on, draft or published, and not %q", human.Line(text))
	}
	return version, nil
}

// versionName is what people call a version.
func versionName(version int) string {
	if version == store.DraftVersion {
		return "draft"
	}
	return strconv.Itoa(version)
}

// loadSaved reads a saved workflow that is to be run; the document knows the version it is.
func (s *session) loadSaved(ctx context.Context, name string, version int, types *nodes.Registry) (*document, error) {
	saved, workflow, err := s.saved(ctx, name, version)
	if err != nil {
		return nil, err
	}
	compiled, problems := dag.Compile(workflow, types, dag.Limits{})
	file := &doc.File{Name: fmt.Sprintf("%s (%s)", name, versionName(saved.Version)), Format: doc.JSON, Workflow: workflow}
	loaded := &document{file: file, workflow: compiled, problems: file.Locate(problems), version: saved.Version}
	if err := problems.Err(); err != nil {
		loaded.workflow = nil
		loaded.print(s.con)
		return nil, usage("%s cannot be run here: %w", file.Name, err)
	}
	return loaded, nil
}

// saved reads a version of a workflow.
func (s *session) saved(ctx context.Context, name string, version int) (store.SavedWorkflow, *flowforge.Workflow, error) {
	saved, err := s.store.Workflow(ctx, s.workspace, name, version)
	if err != nil {
		return saved, nil, noWorkflow(err)
	}
	workflow, err := flowforge.DecodeWorkflow(saved.Document.Text.JSON())
	return saved, workflow, err
}

// notThere makes an error about something that was not found one of usage, with what to do about it.
func notThere(err error, hint string) error {
	if flowforge.CodeOf(err) != flowforge.CodeNotFound {
		return err
	}
	return usage("%w: %s", err, hint)
}
