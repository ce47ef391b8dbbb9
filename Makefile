# Everything runs from .venv, which `make setup` fills from the hashed requirements.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := connector loader embedded cli operator demo dev

.PHONY: help setup demo test lint type generate lock bench docs clean

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

test: $(STAMP) lint type ## lint, check types and run every test
	$(BIN)/coverage erase
	$(BIN)/python -m pytest --cov --cov-report= tests
	TZ=America/New_York $(BIN)/python -m pytest --quiet tests/unit/extract tests/unit/query tests/component/loader
	$(BIN)/coverage report --include='core/chartly/*' --fail-under=100 --skip-covered
	$(BIN)/coverage report --include='core/chartly_*/*,runners/*,cli/*' --fail-under=90 --skip-covered

lint: $(STAMP) ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(STAMP) ## mypy --strict
	$(BIN)/mypy

generate: $(STAMP) ## write the generated reference docs anew
	$(BIN)/python -m chartly_cli.docs

lock: $(STAMP) ## resolve the dependencies anew into requirements/
	for extra in $(EXTRAS); do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-header --no-annotate \
	    --python-version 3.11 --exclude-newer '7 days' --extra $$extra pyproject.toml --output-file requirements/$$extra.txt; \
	done

bench: $(STAMP) ## print the speed of loading, ours and the engine's alone
	$(BIN)/python tests/bench/bench_extract.py
	$(BIN)/python tests/bench/bench_load.py

clean: ## remove what setup, demo and tests made
	rm -rf $(VENV) .demo .chartly .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
