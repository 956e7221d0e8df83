package main

import (
	"context"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
)

// workflowCommand is `flowforge workflow`.
type workflowCommand struct {
	Save     workflowSaveCommand     `cmd:"" help:"Save a document as the draft of the workflow of its name."`
	Publish  workflowPublishCommand  `cmd:"" help:"Make the draft the next version, which runs use from now on."`
	List     workflowListCommand     `cmd:"" help:"List the workflows."`
	Show     workflowShowCommand     `cmd:"" help:"Print the document of a workflow."`
	Versions workflowVersionsCommand `cmd:"" help:"List the versions of a workflow, newest first."`
	Diff     workflowDiffCommand     `cmd:"" help:"Tell what differs between two versions, node by node."`
	Rollback workflowRollbackCommand `cmd:"" help:"Let runs use an older version again."`
}

// savedResult is what --json prints of a version of a workflow.
type savedResult struct {
	ID        flowforge.WorkflowID `json:"id"`
	Name      string               `json:"name"`
	Version   int                  `json:"version,omitempty"`   // none: the draft
	Published int                  `json:"published,omitempty"` // the version that runs use; none: there is none yet
	Hash      string               `json:"hash,omitempty"`
	SavedAt   time.Time            `json:"saved_at"`
}

func resultOfSaved(saved store.SavedWorkflow) savedResult {
	return savedResult{
		ID: saved.ID, Name: saved.Name, Version: max(saved.Version, 0), Published: saved.Published,
		Hash: saved.Document.Hash, SavedAt: utc(saved.SavedAt),
	}
}

// workflowFlags are those of all commands about workflows.
type workflowFlags struct {
	storeFlags
	JSON bool `name:"json" help:"Print JSON: {id, name, version, published, saved_at}, or a list of them."`
}

// tellSaved tells of a workflow after something was done to it.
func (w *workflowFlags) tellSaved(con *console, saved store.SavedWorkflow, format string, args ...any) error {
	if w.JSON {
		return con.printJSON(resultOfSaved(saved))
	}
	return con.tell(format, args...)
}

// workflowSaveCommand is `flowforge workflow save`.
type workflowSaveCommand struct {
	File string `arg:"" help:"The workflow document, in YAML or JSON; - reads standard input."`
	workflowFlags
	Publish    bool `help:"Publish it, too."`
	EnableCode bool `help:"Check nodes that run JavaScript as if they were allowed."`
}

// Run saves a document.
func (w *workflowSaveCommand) Run(con *console) error {
	types, err := newRegistry(nil, w.EnableCode)
	if err != nil {
		return err
	}
	document, err := con.readDocument(w.File, types)
	if err != nil {
		return err
	}
	document.print(con)
	if !document.isValid() {
		failures, _ := document.tally()
		return usage("%s has %s: nothing was saved", document.file.Name, human.Count(failures, "problem"))
	}
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	name := document.asDocument().Name
	saved, err := s.engine.Save(s.telling(ctx, "workflow.save"), s.workspace, document.asDocument())
	if err != nil {
		return err
	}
	if !w.Publish {
		return w.tellSaved(con, saved, "workflow %s: the draft is saved; flowforge workflow publish %[1]s makes it a version", human.Line(name))
	}
	if saved, err = s.engine.Publish(s.telling(ctx, "workflow.publish"), s.workspace, name); err != nil {
		return err
	}
	return w.tellSaved(con, saved, "workflow %s: version %d is published", human.Line(name), saved.Version)
}

// workflowPublishCommand is `flowforge workflow publish`.
type workflowPublishCommand struct {
	Name string `arg:"" help:"The workflow's name."`
	workflowFlags
}

// Run publishes a draft.
func (w *workflowPublishCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	saved, err := s.engine.Publish(s.telling(ctx, "workflow.publish"), s.workspace, w.Name)
	if err != nil {
		return noWorkflow(err)
	}
	return w.tellSaved(con, saved, "workflow %s: version %d is published", human.Line(w.Name), saved.Version)
}

