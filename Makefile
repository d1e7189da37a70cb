# Everything that is done to this project, one command each. CI calls check and test, nothing else.

VENV := .venv
BIN := $(VENV)/bin
# Each test that takes over a second is named: it may be one that belongs to `make test` only.
QUICK := env QUICK=1 $(BIN)/pytest -x -q -n auto --durations 9 --durations-min 1 \
    --ignore tests/browser --ignore tests/cluster --ignore tests/torture
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help duration programs serve test quick torture check format watch messages golden bench bench-peers clean

help: ## Show these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1  /p' Makefile | expand -t 12

serve: $(VENV)/serve ## Serve content/ at http://127.0.0.1:8000 (see README for the settings)
	@exec $(BIN)/flask --app app serve

test: duration programs $(VENV)/test ## Run all tests; first install the programs that they need, if allowed
	$(BIN)/pytest --cov

quick: $(VENV)/test ## Run the tests that start no process, in under a minute
	@$(QUICK)

torture: programs $(VENV)/test ## Run the stress tests at full length, half an hour, and print their figures
	TORTURE=1 $(BIN)/pytest tests/torture

check: $(VENV)/test ## Check format, lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: $(VENV)/test ## Format the code and fix what lint can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

watch: $(VENV)/test ## Run the quick tests again whenever a file is saved
	$(BIN)/watchfiles --filter python '$(QUICK)' feeds tests app.py

messages: $(VENV)/test ## Bring the catalogs of all languages up to the messages of the code
	$(BIN)/python -m tests.catalogs

golden: $(VENV)/test ## Write the golden documents anew, to be read in the diff
	$(BIN)/python -m tests.golden

bench: $(VENV)/bench ## Measure beside nginx and a naive app (under ten minutes; takes nginx and wrk from Debian if it may)
	PATH=$$PATH:/usr/sbin $(BIN)/python -m bench

bench-peers: $(VENV)/bench ## Build the same feeds by Hugo, Jekyll and Pelican, where installed
	$(BIN)/python -m bench.peers

clean: ## Remove what these commands made
	rm -rf $(VENV) instance .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

duration:
	@echo "All tests: ten minutes to half an hour. Those that start no process, in under a minute: make quick"

programs:
	@tests/setup

$(VENV)/python:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "Python's module venv is missing; on Debian: sudo apt-get install python3-venv"; exit 1; }
	python3 -m venv $(VENV)
	@touch $@

$(VENV)/serve: requirements.txt | $(VENV)/python
	@echo "Installing what the server needs (once, about a minute)"
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/test: requirements.txt requirements-dev.txt | $(VENV)/python
	@echo "Installing what the tests need (once, about a minute)"
	$(INSTALL) -r requirements-dev.txt
	@touch $@

$(VENV)/bench: requirements.txt bench/requirements.txt | $(VENV)/python
	@echo "Installing what the bench needs (once, about a minute)"
	$(INSTALL) -r requirements.txt -r bench/requirements.txt
	@touch $@
