# Bare make prints the targets. Only Go, git and make are needed, and a C
# compiler for race.

GO        ?= go
FUZZTIME  ?= 10s   # for each fuzz target
BENCHTIME ?= 1s    # for each benchmark
PREFIX    ?= /usr/local
LIFECYCLES ?= 200 # times four random lifecycles of each sound drive that the suite must not accuse
RACECHECKS ?= 20   # random cases of each property test under the race detector

# The random cases of the property tests: the same in every run, so that a change is judged by what it
# changed. With 0 each run draws new ones, as soak does, and prints the seed of what fails.
export RAPID_SEED ?= 1

# internal, raslab and the properties over it are left out of race: internal/lint holds them to
# having no goroutines. Of the facility's tests, those with real key servers have some, and scenes run
# many facilities at once.
RACEPACKAGES = ./drive/... ./serve/... ./encgroup/... ./erase/... ./proptest ./proptest/conformance ./proptest/adapters ./cmd/...

# Left out, too, are tests whose long work is done in one goroutine, or by processes that have one. test runs each whole.
#   TestScripts/thief                a search for keys: the tests of erase/forensic spread one over goroutines
#   TestDocuments                    the pages: a quarter of an hour
#   TestOutputFitsTheTerminal        160 processes that print one text each
#   TestEveryDeedIsWholeOrNotAtAll, TestNoDeedGoesOnWithoutEntropy      a drive that is cut at each step
#   TestForeignDriveIsNotAccused     what TestDrive runs under the detector, over a drive that only the tests have
#   TestWhatWasNotTriedIsSaid, TestKeysOfSmallSeeds, TestTheSecretsOwnBytes      searches without a runner
RACESKIP = TestScripts/thief$$|TestDocuments/|TestOutputFitsTheTerminal$$|TestEveryDeedIsWholeOrNotAtAll$$|TestNoDeedGoesOnWithoutEntropy$$|TestForeignDriveIsNotAccused$$|TestWhatWasNotTriedIsSaid$$|TestKeysOfSmallSeeds$$|TestTheSecretsOwnBytes$$

# What runs AES, down to the bytes on the medium.
AESPACKAGES = ./internal/aes256 ./internal/xts ./internal/keywrap ./drive ./drive/secret ./erase/...

FDELAB = $(GO) run ./cmd/fdelab
# What git sees of the tree: two equal answers, and nothing was changed between.
TREE = { git status --porcelain; git diff HEAD; } | git hash-object --stdin

.DEFAULT_GOAL := help
.PHONY: help test test-root test-modules paths assembly race shim judge-sedutil guest judge-guest guest-shell judge-nbd lint fuzz bench bench-peers bench-load soak sweep sweep-deep sweep-servers rehearse mutants mutation mutation-sample generate dist dist-check install check

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A page of docs/ makes a module of its own, which finds every module in the cache or not at all.
test: ## run all tests
	@$(GO) mod download
	@$(MAKE) --no-print-directory -j 2 test-root test-modules

# Without vet, which lint runs over everything: it takes as long as a tenth of the tests.
test-root:
	$(GO) test -vet=off ./...

# Beside the others: they wait for the go command much of the time.
test-modules:
	$(GO) -C internal/tools/dist test -count=1 ./... # they build the command, which the cache of results does not see
	$(GO) -C internal/tools/mutation test ./...
	$(GO) -C internal/xts/gen test ./...
	$(GO) -C testdata/outside test ./...

paths: ## run the tests of the cipher and of the drive on each way to run AES: portable code, AES-NI, without assembly
	FDELAB_AES=generic $(GO) test -short $(AESPACKAGES)
	FDELAB_AES=aesni $(GO) test -short $(AESPACKAGES)
	$(GO) test -short -tags purego $(AESPACKAGES)

