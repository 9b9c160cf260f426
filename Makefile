# Two commands do everything on a fresh machine with Python 3.11 and make: `make run` and `make test`.
# Each target with a `##` comment is listed by `make help`.

VENV := .venv
# A plain python3 will do where it is new enough; the recipe of the environment says so if it is not.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Each worker pays the imports of the engines again, a few seconds, so not more than there are cores on a small machine.
WORKERS ?= 2
STAMP := $(VENV)/installed
PYTEST := $(VENV)/bin/python -m pytest
# A module's tests stay on one worker, or its nights would be run by each; in the order of the files, so that the long
# modules do not come last.
SPREAD = -n $(WORKERS) --dist loadscope --no-loadscope-reorder
INSTALL := $(VENV)/bin/python -m pip install --disable-pip-version-check --no-input --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# src/kehu holds links to the five folders. Git writes them as small text files where symbolic links are switched off, and
# Python would then only say that it cannot import something.
PLAIN_FILES := $(foreach link,config flows schemas tasks warehouse,$(if $(wildcard src/kehu/$(link)/__init__.py),,src/kehu/$(link)))
ifneq ($(strip $(PLAIN_FILES)),)
$(error $(firstword $(PLAIN_FILES)) is no symbolic link to a folder: run `git config core.symlinks true`, delete src/kehu/config, flows, schemas, tasks and warehouse, run `git checkout -- src/kehu` (on Windows: use WSL))
endif

.PHONY: help
help:  ## list what make can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(STAMP)  ## the demo: make the environment, write demo exports, run the night on them, say where to look
	@$(VENV)/bin/kehu demo

.PHONY: test
test: $(STAMP)  ## all tests but the slow ones
	@$(PYTEST) -m "not slow" $(SPREAD)

.PHONY: test-all
test-all: $(STAMP)  ## all tests
	@$(PYTEST) $(SPREAD)

.PHONY: smoke
smoke: $(STAMP)  ## the few tests that say whether the installed versions go together at all
	@$(PYTEST) -x tests/smoke

.PHONY: check
check: lint types imports docs  ## what must hold before a commit: ruff, mypy, import direction, generated docs

.PHONY: lint
lint: $(STAMP)
	$(VENV)/bin/ruff check .

.PHONY: types
types: $(STAMP)
	$(VENV)/bin/mypy

.PHONY: imports
imports: $(STAMP)
	@$(PYTEST) -q tests/test_import_direction.py

.PHONY: docs
docs: $(STAMP)
	$(VENV)/bin/python -m kehu.schemas.dictionary --check
	$(VENV)/bin/python -m kehu.flows.commands_page --check

.PHONY: env
env: $(STAMP)  ## make or renew the environment in .venv

# Made again when the requirements change. The build backend goes first and is used as installed, so that it is the pinned one too.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kehu needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV): about two minutes and 1 GB the first time; the log is $(VENV)/install.log"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@rm -rf build
	@{ $(INSTALL) setuptools && $(INSTALL) --no-build-isolation --editable '.[dev]'; } > $(VENV)/install.log 2>&1 \
	    || { grep -v '^WARNING' $(VENV)/install.log | tail -n 20; echo "Could not install; all of it is in $(VENV)/install.log"; exit 1; }
	@touch $(STAMP)

.PHONY: pin
pin: $(STAMP)  ## write the installed versions to constraints.txt
	@{ grep '^#' constraints.txt; $(VENV)/bin/python -m pip freeze --all --exclude kehu --exclude pip --exclude wheel; } > $(VENV)/constraints.new
	@mv $(VENV)/constraints.new constraints.txt && touch $(STAMP)

# Through the sdist, so that a stale build/ cannot put modules into the wheel that are gone.
.PHONY: dist
dist: $(STAMP)  ## build the sdist and the wheel into dist/
	@rm -rf build dist
	@$(VENV)/bin/python -m build --no-isolation

.PHONY: clean
clean:  ## remove what was built or cached; the environment, the demo and the warehouse stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
