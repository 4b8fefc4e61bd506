# Podwright's day: setup, demo, test, check, bench, clean. All are safe to repeat.
PYTHON := .venv/bin/python
PODWRIGHT := .venv/bin/podwright
DEMO_DATA := /var/lib/podwright-demo

.PHONY: help setup demo test unit node check bench proto lock clean

help:
	@echo "make setup   install what is missing (Debian packages, .venv)"
	@echo "make demo    bring a node up and run a first Pod on it"
	@echo "make test    every test, on real containers too (needs root)"
	@echo "make check   ruff, mypy, import directions, coverage (what CI runs)"
	@echo "make bench   the budgets of docs/budgets.md, measured here"
	@echo "make clean   stop the demo node, remove what was built"

setup:
	@scripts/setup

demo: setup
	@PATH="$(CURDIR)/.venv/bin:$$PATH" scripts/demo $(DEMO_DATA)

# Two workers, each with a node of its own: most of a node test is waiting.
test: setup
	@scripts/as-root $(PYTHON) -m pytest tests -n 2 --dist loadfile

unit: setup
	@$(PYTHON) -m pytest tests -m "not node" -n 2

node: setup
	@scripts/as-root $(PYTHON) -m pytest tests -m node -n 2 --dist loadfile

check: setup
	@$(PYTHON) -m ruff format --check src tests benchmarks
	@$(PYTHON) -m ruff check src tests benchmarks
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo
	@scripts/coverage-ratchet

bench: setup
	@scripts/as-root $(PYTHON) -m benchmarks.run

proto: setup
	@scripts/proto

lock:
	@python3 -m venv .venv-lock && .venv-lock/bin/pip install -q uv
	@.venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra dev -o requirements/dev.lock pyproject.toml requirements/build.in
	@rm -rf .venv-lock

clean:
	@if [ -x $(PODWRIGHT) ]; then $(PODWRIGHT) down --purge --data-dir $(DEMO_DATA); fi
	@rm -rf build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