assembly: ## write the assembly of AES anew
	@for what in aes256 xts keywrap; do \
		$(GO) -C internal/xts/gen run . -what $$what -pkg $$what -out ../../$$what/$${what}_amd64.s -stubs ../../$$what/$${what}_amd64.go || exit 1; \
	done

race: ## run the tests under the race detector, with fewer random cases
	CGO_ENABLED=1 RAPID_CHECKS=$(strip $(RACECHECKS)) $(GO) test -race -short -timeout 30m -skip '$(RACESKIP)' $(RACEPACKAGES)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 30m -run 'Real|Scenes' ./raslab

shim: ## build bin/libfdelab.so, with which programs of others reach drives of fdelab serve as /dev/nvme0 and /dev/sda
	@mkdir -p bin
	$(CC) -O2 -Wall -Wextra -Werror -shared -fPIC -o bin/libfdelab.so contrib/shim/shim.c -ldl

# Its packages come from Debian into bin/, beside what is installed here.
SEDUTIL = bin/sedutil/sedutil-cli
judge-sedutil: ## let sedutil-cli 1.20 take, lock and revert Enterprise and Opal drives, and look at what it did
	@code=0; [ -x $(SEDUTIL) ] || contrib/shim/fetch-sedutil bin/sedutil >/dev/null || code=$$?; \
	if [ $$code = 3 ]; then echo "SKIPPED: make judge-sedutil: no sedutil-cli can be had here"; exit 0; fi; \
	[ $$code = 0 ] || { echo "make judge-sedutil: no sedutil-cli, though packages can be had here"; exit 1; }; \
	FDELAB_SEDUTIL=$(CURDIR)/$(SEDUTIL) $(GO) test -count=1 -timeout 20m -run Sedutil ./serve/secsock && \
	$(MAKE) --no-print-directory shim && \
	FDELAB_SEDUTIL=$(CURDIR)/$(SEDUTIL) $(GO) test -count=1 -run 'TestDocuments/sedutil.md' ./cmd/fdelab

judge-nbd: ## let nbdinfo, nbdcopy, qemu-img, qemu-io and fio use a drive by NBD, and look at what they did
	FDELAB_JUDGES=1 $(GO) test -count=1 -v -run JudgesOfOthers ./serve/nbd

# What the guest boots comes from Debian into bin/guest/, beside what is installed here. bin/guest/cannot: it cannot.
guest:
	@mkdir -p bin/guest; rm -f bin/guest/cannot; cmp -s contrib/ci/image bin/guest/image || \
	contrib/ci/image bin/guest >bin/guest/log 2>&1 || { code=$$?; tail -n 5 bin/guest/log; [ $$code != 3 ] || touch bin/guest/cannot; exit $$code; }
	@CGO_ENABLED=0 $(GO) -C internal/tools/guest build -trimpath -buildvcs=false -o $(CURDIR)/bin/guest/guest .
	@CGO_ENABLED=0 $(GO) build -o bin/guest/fdelab ./cmd/fdelab

judge-guest: ## let Linux, cryptsetup, nvme-cli, sedutil-cli and fio in QEMU use an Opal drive by NVMe/TCP, and the thief look at each erase
	@code=0; $(MAKE) --no-print-directory guest || code=$$?; \
	if [ -e bin/guest/cannot ]; then echo "SKIPPED: make judge-guest: nothing to boot can be had here"; exit 0; fi; \
	[ $$code = 0 ] || exit $$code; contrib/guest/judge bin/guest $(ONLY) || code=$$?; \
	if [ $$code = 3 ]; then echo "SKIPPED: make judge-guest: no qemu-system-x86_64"; exit 0; fi; [ $$code = 0 ] || exit $$code; \
	FDELAB_IMAGE=$(CURDIR)/bin/guest $(GO) test -count=1 -run 'TestDocuments/ci.md' ./cmd/fdelab

guest-shell: ## a shell in the guest of judge-guest, with an Opal drive connected
	@$(MAKE) --no-print-directory guest && FDELAB=$(CURDIR)/bin/guest/fdelab contrib/ci/with-drive --guest --image bin/guest --folder contrib/ci --shell

