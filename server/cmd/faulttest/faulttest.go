// Package faulttest is what the tests of faults share with the worker program that they start, kill, stop and cut
// off: the node types, whose effects are requests to the test's sink, and how a store is opened. Nothing of it is
// linked into flowforge.
package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/postgres"
	"github.com/flowforge-go/flowforge/store/sqlite"
)

// EffectType is the node type whose effect is a request to the sink.
const EffectType = "test.effect"

// Effect is the request: who does what for which time. The sink's answer is the node's output.
type Effect struct {
	Key     string           `json:"key"`
	Attempt int              `json:"attempt"`
	Run     flowforge.RunID  `json:"run"`
	Node    flowforge.NodeID `json:"node"`
	Element string           `json:"element"`
	PID     int              `json:"pid"`
	Began   time.Time        `json:"began"` // by the clock of the host
	Input   flowforge.Value  `json:"input"`
	Params  EffectParams     `json:"params"`
}

// EffectParams are the parameters of an effect.
type EffectParams struct {
	Fail   int                `json:"fail,omitempty"`   // how many answers of the sink are errors, before one is none
	Gate   string             `json:"gate,omitempty"`   // the sink does not answer before the test opens this gate
	Takes  flowforge.Duration `json:"takes,omitempty"`  // how long the attempt lasts after the answer
	Poison string             `json:"poison,omitempty"` // what it does instead of ending: panic, exit, hang
	Given  flowforge.Value    `json:"given,omitzero"`   // whatever the effect depends on
}

// The poisons.
const (
	PoisonPanic = "panic"
	PoisonExit  = "exit"
	PoisonHang  = "hang" // it does not heed its context
)

// Types gives the built-in types and the effect, whose requests go to the URL.
func Types(url string) []nodes.Type {
	do := func(ctx context.Context, call *nodes.Call, params EffectParams) (flowforge.Value, error) {
		answer, err := send(ctx, url, call, params)
		if err != nil {
			return flowforge.Value{}, err
		}
		switch params.Poison {
		case PoisonPanic:
			panic("poison")
		case PoisonExit:
			os.Exit(3)
		case PoisonHang:
			select {}
		}
		if params.Takes > 0 {
			over := time.NewTimer(params.Takes.Std())
			defer over.Stop()
			select {
			case <-over.C:
			case <-ctx.Done():
				return flowforge.Value{}, ctx.Err()
			}
		}
		return answer, nil
	}
	return append(builtin.Types(), nodes.Define(nodes.Spec{
		Type: EffectType, Version: 1, Title: "Effect", Category: "test", Kind: nodes.Effectful,
		Doc: "Asks the sink of the test for an effect.",
	}, do))
}

func send(ctx context.Context, url string, call *nodes.Call, params EffectParams) (flowforge.Value, error) {
	text, err := json.Marshal(Effect{
		Key: call.IdempotencyKey(), Attempt: call.Attempt, Run: call.Run, Node: call.Node, Element: call.Element,
		PID: os.Getpid(), Began: time.Now(), Input: call.Input, Params: params,
	})
	if err != nil {
		return flowforge.Value{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return flowforge.Value{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return flowforge.Value{}, fmt.Errorf("ask the sink: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return flowforge.Value{}, flowforge.Errorf(flowforge.CodeNodeFailed, "the sink answers %s", response.Status)
	}
	var answer flowforge.Value
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer, err
}

// Open opens the store of an address: sqlite:FILE or postgres://... with few connections, since many workers share
// the server of a test.
func Open(ctx context.Context, address string) (store.Store, error) {
	if path, is := strings.CutPrefix(address, "sqlite:"); is {
		return sqlite.Open(ctx, path, sqlite.Config{})
	}
	return postgres.Open(ctx, address, postgres.Config{Connections: 3})
}
