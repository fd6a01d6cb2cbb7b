# Every target is one or two commands over the go tool; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo build dashboards check rules test test-quick packages test-packages bench clean tools
SHELL := bash

GOFUMPT     := go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS     := -s -w -X github.com/zerofax/zerofax/agent/program.version=$(VERSION)
# Leave out gosnmp's log, which nobody reads: a fifth of the time that asking takes; and HTTP/2,
# which a page on loopback has no use for: 0.4 MB.
TAGS        := gosnmp_nodebug,nethttpomithttp2
# Don't inline, in the agent, where nobody waits for it: metrics, pages, command line, YAML. 0.4 MB.
COLD        := $(foreach package,google.golang.org/protobuf/... github.com/prometheus/... html/template text/template/... \
                 database/sql/... go/... go.yaml.in/... github.com/alecthomas/...,-gcflags=$(package)=-l)
# SQLite is C made into Go, without locks of Go: the race detector can find nothing in it, and takes three times as long over it.
# The scripts of the collector's commands start its program some hundred times, one after the other: without the detector, too.
UNRACED     := -gcflags=modernc.org/sqlite/lib=-race=false

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## a year of two made-up hospitals, an agent and a simulated ward of 12 machines; Ctrl-C ends it
	@bin/zerofax-demo

build: ## both programs and the demo, in bin/
	CGO_ENABLED=0 go build -trimpath -tags $(TAGS) $(COLD) -ldflags '$(LDFLAGS)' -o bin/zerofax-agent ./agent
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/zerofax-collector ./collector
	CGO_ENABLED=0 go build -trimpath -o bin/zerofax-demo ./deploy/demo
	CGO_ENABLED=0 go build -trimpath -tags testclock -o bin/zerofax-collector-testclock ./collector

dashboards: ## Grafana dashboards in French and English, from their one source in dashboards/boards
	go run ./dashboards

check: ## format, vet, staticcheck, go.mod tidy, builds for linux and windows
	@out=$$($(GOFUMPT) -l .); test -z "$$out" || { echo "not gofumpt-formatted:"; echo "$$out"; exit 1; }
	go vet ./... && go vet -tags e2e,testclock ./...
	$(STATICCHECK) -tags e2e,testclock ./...
	go mod tidy -diff
	GOOS=linux   CGO_ENABLED=0 go build -tags $(TAGS) -o /dev/null ./agent
	GOOS=linux   CGO_ENABLED=0 go build -o /dev/null ./collector
	GOOS=windows CGO_ENABLED=0 go build -tags $(TAGS) -o /dev/null ./agent
	GOOS=windows CGO_ENABLED=0 go build -o /dev/null ./collector

rules: ## alert and recording rules for Prometheus: promtool check, promtool test, their runbook
	@command -v promtool >/dev/null || deploy/e2e/tools.sh
	promtool check rules --lint=all --lint-fatal dashboards/prometheus/*.rules.yml
	promtool test rules dashboards/prometheus/tests/*.test.yml
	go test ./dashboards/prometheus

test: tools rules ## everything: unit, property, fuzz seeds, command line, end to end with real programs
	go test -race $(UNRACED) -skip '^TestScripts$$' -timeout 20m ./...
	go test -count 1 -run 'TestScripts|TestThePagesOfADecadeAreLight' ./collector
	SHOTS=$(CURDIR)/build/screenshots go test -tags e2e,$(TAGS) -count 1 -timeout 20m -parallel 4 ./deploy/e2e ./collector/internal/web ./agent/internal/snmp ./mibs/sim ./dashboards/boards

test-quick: ## without outside programs, under a minute
	go test -short ./...

packages: ## .deb, .rpm and .msi with SBOMs and checksums, in build/packages
	VERSION='$(VERSION)' TAGS='$(TAGS)' COLD='$(COLD)' deploy/packages/build.sh

test-packages: ## the packages, for real: built twice, installed under systemd and Wine; root
	@deploy/apt.sh "tests of the packages" rpm=rpm nsenter=util-linux systemd-analyze=systemd dbus-daemon=dbus \
	  wine=wine /usr/lib/wine/wine64=wine64 x86_64-w64-mingw32-gcc=gcc-mingw-w64-x86-64-win32
	go test -tags e2e -count 1 -timeout 15m ./deploy/packages

bench: ## the figures: spool, ledger, wire, agent and collector (takes some minutes)
	go test -tags $(TAGS) -run '^$$' -bench . -benchmem ./agent/... ./collector/... ./mibs/...

tools: ## what the end-to-end tests need: Debian packages and the browser driver
	@deploy/e2e/tools.sh

clean: ## take away what was built
	rm -rf bin build
