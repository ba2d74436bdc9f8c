# make            builds out_sls_kafka.so
# make demo       shows the whole way of a log on a local endpoint
# make test       vets, runs the quick tests and says which are left out; TESTFLAGS=-v says why one is skipped
# make test-kill  kills the host ten times while the broker is away
# make test-kafka runs against a real Apache Kafka (needs Java, Maven and Maven Central)
# make test-interop runs the clients that docs/tools.md lists against the local endpoint; fetches them on first use
# make soak       MINUTES=n of random faults under load; nothing may be lost; PROFILE=strict at a strict service
# make test-oracle compares the encoder with Python's msgpack and json over 50,000 random and hostile chunks; fetches msgpack where it is missing
# make vulncheck looks for known faults of dependencies; needs vuln.go.dev
# make fuzz       runs each fuzz target for a minute
# make tools      builds sls-check and sls-endpoint, static, in build/bin
# make check-config CONF=file examines a configuration of Fluent Bit; ARGS=-online tries the way to SLS
# make dist       builds what a release consists of, in build/dist
# make test-dist  checks a release: symbols, sums, same bytes twice, loads on amd64 and arm64
# make test-packages installs the deb in a Debian and the rpm in a directory, and runs Fluent Bit from the deb; needs root
# make test-forms runs the examples of metrics and traces on Fluent Bit, against Prometheus' parser and OpenTelemetry's SDK
# make test-deploy checks the image, the manifests, the scripts, the dashboard and the alerts
# make bench      compares with Fluent Bit's built-in kafka output; PROFILE=cpu writes cpu.prof

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PLUGIN  := out_sls_kafka.so

.PHONY: build tools demo check-config dist test test-race sim test-kill test-kafka test-interop test-dist test-packages test-deploy test-forms test-oracle soak vulncheck fuzz bench bench-encoder clean

include host/build.env
# make knows no paths with blanks, and the shell's own quotes stand around all of this.
LDFLAGS = -s -w -X main.version=$(VERSION) "-extldflags=$(subst @,$(CURDIR),$(subst ',,$(EXTLDFLAGS)))"

build:
	CGO_CFLAGS='$(CGO_CFLAGS)' $(GO) build -buildmode=c-shared -trimpath -ldflags '$(LDFLAGS)' -o $(PLUGIN) .
	@rm -f out_sls_kafka.h

tools:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o build/bin/ ./cmd/sls-check ./cmd/sls-endpoint

demo: build
	$(GO) run ./test/demo -plugin ./$(PLUGIN)

CONF ?= fluent-bit.conf.example
check-config:
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o build/bin/ ./cmd/sls-check
	@build/bin/sls-check -c $(CONF) $(ARGS)

dist:
	$(GO) run ./deploy/release -version $(VERSION)

test:
	@test -z "$$(gofmt -l .)" || { echo 'gofmt would change:'; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) test -race -timeout 30m $(TESTFLAGS) ./...
	$(GO) test $(TESTFLAGS) ./test/sim
	$(GO) test $(TESTFLAGS) -run TestFleet ./plugin/produce
	$(GO) test $(TESTFLAGS) -run TestHeapOfNames ./plugin
	@echo 'Left out here: sim, test-race, demo, test-oracle, test-kafka, test-interop, test-dist, test-deploy, test-forms (.ci/run makes them too);'
	@echo 'fuzz, soak, test-kill, test-packages (nightly). A test that was skipped says why with TESTFLAGS=-v.'
	@test -n "$$FLUENT_BIT" || command -v fluent-bit >/dev/null || echo 'No fluent-bit on PATH, and FLUENT_BIT is not set: Fluent Bit itself was left out.'

# The shared object's Go with the race detector: linked into the bundled host, which may not be at high addresses either. A
# race ends the host.
RUN ?= .
test-race:
	CGO_CFLAGS='$(CGO_CFLAGS)' $(GO) build -race -buildmode=c-archive -o build/race/plugin.a .
	HOST_CFLAGS='-no-pie -DHOST_WITH_PLUGIN -Wl,--whole-archive ../../build/race/plugin.a -Wl,--no-whole-archive -lresolv' \
		GORACE=halt_on_error=1 FLUENT_BIT= FLUENT_BITS= $(GO) test -race -count=1 -v -timeout 60m -run '$(RUN)' ./test/e2e

# Simulations have no race detector here, which makes them some 15 times slower.
SEEDS ?= 1000
FIRST ?= 1000
sim:
	$(GO) test -count=1 -v -timeout 60m -run TestSeeds ./test/sim -args -seeds $(SEEDS) -first $(FIRST)

test-kill:
	$(GO) test -race -count=1 -v -run TestKill ./test/e2e -args -rounds 10

test-kafka:
	$(GO) vet -tags kafka ./test/kafka
	$(GO) test -race -tags kafka -count=1 -v -timeout 20m ./test/kafka/...

test-interop:
	$(GO) vet -tags interop ./test/interop
	cd test/interop/confluentgo && $(GO) vet ./...
	$(GO) test -tags interop -count=1 -v -parallel 4 -timeout 30m ./test/interop $(if $(UPDATE),-args -update)

test-dist:
	$(GO) vet -tags dist ./deploy/release
	$(GO) test -race -tags dist -count=1 -v -timeout 30m ./deploy/release

test-packages: dist
	$(GO) vet -tags packages ./test/packages
	$(GO) test -tags packages -count=1 -v -timeout 30m ./test/packages

test-deploy:
	cd test/deploy && $(GO) vet ./... && $(GO) test -race -count=1 -v -timeout 15m ./...

test-forms:
	cd test/forms && $(GO) vet ./... && $(GO) test -count=1 -v -timeout 15m ./...

# Debian's python3-msgpack will do; without it a virtual environment gets it.
ORACLE_CHUNKS ?= 50000
ORACLE_SEED ?= 0
test-oracle:
	@python=python3; $$python -c 'import msgpack' 2>/dev/null || { \
		python=$(CURDIR)/build/oracle/bin/python3; \
		$$python -c 'import msgpack' 2>/dev/null || { python3 -m venv build/oracle && build/oracle/bin/pip install -q msgpack==1.1.2; } || exit 1; }; \
	$(GO) test -count=1 -v -run TestPythonOracle ./encoder -args -oracle-python $$python -oracle-chunks $(ORACLE_CHUNKS) -oracle-seed $(ORACLE_SEED)

MINUTES ?= 5
soak:
	$(GO) run -race ./test/soak -minutes $(MINUTES) $(if $(PROFILE),-profile $(PROFILE))

# Known faults of dependencies that this program reaches. Needs vuln.go.dev, and the Go module proxy on first use.
vulncheck:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

# Bytes of others: records, options and files, a broker's answers, texts that are shown.
FUZZED   ?= ./encoder ./plugin/display ./plugin/config ./plugin/produce ./cmd/sls-check/fbconf ./test/sls
FUZZTIME ?= 1m
fuzz:
	@for package in $(FUZZED); do for target in $$($(GO) test -list '^Fuzz' $$package | grep ^Fuzz); do \
		echo "$$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package || exit 1; done; done

bench: build
	$(GO) run ./test/bench -plugin ./$(PLUGIN) $(if $(PROFILE),-profile $(PROFILE).prof) $(BENCH)

bench-encoder:
	$(GO) test -run '^$$' -bench . -count 3 ./encoder

clean:
	rm -rf $(PLUGIN) out_sls_kafka.h build
