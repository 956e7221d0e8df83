.DEFAULT_GOAL := help
FUZZTIME ?= 10s
COUNT ?= 6

.PHONY: help build test faults lint fmt bench fuzz docs cover

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## Build all packages, and the server and command line as bin/flowforge
	go build ./...
	@if [ -d server/cmd/flowforge ]; then set -x; go build -trimpath -o bin/flowforge ./server/cmd/flowforge; fi

test: ## Run all tests with the race detector, in random order
	@.ci/test

faults: ## Run the tests of faults with their full counts (half an hour or so)
	@FLOWFORGE_FAULTS=full .ci/test -count=1 -timeout 2h -v ./server/cmd/faulttest

lint: ## Run all linters (builds the linter once: some minutes)
	@"$$(.ci/tool golangci-lint)" run ./... ./.ci/closure

fmt: ## Format all Go files with gofumpt
	@"$$(.ci/tool golangci-lint)" fmt ./... .ci/closure/*.go

bench: ## Run all benchmarks, for benchstat (COUNT=6)
	go test -run '^$$' -bench . -benchmem -count $(COUNT) ./...

fuzz: ## Run each fuzz target for a while (FUZZTIME=10s)
	@.ci/fuzz $(FUZZTIME)

docs: ## Write the generated pages of docs/ anew
	go test ./engine/expr ./nodes/builtin ./server/cmd/flowforge -run 'Docs|Reference' -update

cover: ## Say how much of the code the tests run (details: go tool cover -html=cover.out)
	go test -coverpkg=./... -coverprofile=cover.out ./...
	@go tool cover -func=cover.out | tail -n 1
