package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/store"
)

// Validate finds all problems of a document; a document without problems that are more than warnings can be
// run.
func (e *Engine) Validate(document *flowforge.Workflow) flowforge.Problems {
	_, problems := dag.Compile(document, e.config.Nodes, e.config.Limits)
	return problems
}

// Save makes a document the draft of the workflow of its name. One with problems is refused.
func (e *Engine) Save(ctx context.Context, workspace flowforge.Workspace, document *flowforge.Workflow) (store.SavedWorkflow, error) {
	if err := e.Validate(document).Err(); err != nil {
		return store.SavedWorkflow{}, err
	}
	text, err := textOf(document)
	if err != nil {
		return store.SavedWorkflow{}, err
	}
	return e.config.Store.SaveDraft(ctx, workspace, store.SavedWorkflow{
		Name: document.Name, Document: text, SavedAt: e.clock.Now(),
	})
}

// Publish makes the draft of a workflow its next version, which starts use from now on. Its nodes of type
// trigger.schedule become schedules; those of versions before that it does not have are forgotten.
func (e *Engine) Publish(ctx context.Context, workspace flowforge.Workspace, name string) (store.SavedWorkflow, error) {
	draft, err := e.config.Store.Workflow(ctx, workspace, name, store.DraftVersion)
	if err != nil {
		return store.SavedWorkflow{}, err
	}
	if _, err := e.compile(draft.Document, flowforge.WorkflowRef{}); err != nil {
		return store.SavedWorkflow{}, err
	}
	return e.publishing(ctx, workspace, draft, func() (store.SavedWorkflow, error) {
		return e.config.Store.Publish(ctx, workspace, draft.ID, principalOf(ctx))
	})
}

// Rollback makes an older version of a workflow the one that starts use from now on.
func (e *Engine) Rollback(ctx context.Context, workspace flowforge.Workspace, name string, version int) (store.SavedWorkflow, error) {
	older, err := e.config.Store.Workflow(ctx, workspace, name, version)
	if err != nil {
		return store.SavedWorkflow{}, err
	}
	return e.publishing(ctx, workspace, older, func() (store.SavedWorkflow, error) {
		return e.config.Store.Rollback(ctx, workspace, older.ID, version)
	})
}

// Versions gives the published versions of a workflow, newest first, without documents, before the number `before`
// where it is not 0.
func (e *Engine) Versions(
	ctx context.Context, workspace flowforge.Workspace, name string, before, limit int,
) ([]store.SavedWorkflow, error) {
	draft, err := e.config.Store.Workflow(ctx, workspace, name, store.DraftVersion)
	if err != nil {
		return nil, err
	}
	return e.config.Store.Versions(ctx, workspace, draft.ID, before, limit)
}

func textOf(document *flowforge.Workflow) (store.Document, error) {
	value, err := flowforge.ValueOf(document)
	if err != nil {
		return store.Document{}, err
	}
	sum := sha256.Sum256(value.JSON())
	return store.Document{Hash: hex.EncodeToString(sum[:]), Text: value}, nil
}

// loaded is a workflow ready to be run.
type loaded struct {
	workflow *dag.Workflow
	needs    []string // what a worker must serve to run it, sorted
	text     store.Document
	ref      flowforge.WorkflowRef
	actsFor  string // whom its runs act for
}

// load finds and compiles what a request wants to run.
func (e *Engine) load(ctx context.Context, request StartRequest) (loaded, error) {
	if request.Document != nil {
		text, err := textOf(request.Document)
		if err != nil {
			return loaded{}, err
		}
		return e.compileFor(principalOf(ctx), text, flowforge.WorkflowRef{Name: request.Document.Name, Hash: text.Hash})
	}
	if request.Workflow == "" {
		return loaded{}, flowforge.Errorf(flowforge.CodeInvalidInput, "the request names no workflow: give a Document or the name of a saved one")
	}
	saved, err := e.config.Store.Workflow(ctx, request.Workspace, request.Workflow, request.Version)
	if err != nil {
		return loaded{}, err
	}
	ref := flowforge.WorkflowRef{ID: saved.ID, Name: saved.Name, Version: max(saved.Version, 0), Hash: saved.Document.Hash}
	by := saved.PublishedBy
	if saved.Version == store.DraftVersion {
		by = principalOf(ctx)
	}
	return e.compileFor(by, saved.Document, ref)
}

// loadRun finds and compiles what a claimed run was started with.
func (e *Engine) loadRun(ctx context.Context, run flowforge.Run) (loaded, error) {
	text, err := e.config.Store.Document(ctx, run.Workspace, run.Workflow.Hash)
	if err != nil {
		return loaded{}, err
	}
	return e.compileFor(run.ActsFor, text, run.Workflow)
}

// compileFor is compile for runs that act for somebody.
func (e *Engine) compileFor(principal string, text store.Document, ref flowforge.WorkflowRef) (loaded, error) {
	made, err := e.compile(text, ref)
	made.actsFor = principal
	return made, err
}

// compile compiles a document, or remembers that it has. It reads the text even where the caller has the
// document, whose owner may change it.
func (e *Engine) compile(text store.Document, ref flowforge.WorkflowRef) (loaded, error) {
	if known, err := e.compiled.byHash(text.Hash); err == nil {
		return loaded{workflow: known.workflow, needs: known.needs, text: known.text, ref: ref}, nil
	}
	document, err := flowforge.DecodeWorkflow(text.Text.JSON())
	if err != nil {
		return loaded{}, err
	}
	workflow, problems := dag.Compile(document, e.config.Nodes, e.config.Limits)
	if err := problems.Err(); err != nil {
		return loaded{}, err
	}
	needs := append(slices.Clone(workflow.NodeTypes), planType)
	slices.Sort(needs)
	made := loaded{workflow: workflow, needs: needs, text: text, ref: ref}
	e.compiled.add(made)
	return made, nil
}

// compiledCache remembers compiled documents. A document of a hash never changes.
type compiledCache struct {
	mu     sync.Mutex
	known  map[string]loaded
	oldest []string
}

// maxCompiled bounds how many compiled documents an engine remembers.
const maxCompiled = 256

func (c *compiledCache) byHash(hash string) (loaded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, found := c.known[hash]
	if !found {
		return loaded{}, flowforge.Errorf(flowforge.CodeNotFound, "the document %s is not compiled", hash)
	}
	return known, nil
}

func (c *compiledCache) add(made loaded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[string]loaded)
	}
	if _, known := c.known[made.text.Hash]; known {
		return
	}
	c.known[made.text.Hash] = made
	c.oldest = append(c.oldest, made.text.Hash)
	if len(c.oldest) > maxCompiled {
		delete(c.known, c.oldest[0])
		c.oldest = c.oldest[1:]
	}
}
