# Thin on purpose: the real work is in Python.
# The newest that runs: a version manager's shim may stand on the path for a version that is not chosen.
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check bench format clean

demo: $(VENV)/installed
	@$(BIN)/lineside demo $(ARGS)

test: $(VENV)/installed-test
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(VENV)/installed-test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n auto --dist loadfile --durations=30 --durations-min=5 $(ARGS)

bench: $(VENV)/installed-test
	@$(BIN)/python -m evals.bench $(ARGS)

format: $(VENV)/installed-test
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Lineside needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Lineside and what it stands on (one to three minutes)"
	@$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e .
	@touch $@

$(VENV)/installed-test: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Lineside with its tests (one to three minutes)"
	@$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
