# Run "make help" for what there is. Each target works in a fresh clone with Go, make
# and bash.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Tools are pinned in a module of their own, so that the daemon does not depend on
# what its tools depend on.
TOOL := go tool -modfile=internal/tools/go.mod

# Two commands, static: they run on any Linux of the same architecture.
COMMANDS := edged edgectl
# Outside of a checkout, or in one of another user, git has nothing to say.
VCS := $(if $(shell git rev-parse HEAD 2>/dev/null),,-buildvcs=false)
PACKAGES ?= ./...
FUZZTIME ?= 5s
RUN      ?=

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## build, then play the bundled title through an edge on loopback
	bin/edged -demo $(ARGS)

.PHONY: build
build: ## build bin/edged and bin/edgectl, static
	CGO_ENABLED=0 go build -trimpath $(VCS) -o bin/ $(COMMANDS:%=./cmd/%)

# -race needs a C compiler; scripts/test-deps brings it. Packages run one per core.
.PHONY: test
test: deps ## run all tests with the race detector, after installing what they need
	go test -race -timeout 15m $(if $(RUN),-run '$(RUN)') $(PACKAGES)

.PHONY: test-quick
test-quick: ## run the tests without race detector, browser and real binary
	go test -short $(PACKAGES)

.PHONY: deps
deps: ## install the Debian packages that tests need (root or sudo; says what is missing)
	@scripts/test-deps

.PHONY: bench
bench: ## compare with nginx side by side on this machine, about 4 minutes
	@scripts/test-deps bench
	go run ./testing/bench $(ARGS)

.PHONY: bench-tiers
bench-tiers: ## measure what the RAM and disk tiers promise, a table of figures, some minutes
	go run ./testing/benchtiers $(ARGS)

.PHONY: books
books: ## hold log, ledger, counters and clients against each other over two million requests (root: it fills a disk)
	go test ./cmd/edged -run TestE2EBooksAgree -count=1 -v -timeout 30m -usage-requests 2000000

.PHONY: crash
crash: ## kill a node 200 times while it works and compare what its successors serve, 10 minutes
	go run ./testing/benchtiers -run crash $(ARGS)

SUITE_DIR ?=
.PHONY: conform
conform: ## run the public HTTP caching suite in SUITE_DIR against edged; needs Node.js
	go run ./testing/conform -suite '$(SUITE_DIR)' $(ARGS)

.PHONY: check
check: ## format, vet and staticcheck; what continuous integration runs before the tests
	@files=$$($(TOOL) gofumpt -l .); \
	if [ -n "$$files" ]; then echo "not formatted; run make fmt:"; echo "$$files"; exit 1; fi
	go vet ./...
	$(TOOL) staticcheck -checks all ./...
	go mod verify
	scripts/third-party
	@for script in scripts/* .ci/run; do bash -n $$script; done

.PHONY: fmt
fmt: ## format all Go files
	$(TOOL) gofumpt -w .

.PHONY: lint
lint: ## golangci-lint with .golangci.yml; builds it first, which takes a minute or more
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME=5s
	@scripts/fuzz $(FUZZTIME)

.PHONY: cover
cover: ## test coverage by package, with a page in artefacts/cover.html
	@mkdir -p artefacts
	go test -short -coverprofile=artefacts/cover.out $(PACKAGES)
	go tool cover -html=artefacts/cover.out -o artefacts/cover.html
	go tool cover -func=artefacts/cover.out | tail -1

.PHONY: deb
deb: build ## build dist/edged_VERSION_ARCH.deb; VERSION=1.2.3 names it
	@scripts/deb $(VERSION)

.PHONY: units
units: ## verify the systemd units and show how much they expose
	@scripts/units

.PHONY: vuln
vuln: ## look for known vulnerabilities (asks the database over the network)
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf bin dist artefacts
