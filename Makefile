# Every command makes the virtual environment it needs first; a fresh clone and Python 3.11+ are enough.
.DEFAULT_GOAL := help
.PHONY: help serve dev demo test check bench venv requirements clean

BIN := .venv/bin

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.runtime: requirements/runtime.txt pyproject.toml scripts/venv
	scripts/venv runtime && touch $@

.venv/.dev: requirements/dev.txt pyproject.toml scripts/venv
	scripts/venv dev && touch $@ .venv/.runtime

venv: .venv/.dev ## make the virtual environment with all development tools

requirements: .venv/.dev ## pin what requirements/*.in ask for (UPGRADE=1: newest versions)
	scripts/requirements
