# The tasks of the project. `make test` is what must pass before a change lands.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

CARGO ?= cargo
PYTHON ?= python3
CACHE ?= $(HOME)/.cache/terrane
TERRANE_TEST_VENV ?= $(CACHE)/venv
export TERRANE_TEST_VENV

CARGO_DENY_VERSION := 0.20.2
DENY := $(CACHE)/tools/$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ_VERSION := 0.13.1
FUZZ := $(CACHE)/tools/fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
SERVERS := $(TERRANE_TEST_VENV)/.terrane-requirements
TERRANE_TEST_NPM ?= $(CACHE)/npm
export TERRANE_TEST_NPM
AZURITE_VERSION := 3.35.0
AZURITE := $(TERRANE_TEST_NPM)/.terrane-azurite-$(AZURITE_VERSION)

.PHONY: help test fmt lint deny unit kill kill-moto fuzz fuzz-diff doc docs servers bench

help: ## Show the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

test: fmt lint deny unit doc ## Everything that must pass: format, lints, licences, tests

fmt: ## Check the formatting
	$(CARGO) fmt --check

lint: ## Clippy on all targets, warnings are errors
	$(CARGO) clippy --locked --all-targets --features kill-points -- -D warnings

deny: $(DENY) ## Licences, banned crates and sources of the dependencies
	$(DENY) --log-level error check --hide-inclusion-graph licenses bans sources

# What has the kill points in it can be told to die: tests only.
unit: servers ## All tests
	$(CARGO) test --locked --features kill-points --lib --bins --tests
	$(CARGO) test --locked --features kill-points --test it -- --nocapture conformance_

kill: ## Kill N runs on the sandbox (N=1000) and compare what is left with the state
	TERRANE_KILLS=$(or $(N),1000) TERRANE_KILL_SEED=$(or $(SEED),1) \
	$(CARGO) test --locked --features kill-points --test it -- --nocapture properties::kill

kill-moto: servers ## Kill N runs on moto (N=100) and compare what is left with the state
	TERRANE_MOTO_KILLS=$(or $(N),100) TERRANE_KILL_SEED=$(or $(SEED),1) \
	$(CARGO) test --locked --features kill-points --test it -- --nocapture kill_points::runs_on_moto

fuzz-diff: ## Look for differences to terraform on the PATH for SECONDS (600)
	TERRANE_FUZZ_SECONDS=$(or $(SECONDS),600) \
	$(CARGO) test --locked --test it -- --nocapture --ignored properties::differential::fuzz

doc: ## The examples in the documentation
	$(CARGO) test --locked --doc

docs: ## Write the reference pages of docs/ from the program
	$(CARGO) run --locked --quiet -- reference docs

servers: $(SERVERS) $(AZURITE) ## Install the test servers into $(TERRANE_TEST_VENV) and $(TERRANE_TEST_NPM)

$(SERVERS): tests/requirements.txt
	test -x $(TERRANE_TEST_VENV)/bin/python || $(PYTHON) -m venv $(TERRANE_TEST_VENV)
	$(TERRANE_TEST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	cp $< $@

$(AZURITE):
	mkdir -p $(TERRANE_TEST_NPM)
	npm install --silent --no-audit --no-fund --prefix $(TERRANE_TEST_NPM) azurite@$(AZURITE_VERSION)
	touch $@

# Built with little optimisation: it runs for a second, and is built on every fresh machine.
$(DENY):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	CARGO_TARGET_DIR=$(CACHE)/tools/target \
	$(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked --no-default-features \
	    --root $(CACHE)/tools/$(CARGO_DENY_VERSION)
	rm -rf $(CACHE)/tools/target

FUZZ_TARGETS ?= hcl yaml json template evaluator types tfvars tfvars_json state plan_file
FUZZ_SECONDS ?= 60

fuzz: $(FUZZ) ## Run each fuzz target for a while (FUZZ_TARGETS, FUZZ_SECONDS); needs the nightly compiler
	test -e fuzz/Cargo.lock || cp Cargo.lock fuzz/Cargo.lock
	for target in $(FUZZ_TARGETS); do \
	    PATH="$(dir $(FUZZ)):$$PATH" CARGO_TARGET_DIR=$(CACHE)/fuzz \
	    mkdir -p fuzz/corpus/$$target; \
	    cargo +nightly fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=65536; \
	done

$(FUZZ):
	CARGO_TARGET_DIR=$(CACHE)/tools/target $(CARGO) install cargo-fuzz --version $(CARGO_FUZZ_VERSION) --locked \
	    --root $(CACHE)/tools/fuzz-$(CARGO_FUZZ_VERSION)
	rm -rf $(CACHE)/tools/target

bench: ## Time large stacks beside the terraform on the PATH, fail below the targets (BENCH_SIZES, …; WRITE=1: into the docs)
	$(CARGO) bench --locked --no-fail-fast --bench language --bench state --bench scale -- $(if $(WRITE),--write)
