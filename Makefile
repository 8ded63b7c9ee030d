# Every target sets up what it needs: `make install` builds .venv from the lock file, once.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed-from
UV := .venv/bin/uv

.PHONY: help install up demo test chaos simulate bench bench-connector bench-inbound bench-sandbox format lock lint types contracts

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## build .venv from the lock file

$(STAMP): requirements.lock pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" sh scripts/install.sh
	@touch $@

up: install ## run the gateway on this machine; ARGS=--sandbox for simulated phones
	@$(BIN)/roost up $(ARGS)

demo: install ## see it work in a minute, without a phone
	@$(BIN)/roost demo

lock: ## resolve the dependencies anew into requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --all-extras --group dev --upgrade -o requirements.lock pyproject.toml

format: install ## write the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/deptry .
	$(BIN)/cfn-lint template.yaml

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

test: lint types contracts ## everything that CI runs
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

chaos: install ## harm a running fleet in every way, and count what became of each message
	@$(BIN)/python -u -m tests.chaos $(ARGS)

simulate: install ## 100 connectors with 20,000 sessions on a paper clock
	@$(BIN)/python -m tests.fleet.simulation $(ARGS)

bench: install ## messages a second through the whole gateway, beside raw neonize
	@$(BIN)/python -m tests.benchmarks.gateway

bench-connector: install ## how long 200 sessions take to start, to stop and to be taken over
	@$(BIN)/python -u -m tests.benchmarks.connector

bench-inbound: install ## how much that was received is lost with a killed process
	@$(BIN)/python -u -m tests.benchmarks.inbound_window

bench-sandbox: install ## messages a second that neonize gets through the sandbox
	@$(BIN)/python -m tests.benchmarks.sandbox