lint: ## vet, staticcheck, gofumpt, go mod tidy, the rules of internal/lint, and what mutation accepts: is it in the code?
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@out=$$($(GO) tool gofumpt -l .); if [ -n "$$out" ]; then echo "not formatted by gofumpt:"; echo "$$out"; exit 1; fi
	$(GO) mod tidy -diff
	cd testdata/outside && $(GO) mod tidy -diff
	@staticcheck=$$($(GO) tool -n staticcheck) && for tool in internal/tools/mutation internal/tools/dist internal/tools/guest internal/xts/gen bench; do \
		(cd $$tool && $(GO) vet ./... && "$$staticcheck" ./... && $(GO) mod tidy -diff) || exit 1; \
	done
	@$(MUTATION) -stale
	$(GO) test -count=1 ./internal/lint

# Without a limit go test spends up to a minute on making each input that covers something new shorter, and tries
# nothing else meanwhile.
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | grep -v /testdata/ | sort | \
	while IFS=: read -r file func; do \
		name=$${func#func }; echo "$$(dirname $$file) $$name"; \
		$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(strip $(FUZZTIME)) -fuzzminimizetime 20x "$$(dirname $$file)" </dev/null || exit 1; \
	done

bench: ## run all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(strip $(BENCHTIME)) ./...

bench-peers: ## measure beside OpenSSL, tink, go-jose, PyKMIP and the standard library, in turns, and judge each aim: ROWS="part of a name"
	@$(GO) -C bench build -trimpath -buildvcs=false -o ../bin/bench . && bin/bench $(if $(ROWS),"$(ROWS)")

bench-load: ## measure NVMe/TCP and NBD beside nbdkit and qemu-nbd with LUKS, in turns, and judge each aim: ONLY="part of a line"
	@$(GO) -C bench build -trimpath -buildvcs=false -o ../bin/load ./load && bin/load $(if $(ONLY),-only "$(ONLY)")

sweep: ## cut the power at every step of drives, groups, erase engine, key repository and of every service action
	$(FDELAB) sweep
	$(GO) test -count=1 -timeout 30m -run 'PowerCutOfTheFacility$$' ./raslab -everycut

sweep-deep: ## cut each command, its recovery and the recovery of that, at several places of each page, with other faults beside
	$(FDELAB) sweep --depth 3

sweep-servers: ## cut the network of two key servers at every record, kill either at every write of its database
	$(GO) test -count=1 -timeout 30m -run 'NetworkCut|KilledAtEveryWrite|NoChangeIsLost' ./encgroup/kmip/server -everystep

rehearse: ## play every rehearsal
	$(FDELAB) rehearse --all

soak: ## long runs: 20,000 random cases of each property test, as many lifecycles of sound drives, also in C and Python, the power of a facility cut twice, 300 kills of key servers and of labs, 100 of fdelab erase, a million messages of hostile hosts at each door, 20,000 lifecycles
	RAPID_SEED=0 $(GO) test -count=1 -timeout 4h ./proptest ./proptest/facility -rapid.checks=20000
	$(GO) test -count=1 -timeout 4h -run NoHealthyDriveIsAccused ./proptest/conformance -lifecycles=2500
	$(GO) test -count=1 -timeout 4h -run 'TestC$$|TestPython$$|NoHealthyProgramIsAccused' ./proptest/adapters -seeds=3 -lifecycles=50
	$(GO) test -count=1 -timeout 4h -run PowerCutOfTheFacilityTwice ./raslab -everycut
	$(GO) test -count=1 -timeout 4h -run PairSurvivesKills ./cmd/fdelab -pairkills=300
	$(GO) test -count=1 -timeout 4h -run EraseSurvivesKills ./cmd/fdelab -erasekills=100
	$(GO) test -count=1 -timeout 4h ./raslab/labfile -every=1
	$(GO) test -count=1 -timeout 4h -run ALabSurvivesKills ./cmd/fdelab -labkills=300
	$(GO) test -count=1 -timeout 4h -run HostileHosts ./serve/nvmetcp -commands=1000000
	$(GO) test -count=1 -timeout 4h -run Nonsense ./drive/tcg -nonsense=100000
	$(FDELAB) soak --lifecycles 20000

mutants: ## show that each known defect of a real drive is caught
	FDELAB_MUTANTS=1 $(GO) test -count=1 -v -timeout 40m -run Mutant ./proptest/mutants
	$(GO) test -count=1 -timeout 20m -run NoHealthyDriveIsAccused ./proptest/conformance -lifecycles=$(strip $(LIFECYCLES))

# A module of its own, so that who uses fdelab does not get what it needs.
MUTATION = $(GO) -C internal/tools/mutation build -trimpath -buildvcs=false -o ../../../bin/ . && nice bin/mutation

mutation: ## change the code in one small way at a time: do its tests notice? PKG= FILES= SAMPLE= SEED= LIST=1 ONLY= FRESH=1
	@$(MUTATION) $(if $(PKG),-pkg $(PKG)) $(if $(FILES),-files $(FILES)) $(if $(SAMPLE),-n $(SAMPLE)) $(if $(SEED),-seed $(SEED)) \
		$(if $(LIST),-list) $(if $(ONLY),-only $(ONLY)) $(if $(FRESH),-fresh)

mutation-sample: ## try 100 changes over all packages, drawn by the day or SEED=: fewer noticed than the aims allow?
	@$(MUTATION) -sample 100 -sigmas 3 -most 8s -seed $(or $(SEED),$$(date +%F))

generate: ## write the generated documents and expected outputs anew
	$(GO) test -count=1 $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | grep -v /testdata/ | xargs -n 1 dirname | sort -u) -update

