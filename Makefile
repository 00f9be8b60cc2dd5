# make demo   sets everything up and searches real photos   (PHOTOS=folder adds your own)
# make test   passes every check and test, race detector included

GO          ?= go
PHOTOS      ?=
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build setup demo test check unit recall race nocgo cross fuzz bench bench-peers bench-encoder parity clean

all: build

build: bin/clipdb

# The Go build cache decides what is stale.
.PHONY: bin/clipdb
bin/clipdb:
	$(GO) build -trimpath -o bin/clipdb ./cmd/clipdb

# Tools that a bare machine lacks, and ONNX Runtime in the user's cache.
setup:
	./scripts/tools.sh
	$(MAKE) build
	./bin/clipdb runtime install

demo: setup
	./scripts/demo.sh $(PHOTOS)

test: setup check nocgo cross recall race

check:
	@out=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	  if [ -n "$$out" ]; then echo "gofmt these: $$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# The suite without the race detector: quick, for the working day.
unit:
	$(GO) test ./...

# What the index promises to find; it counts, so it needs no race detector.
recall:
	$(GO) test -count=1 -run '^TestRecall' ./index/hnsw

race:
	$(GO) test -race -timeout 40m ./...

# Without cgo everything builds, and the database serves the caller's vectors.
nocgo:
	CGO_ENABLED=0 $(GO) build ./...
	CGO_ENABLED=0 $(GO) test -count=1 . ./db/... ./encoder/onnx/...

cross:
	CGO_ENABLED=0 GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	CGO_ENABLED=0 GOARCH=arm64 $(GO) vet ./...

# Every fuzz target for a while: make fuzz FUZZTIME=1m
FUZZTIME ?= 20s
fuzz:
	./scripts/fuzz.sh $(FUZZTIME)

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Other vector libraries beside ours, on the same vectors: tables and pictures
# into docs/recall. It takes long and wants a quiet machine.
bench-peers:
	./scripts/bench-peers.sh docs/recall

# Full-size encoders and the built-in one on this machine, by kind, batch and
# threads, in 12 minutes: tables into build/bench-encoder. MODELS=folder measures
# those. It wants a quiet machine.
bench-encoder:
	./scripts/bench-encoder.sh build/bench-encoder/encoder.md

clean:
	rm -rf bin build
