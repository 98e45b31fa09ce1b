# `make run` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help run test test-fast test-long check format lock update demo evaluate chaos bench bench-ingest bench-gallery backup restore image clean
.DEFAULT_GOAL := help

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# pip compares every file with its hash before it installs the first one: when one does not fit, nothing changes.
# $(call install,ENVIRONMENT,LIST,OPTIONS)
install = $(1)/bin/pip install --quiet --disable-pip-version-check --require-hashes $(3) -r $(2) || \
	{ echo "$(2) is not installed, for the reason above; $(1) is as it was before, and the next make tries again." >&2; exit 1; }

$(VENV)/.run: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	@$(call install,$(VENV),requirements.txt)
	touch $@

$(VENV)/.dlib: $(VENV)/.run requirements-dlib.txt
	@$(call install,$(VENV),requirements-dlib.txt,--no-deps)
	touch $@

$(VENV)/.azure: $(VENV)/.run requirements-azure.txt
	@$(call install,$(VENV),requirements-azure.txt)
	touch $@

$(VENV)/.dev: $(VENV)/.run $(VENV)/.dlib $(VENV)/.azure requirements-dev.txt requirements-data.txt
	@$(call install,$(VENV),requirements-dev.txt)
	@$(call install,$(VENV),requirements-data.txt,--no-deps)
	touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.txt requirements-bench-data.txt
	@$(call install,$(VENV),requirements-bench.txt)
	@$(call install,$(VENV),requirements-bench-data.txt,--no-deps)
	touch $@

build/update/.done: requirements-update.txt
	$(PYTHON) -m venv build/update
	@$(call install,build/update,requirements-update.txt)
	touch $@

ifdef PROVIDER
run: export FACE_RECOGNIZER_PROVIDER := $(PROVIDER)
endif
run: $(VENV)/.run $(if $(filter dlib azure,$(PROVIDER)),$(VENV)/.$(PROVIDER)) ## Start the service on PORT (8000), its database brought up to date; PROVIDER=dlib or azure
	exec $(BIN)/gunicorn main:app -c gunicorn_config.py

check: $(VENV)/.dev ## Format, lint, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/djlint --check pages/templates
	$(BIN)/djlint --lint --quiet pages/templates
	$(BIN)/oxlint pages/static/js
	$(if $(wildcard Dockerfile),$(BIN)/hadolint Dockerfile)
	$(BIN)/pytest -q tests/test_architecture.py

# Tests start Python some fifty times: compiled modules are kept.
test test-fast test-long: export PYTHONDONTWRITEBYTECODE :=
# A module's tests share a service and stay in one process; the modules that take longest begin first.
WORKERS ?= 3
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: check ## Every test but the long ones
	$(PYTEST) -m "not long"

test-fast: $(VENV)/.dev ## For the inner loop: no browser, no server, SQLite only; about a minute
	$(PYTEST) -m "not (long or slow or browser or server or postgresql)"

test-long: $(VENV)/.dev ## The tests that take minutes
	$(BIN)/pytest -m long

demo: $(VENV)/.dev ## An event from PHOTOS= and SELFIES=, through the real API; OUT= keeps contact sheets
	$(BIN)/python -m bench.demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(SELFIES),--selfies "$(SELFIES)") $(if $(OUT),--out "$(OUT)")

evaluate: $(VENV)/.bench ## Precision and recall of the recognisers on DATA=, a folder with known answers; PROVIDERS=local,dlib OUT=
	@$(BIN)/python -m bench.evaluate "$(or $(DATA),$(error name a folder of selfies/, photos/ and truth.json: make evaluate DATA=DIR))" \
		$(if $(OUT),--out "$(OUT)") $(if $(PROVIDERS),--providers "$(PROVIDERS)")

chaos: $(VENV)/.dev ## Guests and photos arrive while workers and servers are killed; on both databases
	$(BIN)/python -m bench.chaos
	$(BIN)/python -m bench.chaos --postgresql
	$(BIN)/python -m bench.chaos --erasures
	$(BIN)/python -m bench.chaos --erasures --postgresql

bench: $(VENV)/.bench ## Every measurement, with tables and plots in build/bench; ONLY= one part, QUICK=1 to try
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

bench-ingest: $(VENV)/.dev ## CPU of one photo through the service against the bare engine; seconds for 100 photos
	$(BIN)/python -m bench.ingest
	$(BIN)/python -m bench.hundred

bench-gallery: $(VENV)/.dev ## A guest's gallery of 2,000 photos in Chromium, on a slow phone
	$(BIN)/python -m bench.gallery

format: $(VENV)/.dev ## Rewrite Python and templates in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint --reformat --quiet pages/templates

COMPILE = build/update/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)

lock: build/update/.done ## Compile requirements*.in to requirements*.txt; what is locked already keeps its version
	for list in requirements requirements-dev requirements-bench requirements-azure; do \
		$(COMPILE) $$list.in -o $$list.txt || exit; done
	for list in requirements-dlib requirements-data requirements-bench-data requirements-update; do \
		$(COMPILE) --no-deps $$list.in -o $$list.txt || exit; done

update: ## The same with the newest version of every package that no .in file pins
	$(MAKE) lock UPGRADE=--upgrade

backup: $(VENV)/.run ## Back up database and storage into the new folder TO=, while the service runs
	@$(BIN)/python -m backup.take "$(or $(TO),$(error name a new folder: make backup TO=DIR))"

restore: $(VENV)/.run ## Restore a backup FROM= into an empty database and an empty storage
	@$(BIN)/python -m backup.restore "$(or $(FROM),$(error name the folder of a backup: make restore FROM=DIR))"

image: ## Build the container image `reperio`
	docker build --tag reperio .

clean: ## Remove the environment and the caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