# A module of its own too. It asks git for the version and the date: the same commit, the same bytes.
DIST = $(GO) -C internal/tools/dist build -trimpath -buildvcs=false -o ../../../bin/dist . && bin/dist
DISTFLAGS = $(if $(PLATFORMS),-platforms "$(PLATFORMS)") $(if $(VERSION),-version "$(VERSION)")

dist: ## build archives for Linux, macOS and Windows in dist/, with checksums: PLATFORMS="linux/amd64 ..." VERSION=
	@$(DIST) $(DISTFLAGS)

dist-check: ## build the last commit in two folders: are the checksums the same? PLATFORMS= VERSION=
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	for copy in one a/second/one; do git clone -q . "$$dir/$$copy" || exit 1; done && \
	$(DIST) $(DISTFLAGS) -root "$$dir/one" -out "$$dir/one/dist" && \
	(umask 077 && TZ=Asia/Tokyo bin/dist $(DISTFLAGS) -root "$$dir/a/second/one" -out "$$dir/a/second/one/dist" >/dev/null) && \
	if ! diff "$$dir/one/dist/SHA256SUMS" "$$dir/a/second/one/dist/SHA256SUMS"; then \
		echo "make dist-check: the same commit gave different bytes"; exit 1; \
	fi

install: ## build and install for this machine: PREFIX=/usr/local DESTDIR= VERSION=
	@$(DIST) -install "$(DESTDIR)$(PREFIX)" $(if $(VERSION),-version "$(VERSION)")

# Without generate: what it writes is what test compares, byte for byte.
check: ## everything that CI runs; fails if it leaves the tree changed
	@before=$$($(TREE)) && \
	$(MAKE) --no-print-directory lint test paths race rehearse sweep mutants mutation-sample judge-sedutil judge-nbd judge-guest && \
	$(MAKE) --no-print-directory dist-check PLATFORMS=host && \
	if [ "$$before" != "$$($(TREE))" ]; then \
		echo "make check: the tree changed: find what left files behind"; \
		git status --short; exit 1; \
	fi
