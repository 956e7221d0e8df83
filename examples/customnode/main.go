// Command customnode runs a workflow with a node type of its own: a Go function whose parameters and result are
// structs. Their schemas, which check the document before anything runs, are made from the structs.
package main

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

// place is a point on the earth, in degrees.
type place struct {
	Latitude  float64 `json:"latitude" jsonschema:"minimum=-90,maximum=90" jsonschema_description:"North is positive."`
	Longitude float64 `json:"longitude" jsonschema:"minimum=-180,maximum=180" jsonschema_description:"East is positive."`
}

type distanceParams struct {
	From place `json:"from"`
	To   place `json:"to"`
}

type distanceResult struct {
	Kilometres float64 `json:"kilometres"`
}

// distance is a node type that gives the distance between two places.
func distance() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "geo.distance", Version: 1, Title: "Distance", Category: "geo", Kind: nodes.Pure,
		Doc: "Gives the distance between two places along the surface of the earth.",
	}, func(_ context.Context, call *nodes.Call, p distanceParams) (distanceResult, error) {
		if p.From == p.To {
			return distanceResult{}, nodes.Permanent(flowforge.Errorf("same_place", "%s asks for the way from a place to itself", call.Node))
		}
		return distanceResult{Kilometres: math.Round(haversine(p.From, p.To))}, nil
	})
}

// haversine gives the great-circle distance in kilometres (https://en.wikipedia.org/wiki/Haversine_formula).
func haversine(a, b place) float64 {
	const radius = 6371
	radians := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	square := func(x float64) float64 { return x * x }
	h := square(math.Sin(radians(b.Latitude-a.Latitude)/2)) +
		math.Cos(radians(a.Latitude))*math.Cos(radians(b.Latitude))*square(math.Sin(radians(b.Longitude-a.Longitude)/2))
	return 2 * radius * math.Asin(math.Sqrt(h))
}

func main() {
	types, err := nodes.NewRegistry(append(builtin.Types(), distance())...)
	if err != nil {
		log.Fatal(err)
	}
	forge, err := engine.New(engine.Config{Nodes: types})
	if err != nil {
		log.Fatal(err)
	}
	workflow := flowforge.NewWorkflow("nearest-office")
	workflow.Add("measure", "geo.distance", flowforge.P{"from": "{{ trigger.customer }}", "to": "{{ item.at }}"}).
		Each("{{ input.offices }}"). // all offices at once
		Then(workflow.Add("nearest", "core.set", flowforge.P{"mode": "replace", "values": flowforge.P{
			"office":     "{{ let km = map(input, .kilometres); trigger.offices[findIndex(km, # == min(km))].name }}",
			"kilometres": "{{ min(map(input, .kilometres)) }}",
		}}))
	document, err := workflow.Build()
	if err != nil {
		log.Fatal(err)
	}
	run, err := forge.Do(context.Background(), document, map[string]any{
		"customer": place{Latitude: 48.8566, Longitude: 2.3522},
		"offices": []any{
			map[string]any{"name": "Berlin", "at": place{Latitude: 52.52, Longitude: 13.405}},
			map[string]any{"name": "London", "at": place{Latitude: 51.5074, Longitude: -0.1278}},
			map[string]any{"name": "Madrid", "at": place{Latitude: 40.4168, Longitude: -3.7038}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Output)
}
