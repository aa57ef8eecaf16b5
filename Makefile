# What a developer does with this repository; `make help` lists it. Needs make, git, Python 3.11 or newer, and Go for
# whatever starts the local control plane. Everything else is installed into .venv on first use.

PYTHON ?= python3
CORPUS ?= ../shared/realworld
SCALE ?= 2000
KEEP ?=
SEED ?=
CLUSTERS ?=
PORTABLE ?=

export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true
export PYTHONPATH := $(CURDIR)/tools
# Programs start often here, and without bytecode each start compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

VERSION ?=
IMAGE ?=
HOMEPAGE ?= https://productionpolicy.dev
BASE ?=
WORKERS ?= 2

BIN := .venv/bin
RUN := $(BIN)/python
PYTEST := $(BIN)/pytest -q
# Tests that share a control plane are in one file; most of their time they wait, so several files run at the same time.
PARALLEL := -n $(WORKERS) --dist=loadfile --no-loadscope-reorder
ENVIRONMENT := .venv/installed
SOURCES := operator tools tests
UV_VERSION = $(shell sed -n '/^name = "uv"$$/{n;s/^version = "\(.*\)"$$/\1/p;}' uv.lock)
STEP := printf '==> %s\n'

.DEFAULT_GOAL := help
.SUFFIXES:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "The first run installs what it needs into .venv. PYTHON=python3.13 chooses another interpreter."

.PHONY: demo
demo: programs ## Show the operator at work on a local control plane (KEEP=1: keep that running)
	@$(RUN) -m demo $(if $(KEEP),--keep)

.PHONY: test
test: lint programs test-programs ## Run lint and the tests, with slices of the longest ones
	@$(STEP) "tests"
	@$(PYTEST) $(PARALLEL) -m "not slow and not exhaustive" tests

.PHONY: test-ci
test-ci: lint programs test-programs ## Run lint and all tests that need neither root nor a download of their own
	@$(STEP) "tests, with the slow ones"
	@$(PYTEST) $(PARALLEL) -m "not exhaustive" tests

.PHONY: test-previous
test-previous: test-programs ## Run the cluster tests on the version of Kubernetes before the newest
	@$(RUN) -m compat --previous

.PHONY: test-all
test-all: test-ci node-programs browser-programs ## Run lint and all tests in full, the longest ones one after the other
	@$(STEP) "the longest tests, whole"
	@$(PYTEST) -m exhaustive --durations=0 tests

.PHONY: test-fast
test-fast: $(ENVIRONMENT) ## Run the tests that need no cluster
	@$(STEP) "tests without a cluster"
	@$(PYTEST) tests --ignore=tests/cluster --ignore=tests/faults --ignore=tests/install --ignore=tests/chart \
	  --ignore=tests/programs

.PHONY: lint
lint: $(ENVIRONMENT) ## Check style, types, the layers of the code and the generated files
	@$(STEP) "ruff check"
	@$(BIN)/ruff check --quiet
	@$(STEP) "ruff format --check"
	@$(BIN)/ruff format --check --quiet --diff
	@$(STEP) "mypy"
	@$(BIN)/mypy --no-error-summary $(SOURCES)
	@$(STEP) "lint-imports"
	@report=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$report"; exit 1; }
	@$(STEP) "generate --check"
	@$(RUN) -m generate --check || { echo "run 'make generate'" >&2; exit 1; }

.PHONY: format
format: $(ENVIRONMENT) ## Format the code and apply safe fixes
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format --quiet

.PHONY: generate
generate: $(ENVIRONMENT) ## Generate the CRD, schemas, pages, the dashboard and parts of the chart from the code
	@$(RUN) -m generate

.PHONY: docs
docs: generate ## The same as generate

.PHONY: control-plane
control-plane: programs ## Start a local control plane that keeps running, and print how to reach it
	@$(RUN) -m control_plane

.PHONY: control-plane-stop
control-plane-stop: $(ENVIRONMENT) ## Stop the local control plane
	@$(RUN) -m control_plane --stop

.PHONY: corpus
corpus: programs ## Judge manifests of other projects (CORPUS=folder)
	@$(RUN) -m corpus $(CORPUS)

.PHONY: bench
bench: programs ## Measure the operator with many workloads (SCALE=2000)
	@$(RUN) -m bench --scale $(SCALE)

.PHONY: bench-governed
bench-governed: programs ## Measure the operator where 500 of 10,000 Deployments are governed
	@$(RUN) -m bench.governed

.PHONY: bench-check
bench-check: $(ENVIRONMENT) ## Compare the speed of check and kube-score, on generated manifests and those in CORPUS, if it exists
	@$(RUN) -m bench_check $(wildcard $(CORPUS))

.PHONY: bench-live
bench-live: programs ## Measure check --live with 10,000 Deployments
	@$(RUN) -m bench.live

.PHONY: bench-applied
bench-applied: programs ## Measure which part of applying many Deployments is due to admission and to the operator
	@$(RUN) -m bench.applied

.PHONY: bench-pages
bench-pages: $(ENVIRONMENT) ## Measure how fast pages about 5,000 Deployments come, and what clients cost the operator
	@$(RUN) -m bench.pages

.PHONY: bench-reports
bench-reports: programs ## Measure what reports cost the operator, with 10,000 workloads
	@$(RUN) -m bench.reports