// workflowListCommand is `flowforge workflow list`.
type workflowListCommand struct{ workflowFlags }

// Run lists the workflows.
func (w *workflowListCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	list := []savedResult{}
	for after := ""; ; {
		page, err := s.store.ListWorkflows(ctx, s.workspace, after, runsPage)
		if err != nil {
			return err
		}
		for _, saved := range page {
			list, after = append(list, resultOfSaved(saved)), saved.Name
		}
		if len(page) < runsPage {
			break
		}
	}
	if w.JSON {
		return con.printJSON(list)
	}
	rows := [][]string{{"WORKFLOW", "PUBLISHED", "DRAFT SAVED"}}
	for _, saved := range list {
		published := "-"
		if saved.Published > 0 {
			published = strconv.Itoa(saved.Published)
		}
		rows = append(rows, []string{human.Line(saved.Name), published, human.Age(saved.SavedAt, time.Now())})
	}
	return human.Table(con.out, rows)
}

// workflowVersionsCommand is `flowforge workflow versions`.
type workflowVersionsCommand struct {
	Name string `arg:"" help:"The workflow's name."`
	workflowFlags
	Limit int `default:"50" placeholder:"N" help:"At most so many (default: 50)."`
}

// Run lists the versions of a workflow.
func (w *workflowVersionsCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	versions, err := s.engine.Versions(ctx, s.workspace, w.Name, 0, w.Limit)
	if err != nil {
		return noWorkflow(err)
	}
	list := make([]savedResult, len(versions))
	rows := [][]string{{"VERSION", "PUBLISHED", "HASH", ""}}
	for i, saved := range versions {
		list[i] = resultOfSaved(saved)
		mark := ""
		if saved.Version == saved.Published {
			mark = "runs use it"
		}
		rows = append(rows, []string{
			strconv.Itoa(saved.Version), human.Age(saved.SavedAt, time.Now()), human.Shorten(saved.Document.Hash, shortHash), mark,
		})
	}
	if w.JSON {
		return con.printJSON(list)
	}
	return human.Table(con.out, rows)
}

// shortHash is how many characters of a hash people are shown.
const shortHash = 12

// workflowShowCommand is `flowforge workflow show`.
type workflowShowCommand struct {
	Name string `arg:"" help:"The workflow's name."`
	storeFlags
	Version string `placeholder:"N" help:"A version, or draft (default: the published version, or else the draft)."`
	JSON    bool   `name:"json" help:"Print it as JSON, instead of YAML."`
}

// Run prints the document of a workflow.
func (w *workflowShowCommand) Run(con *console) error {
	version, err := parseVersion(w.Version)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	_, workflow, err := s.saved(ctx, w.Name, version)
	if err != nil && w.Version == "" {
		_, workflow, err = s.saved(ctx, w.Name, store.DraftVersion)
	}
	if err != nil {
		return err
	}
	format := doc.YAML
	if w.JSON {
		format = doc.JSON
	}
	text, err := doc.Write(workflow, format)
	if err != nil {
		return err
	}
	_, err = con.out.Write(text)
	return err
}

// workflowRollbackCommand is `flowforge workflow rollback`.
type workflowRollbackCommand struct {
	Name string `arg:"" help:"The workflow's name."`
	workflowFlags
	To int `required:"" placeholder:"N" help:"The version that runs use from now on."`
}

// Run makes an older version the published one.
func (w *workflowRollbackCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := w.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	saved, err := s.engine.Rollback(s.telling(ctx, "workflow.rollback"), s.workspace, w.Name, w.To)
	if err != nil {
		return noVersion(err, w.Name)
	}
	return w.tellSaved(con, saved, "workflow %s: runs use version %d from now on", human.Line(w.Name), w.To)
}

func noWorkflow(err error) error {
	return notThere(err, "flowforge workflow list tells which workflows there are")
}
