//go:build linux || darwin

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// patience is how long it takes before what did not work is tried again.
const patience = 50 * time.Millisecond

// starter starts runs, as a process does that answers requests: it owns none.
type starter struct {
	file, keys                  string
	from, atOnce, watch, cancel int
	pause                       time.Duration

	engine   *engine.Engine
	document *flowforge.Workflow
	watchers chan struct{} // one for each that watches
	watching sync.WaitGroup
}

// run starts the runs with the keys up to count, each with a key of its own, and says which are acknowledged. It ends
// when those that it watches have ended.
func (s *starter) run(ctx context.Context, e *engine.Engine, count int) error {
	text, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	if s.document, err = flowforge.DecodeWorkflow(text); err != nil {
		return err
	}
	s.engine, s.watchers = e, make(chan struct{}, s.watch)
	numbers, failures := make(chan int), make(chan error, s.atOnce)
	var all sync.WaitGroup
	for range s.atOnce {
		all.Go(func() {
			for n := range numbers {
				if err := s.start(ctx, n); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	for n := s.from; n < count && err == nil; n++ {
		select {
		case numbers <- n:
			<-time.After(s.pause)
		case err = <-failures:
		}
	}
	close(numbers)
	all.Wait()
	s.watching.Wait()
	select {
	case err = <-failures:
	default:
	}
	return err
}

// start starts a run. As those do who ask for one, it asks again where the store is away.
func (s *starter) start(ctx context.Context, n int) error {
	request := engine.StartRequest{
		Document: s.document, IdempotencyKey: s.keys + strconv.Itoa(n), Input: flowforge.MustValue(map[string]any{"number": n}),
	}
	run, err := s.engine.Start(ctx, request)
	for flowforge.CodeOf(err) == flowforge.CodeUnavailable && ctx.Err() == nil {
		fmt.Println("unavailable", request.IdempotencyKey, err)
		<-time.After(patience)
		run, err = s.engine.Start(ctx, request)
	}
	if err != nil {
		return err
	}
	fmt.Println("started", request.IdempotencyKey, run.ID)
	if s.cancel > 0 && n%s.cancel == 0 {
		if err := s.engine.Cancel(ctx, run.Workspace, run.ID, "the starter wants it"); err == nil {
			fmt.Println("canceled", run.ID)
		}
	}
	select {
	case s.watchers <- struct{}{}:
		s.watching.Go(func() { s.await(ctx, run) })
	default:
	}
	return nil
}

// await waits for the end of a run.
func (s *starter) await(ctx context.Context, run flowforge.Run) {
	defer func() { <-s.watchers }()
	for ctx.Err() == nil {
		ended, err := s.engine.Wait(ctx, run.Workspace, run.ID)
		if ended.Status.Terminal() {
			fmt.Println("ended", run.ID, ended.Status)
			return
		}
		fmt.Println("lost sight of", run.ID, err)
		<-time.After(patience)
	}
}
