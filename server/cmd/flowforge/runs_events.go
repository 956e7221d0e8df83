package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// runsEventsCommand is `flowforge runs events`.
type runsEventsCommand struct {
	oneRun
	After  int64 `placeholder:"SEQ" help:"Only events after this number."`
	Follow bool  `short:"f" help:"Go on telling until the run ends."`
	JSON   bool  `name:"json" help:"Print one event a line: {seq, kind, at, node, ...}."`
}

// Run tells what happened in a run.
func (r *runsEventsCommand) Run(con *console) error {
	ctx := context.Background()
	s, run, err := r.get(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := con.untilInterrupted(ctx)
	defer cancel()
	tell := con.tellEvent
	if r.JSON {
		encoder := json.NewEncoder(con.out)
		encoder.SetEscapeHTML(false)
		tell = func(event flowforge.Event) error { return encoder.Encode(event) }
	}
	err = s.events(ctx, run, r.After, r.Follow, tell)
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return &exit{status: exitInterrupted}
	}
	return err
}

// events gives the events of a run: those there are, or, to be followed, all until its end.
func (s *session) events(
	ctx context.Context, run flowforge.Run, after int64, follow bool, tell func(flowforge.Event) error,
) error {
	if follow {
		for event, err := range s.engine.Watch(ctx, run.Workspace, run.ID, after) {
			if err != nil {
				return err
			}
			if err := tell(event); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		page, err := s.store.Events(ctx, run.Workspace, run.ID, after, runsPage)
		if err != nil {
			return err
		}
		for _, event := range page {
			if err := tell(event); err != nil {
				return err
			}
			after = event.Seq
		}
		if len(page) < runsPage {
			return nil
		}
	}
}

// tellEvent writes an event for people.
func (c *console) tellEvent(event flowforge.Event) error {
	text := string(event.Kind)
	if event.Node != "" {
		text += " " + human.Label(event.Node, event.Element)
	}
	if event.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", event.Attempt)
	}
	if event.Reason != "" {
		text += ": " + human.Line(event.Reason)
	}
	if event.Error != nil {
		text += ": " + string(event.Error.Code) + ": " + human.Shorten(human.Line(event.Error.Message), human.MaxLine)
	}
	if !event.Data.IsNull() {
		text += " " + human.Shorten(human.Line(event.Data.String()), human.MaxLine)
	}
	number := "-"
	if event.Seq > 0 {
		number = strconv.FormatInt(event.Seq, 10)
	}
	return c.tell("%5s  %s  %s", number, event.At.Local().Format("2006-01-02 15:04:05.000"), text) //nolint:gosmopolitan // For who sits there.
}

// untilInterrupted gives a context that the first signal ends.
func (c *console) untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, stop := c.listen()
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		stop()
		close(done)
		cancel(nil)
	}
}
