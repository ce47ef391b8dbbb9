# Everything runs from .venv, which `make setup` fills from the hashed requirements.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := connector loader embedded cli operator demo dev bench
# What is measured beside us must not reach what we are made of.
PEER := $(VENV)/bench
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
RIG := PYTHONPATH=tests $(BIN)/python -m cluster
KIND ?= chartly
BASE_IMAGE ?= docker.io/library/python:3.13-slim
IMAGE_REGISTRY ?= localhost

.PHONY: help setup demo test test-clickhouse lint type generate lock bench faults scale clean rig clickhouse cluster cluster-down kind kind-down images e2e

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## make .venv with everything the project needs

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Chartly needs Python 3.11 or later; call make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## run the domains sales and flights end to end on this machine
	$(BIN)/chartly demo

# What computes, what starts processes, and what waits for clusters and kills go side by side; what measures goes alone.
# The first two are in a zone that is never UTC, so that a test fails where code uses the machine's zone.
COVERED = TZ=America/New_York COVERAGE_FILE=.coverage_$(1) $(BIN)/python -m pytest --cov --cov-report= tests/$(1)

test: $(STAMP) lint type rig clickhouse ## lint, check types and run every test that this machine can run
	@rm -f .coverage_*; logs=$$(mktemp -d); trap 'kill $$waiting $$starting 2>/dev/null; rm -rf $$logs' EXIT; \
	$(BIN)/python -m pytest tests/arch tests/contract tests/e2e tests/faults >$$logs/waiting 2>&1 & waiting=$$!; \
	$(call COVERED,component) >$$logs/starting 2>&1 & starting=$$!; \
	$(call COVERED,unit); failed=$$?; \
	wait $$starting || failed=1; cat $$logs/starting; \
	wait $$waiting || failed=1; cat $$logs/waiting; [ $$failed -eq 0 ]
	$(BIN)/coverage combine --quiet .coverage_unit .coverage_component
	$(BIN)/coverage report --include='core/chartly/*' --fail-under=100 --skip-covered
	$(BIN)/coverage report --include='adapters/*,service/*,operator/*,runners/*,cli/*' --fail-under=90 --skip-covered
	$(BIN)/python -m pytest tests/bench

test-clickhouse: $(STAMP) ## run the engine's contract tests on a server (URL=http://user:password@host:port)
	@[ -n '$(URL)' ] || { echo 'no server: make test-clickhouse URL=http://user:password@host:port' >&2; exit 1; }
	@CHARTLY_TEST_CLICKHOUSE='$(URL)' PYTHONPATH=tests $(BIN)/python -m support.clickhouse_given
	@CHARTLY_TEST_CLICKHOUSE='$(URL)' $(BIN)/python -m pytest tests/contract/test_engine.py -k real

lint: $(STAMP) ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(STAMP) ## mypy --strict
	$(BIN)/mypy

generate: $(STAMP) ## write the reference docs and the CRDs anew, from the models
	$(BIN)/python -m chartly_cli.docs
	mkdir -p charts/chartly/files/crds
	cp crds/*.yaml charts/chartly/files/crds/

COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-header --no-annotate \
  --python-version 3.11 --exclude-newer '7 days'

lock: $(STAMP) ## resolve the dependencies anew into requirements/
	for extra in $(EXTRAS); do \
	  $(COMPILE) --extra $$extra pyproject.toml --output-file requirements/$$extra.txt; \
	done
	echo hatchling | $(COMPILE) --constraint requirements/dev.txt --output-file requirements/build.txt -

rig: $(STAMP) ## build what the tests' clusters are made of: minutes once, nothing after
	@$(RIG) build

cluster: $(STAMP) ## a Kubernetes on this machine, with this tree's images (Linux, root, Go)
	@$(RIG) kubeconfig >/dev/null 2>&1 || $(RIG) up --network-policy >/dev/null
	@$(RIG) images --tag $(VERSION) >/dev/null
	@$(RIG) env
	@PYTHONPATH=tests $(BIN)/python -m support.practice
	@echo "export PATH=$(CURDIR)/$(BIN):\$$PATH"

cluster-down: $(STAMP) ## end what make cluster started
	@PYTHONPATH=tests $(BIN)/python -m support.practice stop || true
	@$(RIG) down

clickhouse: $(STAMP) ## fetch the ClickHouse server that tests run against: once (Linux on x86-64, npm)
	@PYTHONPATH=tests $(BIN)/python -m support.clickhouse_library

e2e: $(STAMP) rig clickhouse ## the end-to-end tests alone, on a real node
	$(BIN)/python -m pytest tests/e2e

kind: ## the same as make cluster by kind, where docker and kind are at hand
	@docker info >/dev/null 2>&1 && command -v kind >/dev/null || \
	  { echo 'no cluster: make kind needs kind, and docker with its daemon running; see make cluster' >&2; exit 1; }
	@$(MAKE) --no-print-directory images
	@kind get clusters 2>/dev/null | grep -qx $(KIND) || kind create cluster --name $(KIND) --wait 2m
	@for part in operator connector loader; do \
	  kind load docker-image --name $(KIND) localhost/chartly-$$part:$(VERSION) || exit 1; done
	@echo "kubectl config use-context kind-$(KIND)"

kind-down: ## end what make kind started
	@kind delete cluster --name $(KIND)

images: ## build the three images with docker, podman or buildah, whichever is there
	@engine=$$(for one in docker podman buildah; do $$one info >/dev/null 2>&1 && { echo $$one; break; }; done); \
	[ -n "$$engine" ] || { echo 'no images: make images needs docker, podman or buildah, and none answers' >&2; exit 1; }; \
	revision=$$(git describe --always --abbrev=40 --dirty --exclude='*' 2>/dev/null || echo unknown); \
	[ "$$engine" = docker ] || alike='--layers=false --timestamp 315532800'; \
	for part in operator connector loader; do \
	  file=runners/Dockerfile; [ $$part = operator ] && file=operator/Dockerfile; \
	  $$engine build $$alike --file $$file --target $$part --build-arg BASE_IMAGE=$(BASE_IMAGE) \
	    --build-arg VERSION=$(VERSION) --build-arg REVISION=$$revision \
	    --tag $(IMAGE_REGISTRY)/chartly-$$part:$(VERSION) . || exit 1; \
	done

$(PEER)/.installed: requirements/bench.txt | $(STAMP)
	$(PYTHON) -m venv $(PEER)
	$(PEER)/bin/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

BACKLOG := 0

bench: $(STAMP) $(PEER)/.installed ## measure loading beside the engine alone and dlt; writes docs/benchmarks.md (BACKLOG=100000000: one load more, of so many events)
	$(BIN)/python tests/bench/bench_extract.py
	PYTHONPATH=tests $(BIN)/python -m bench --backlog $(BACKLOG) --page docs/benchmarks.md

faults: $(STAMP) clickhouse ## kill, stop and starve everything at random, and count what is lost or doubled
	PYTHONPATH=tests $(BIN)/python -m faults $(if $(SEED),--seed $(SEED))

scale: $(STAMP) rig ## print runs a minute through the operator on fake nodes, beside bare Jobs
	$(BIN)/python tests/bench/bench_scale.py

clean: ## remove what setup, demo and tests made
	rm -rf $(VENV) .demo .chartly .coverage .coverage[._]* .mypy_cache .pytest_cache .ruff_cache .hypothesis
