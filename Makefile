# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export SAM_CLI_TELEMETRY := 0

PORT ?=
EXAMPLE ?=
TARGET ?= event
ARCHITECTURE ?=
BENCH ?=
DYNAMODB ?= moto
VENV := .venv
PYTHON := $(VENV)/bin/python
SERVING := $(VENV)/.serving
STAMP := $(VENV)/.installed
POLICIES := $(VENV)/policies/.installed

.PHONY: help up test test-fast coverage bench hostile-cases mutants fuzz settings check format build sam-local lock clean
help: ## Show this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z%-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-18s %s\n", $$1, $$2}'

# Settings by which pip would install elsewhere than into the environment that it runs in.
PIP := env -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT -u PIP_PYTHON -u PIP_DRY_RUN
PIP_INSTALL := -I -m pip install --quiet --disable-pip-version-check --no-user --require-hashes

define NEW_VENV
python=$$(command -v python3.13 >/dev/null && python3.13 -c '' 2>/dev/null && echo python3.13 || echo python3); \
"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
	echo "Python 3.13 is needed (the version that Lambda runs); install it and run this again."; exit 2; }; \
"$$python" -m venv --clear $(VENV) || exit
endef

# What serving needs comes first. It is a part of requirements-dev.txt: with that, it is there already.
# Its modules are compiled when they are imported, since few are.
$(SERVING): requirements-local.txt
	@if [ ! $(STAMP) -nt requirements-dev.txt ]; then \
		$(NEW_VENV); \
		echo "Installing what \`make up\` needs into $(VENV) ..."; \
		$(PIP) $(PYTHON) $(PIP_INSTALL) --no-compile -r requirements-local.txt || exit; \
	fi
	@touch $@

# The tools for tests and builds are added to it, unless they are older ones.
$(STAMP): requirements-dev.txt
	@if [ -e $@ ] || [ ! $(SERVING) -nt requirements-local.txt ]; then $(NEW_VENV); fi
	@echo "Installing the tools for tests and builds into $(VENV) ..."
	@$(PIP) $(PYTHON) $(PIP_INSTALL) -r requirements-dev.txt
	@touch $(SERVING) $@

# checkov pins what the product must not: it gets an environment of its own.
$(POLICIES): requirements-policies.txt $(STAMP)
	@$(PYTHON) -m venv --clear $(VENV)/policies
	@$(PIP) $(VENV)/policies/bin/python $(PIP_INSTALL) -r requirements-policies.txt
	@touch $@

up: $(SERVING) ## Run everything on this machine: http://localhost:3000
	@exec env $(PORT:%=PORT=%) $(PYTHON) -m local

# The tests of what is in the table run on AWS's own DynamoDB Local too: docs/local.md.
ON_DYNAMODB := tests/store tests/records tests/journey tests/hostile

test: $(STAMP) ## Run all tests (DYNAMODB=local: those of the table, on AWS's own DynamoDB Local)
ifeq ($(DYNAMODB),local)
	@$(PYTHON) -m tests.support.dynamodb_local
	@$(PYTHON) -m pytest --dynamodb=local $(ON_DYNAMODB)
else
	@$(PYTHON) -m pytest --dynamodb=$(DYNAMODB)
endif

FAST := tests/unit tests/store tests/records tests/journey/test_sign_in.py tests/journey/test_callback.py \
	tests/journey/test_sign_out.py

test-fast: $(STAMP) ## Run tests of the parts and of the main journeys, in less than a minute
	@$(PYTHON) -m pytest -q $(FAST)

COVERED := tests/unit tests/store tests/records tests/journey tests/hostile tests/provision tests/examples tests/smoke

coverage: $(STAMP) ## Show which lines of functions, shared and provision the tests in one process reach
	@$(PYTHON) -m coverage run -m pytest -q $(COVERED)
	@$(PYTHON) -m coverage report

bench: $(STAMP) ## Measure beside others, into bench/results (BENCH=--quick for rough numbers)
	@$(PYTHON) -m bench $(BENCH)

hostile-cases: $(STAMP) ## List every hostile case that is tried
	@$(PYTHON) -m pytest tests/hostile --collect-only -q

mutants: $(STAMP) ## Turn off each guard in turn, and show that a test notices
	@$(PYTHON) -m tests.mutants $(ONLY)

fuzz: $(STAMP) ## Fuzz one reader of foreign bytes for a minute: make fuzz TARGET=cookie
	@$(PYTHON) -m tests.fuzz $(TARGET) -max_total_time=60 -max_len=4096 -artifact_prefix=.local/

settings: $(STAMP) ## Write the README's table of settings from shared/settings.py
	@$(PYTHON) -m tests.declarations.settings_table

check: $(STAMP) $(POLICIES) ## Lint, types, templates, policies, and declarations in step
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m tests.declarations.credentials
	$(VENV)/bin/sam validate --lint
	$(VENV)/bin/cfn-lint --regions us-east-1 -- edge/waf.yaml
	$(PYTHON) -m tests.template.policies
	$(PYTHON) -m pytest -q tests/declarations

format: $(STAMP) ## Put what ruff can correct in order, and the layout of every file
	@$(PYTHON) -m ruff check --fix --exit-zero .
	@$(PYTHON) -m ruff format .

build: $(STAMP) ## Build what sam deploy deploys (ARCHITECTURE=x86_64 for that processor)
	@$(PYTHON) -m local.sam build $(ARCHITECTURE:%=--architecture=%)
	@$(PYTHON) -m local.sbom .aws-sam/sbom.cdx.json

sam-local: $(STAMP) ## sam local start-api with the stand-in and the table (needs Docker); EXAMPLE=orders adds one
	@exec env $(PORT:%=PORT=%) $(EXAMPLE:%=EXAMPLE=%) $(PYTHON) -m local.sam start-api

invoke-%: $(STAMP) ## sam local invoke on an event of events/: invoke-home, -sign-in, -authorizer, ...
	@$(PYTHON) -m local.sam invoke $*

lock: $(STAMP) ## Write the requirements files again from pyproject.toml
	$(PYTHON) -m uv pip compile pyproject.toml --group dev $(LOCK) --output-file requirements-dev.txt
	$(PYTHON) -m uv pip compile pyproject.toml -c requirements-dev.txt $(LOCK) --output-file shared/requirements.txt
	$(PYTHON) -m uv pip compile pyproject.toml --group local -c requirements-dev.txt $(LOCK) --output-file requirements-local.txt
	$(PYTHON) -m uv pip compile --group policies $(LOCK) --output-file requirements-policies.txt

LOCK := --quiet --universal --python-version 3.13 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

clean: ## Remove what the other commands made
	rm -rf $(VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .local/coverage .local/dynamodb-local
