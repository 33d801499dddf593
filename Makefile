# Every command makes the virtual environment it needs first; a fresh clone and Python 3.11+ are enough.
.DEFAULT_GOAL := help
.PHONY: help serve dev demo test check bench lint venv requirements

BIN := .venv/bin

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.runtime: requirements/runtime.txt pyproject.toml scripts/venv
	scripts/venv runtime && touch $@

.venv/.dev: requirements/dev.txt pyproject.toml scripts/venv
	scripts/venv dev && touch $@ .venv/.runtime

venv: .venv/.dev ## make the virtual environment with all development tools

serve: .venv/.runtime ## run a registry here: data in ./wharf-data, the URL and a setup token are printed
	$(BIN)/wharf serve $(ARGS)

dev: .venv/.dev ## the same, restarted whenever a file under src/ changes
	$(BIN)/python scripts/reload.py $(BIN)/wharf serve $(ARGS)

demo: .venv/.runtime ## start a registry, push a real image to it, pull it back and show what happened
	$(BIN)/python scripts/demo.py

lint: .venv/.dev # formatting, lint rules, types and the floors of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter

check: lint ## what a person runs all day: formatting, lint, types, contracts, budgets, fast tests (under a minute)
	$(BIN)/pytest -q -n auto --maxprocesses 4 -m "not (slow or postgresql or s3 or clients or conformance)" $(ARGS)

test: .venv/.dev ## everything; as root on Debian it first installs the programs that the tests drive
	scripts/install-test-system-packages
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest --durations=20 $(ARGS)

bench: .venv/.dev ## measure Wharf beside another registry and write docs/bench/
	$(BIN)/python -m bench $(ARGS)

requirements: .venv/.dev ## pin what requirements/*.in ask for (UPGRADE=1: newest versions)
	scripts/requirements