.PHONY: bench-admission
bench-admission: programs ## Measure what repairs at admission cost the API server
	@$(RUN) -m bench.admission

.PHONY: bench-scheduler
bench-scheduler: programs ## Measure what spreading pods costs kube-scheduler, by method (SCALE=20000 LAST=1000)
	@$(RUN) -m bench.scheduler --scale $(SCALE) $(if $(LAST),--last $(LAST))

.PHONY: compat
compat: test-programs ## Run the cluster tests on Kubernetes 1.32 to 1.37, and write the results into docs/ (VERSION=1.34)
	@$(RUN) -m compat --write $(if $(VERSION),--version $(VERSION))

.PHONY: matrix
matrix: programs ## Test every change by every writer on repaired workloads, and write the results into docs/
	@$(RUN) -m matrix --write

.PHONY: chaos
chaos: programs ## Inject faults around the operator, and write the results into docs/ (SEED=1)
	@$(RUN) -m chaos --write $(if $(SEED),--seed $(SEED))

.PHONY: drains
drains: programs ## Drain random clusters, and compare what happens with what was predicted (SEED=1 CLUSTERS=300)
	@$(RUN) -m drains --write $(if $(SEED),--seed $(SEED)) $(if $(CLUSTERS),--clusters $(CLUSTERS))

.PHONY: proof
proof: programs ## Count the requests that deploys and drains lose, on real nodes, as root (PORTABLE=1: without root)
	@$(RUN) -m proof $(if $(PORTABLE),--portable)

.PHONY: pictures
pictures: $(ENVIRONMENT) ## Take the pictures of the pages of check and drain, with a headless Chromium, and write them into docs/
	@$(RUN) -m pictures

.PHONY: dashboard-picture
dashboard-picture: programs ## Play a story before a real Prometheus, and draw the panels of the dashboard from it into docs/
	@$(RUN) -m monitoring

.PHONY: in-cluster
in-cluster: programs ## Show the operator as a Pod on real nodes, as root, and write the figures into docs/
	@$(RUN) -m in_cluster --write

.PHONY: chart
chart: $(ENVIRONMENT) ## Lint the Helm chart with Helm 3 and 4, and package it into dist/ (IMAGE=registry/repository)
	@$(RUN) -m chart --destination dist $(if $(IMAGE),--image $(IMAGE))

.PHONY: image
image: $(ENVIRONMENT) ## Build the image with docker, podman or buildah (IMAGE=name:tag, BASE=image)
	@$(RUN) -m image $(if $(IMAGE),--tag $(IMAGE)) $(if $(BASE),--base $(BASE))

.PHONY: plugin
plugin: $(ENVIRONMENT) ## Write the plugin of kubectl, and its manifest for krew, into dist/plugin (HOMEPAGE=https://...)
	@$(RUN) -m release plugin --destination dist/plugin --homepage "$(HOMEPAGE)"

.PHONY: build
build: $(ENVIRONMENT) ## Build the Python package into dist/
	@$(BIN)/uv build --quiet
	@ls dist/*

.PHONY: version
version: $(ENVIRONMENT) ## Prepare a release: write its version to all files, and its heading to CHANGELOG.md (VERSION=0.2.0)
	@$(RUN) -m release version "$(VERSION)"

.PHONY: notes
notes: $(ENVIRONMENT) ## Print the release notes of the present version from CHANGELOG.md (VERSION=0.2.0)
	@$(RUN) -m release notes "$(VERSION)"

.PHONY: clean
clean: ## Remove .venv, caches and build results; the control plane programs stay in the user's cache
	@rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The programs of the local control plane: built from source once, which takes some minutes and says so.
.PHONY: programs no-interpreter
programs: $(ENVIRONMENT)
	@$(RUN) -m control_plane.binaries >/dev/null

# The other programs that tests run.
.PHONY: test-programs
test-programs: $(ENVIRONMENT)
	@$(RUN) -m test_programs

# The programs of the real nodes on which the proof runs, where they can run at all.
.PHONY: node-programs
node-programs: $(ENVIRONMENT)
	@$(RUN) -m proof.programs

# The browser in which the page of `check -o html` is tested: an installed one, or the distribution's, unpacked.
.PHONY: browser-programs
browser-programs: $(ENVIRONMENT)
	@$(RUN) -m test_programs --browser

# Also when the interpreter that .venv was made with has gone: realpath does not see a dangling link.
$(ENVIRONMENT): pyproject.toml uv.lock $(if $(realpath $(RUN)),,no-interpreter)
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: $(PYTHON) is missing. Install Python 3.11 or newer, or name one: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1), but 3.11 or newer is needed." \
	    "Install one and name it: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) cannot make virtual environments. Install its venv module" \
	    "(on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@{ $(RUN) -c '' && [ "$$($(BIN)/uv --version | cut -d' ' -f2)" = "$(UV_VERSION)" ]; } 2>/dev/null || { \
	  echo "creating .venv with $$($(PYTHON) --version) and uv $(UV_VERSION)" >&2; \
	  $(PYTHON) -m venv --clear .venv && \
	  $(RUN) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "installing what uv.lock names" >&2
	@$(BIN)/uv sync --quiet --frozen
	@touch $@
