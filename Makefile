# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export SAM_CLI_TELEMETRY := 0

PORT ?= 3000
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: help up test check build lock clean
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-18s %s\n", $$1, $$2}'

$(STAMP): requirements-dev.txt
	@python=$$(command -v python3.13 >/dev/null && python3.13 -c '' 2>/dev/null && echo python3.13 || echo python3); \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
		echo "Python 3.13 is needed (the version that Lambda runs); install it and run this again."; exit 2; }; \
	"$$python" -m venv --clear $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

up: $(STAMP) ## Run everything on this machine: http://localhost:3000
	@exec env PORT=$(PORT) $(PYTHON) -m local

test: $(STAMP) ## Run all tests
	@$(PYTHON) -m pytest

check: $(STAMP) ## Lint, types, template, and declarations in step
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

lock: $(STAMP) ## Write the two requirements files anew from pyproject.toml
	$(PYTHON) -m uv pip compile pyproject.toml $(LOCK) --output-file shared/requirements.txt
	$(PYTHON) -m uv pip compile pyproject.toml --group dev $(LOCK) --output-file requirements-dev.txt

LOCK := --quiet --universal --python-version 3.13 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

clean: ## Remove what the other commands made
	rm -rf $(VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
