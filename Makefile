# Every command of the project. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Run a distribution from its folder: $(1) its source, $(2) its name and command, $(3) its module.
linked = \
	echo $(CURDIR)/$(1) > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/$(2).pth" && \
	printf '\#!%s\nfrom $(3).__main__ import main\n\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/$(2) && \
	chmod +x $(BIN)/$(2)

# Debian's python3 has no ensurepip, so the environment is made without pip and filled by the
# pip that is already on the machine.
.venv/bin/python:
	$(PYTHON) -m venv --without-pip .venv

.venv/.runtime: requirements/runtime.txt | .venv/bin/python
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(call linked,src,openstoq,openstoq)
	@touch $@

.venv/.demo: requirements/demo.txt .venv/.runtime
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	@$(call linked,packages/shopify-sandbox/src,shopify-sandbox,shopify_sandbox)
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.demo
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: setup
setup: .venv/.dev ## Install everything for development into .venv

.PHONY: demo
demo: .venv/.demo ## Play back-in-stock and preorders against a sandbox shop
	$(BIN)/openstoq demo --script back-in-stock --script preorder

PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: test
test: .venv/.dev ## Run all tests; T=tests/path::name that alone, MARK=pure|db|sandbox|e2e those
	$(BIN)/pytest $(if $(T),-n 0 $(T),$(PARALLEL)) $(if $(MARK),-m $(MARK))

.PHONY: test-fast
test-fast: .venv/.dev ## Run every test that talks to nothing
	$(BIN)/pytest -n 2 --dist worksteal -m pure

.PHONY: test-db
test-db: .venv/.dev ## Run the tests that use PostgreSQL and nothing else
	$(BIN)/pytest $(PARALLEL) -m db

.PHONY: retest
retest: .venv/.dev ## Run the tests again that failed last
	$(BIN)/pytest -n 0 --last-failed

.PHONY: cover
cover: .venv/.dev ## Run the tests that start no processes, and print the branches that none takes
	$(BIN)/pytest $(if $(T),-n 0 $(T),$(PARALLEL) -m "$(or $(MARK),not e2e)") --cov --cov-report=term

.PHONY: check
check: .venv/.dev ## Format, lint, types, import contracts, generated files, settings without an effect
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m openstoq docs --check
	PYTHONPATH=. $(BIN)/python -m tests.contract.unread_settings

.PHONY: docs
docs: .venv/.runtime ## Write the reference pages that are made from the code
	$(BIN)/openstoq docs

.PHONY: bench
bench: .venv/.dev ## Measure fan-out, sign-ups, lists and pages against this machine's own ceiling
	$(BIN)/python benchmarks/fanout.py --signups 100000
	$(BIN)/python benchmarks/fanout.py --signups 5000 --relay-delay-ms 20
	$(BIN)/python benchmarks/signups.py
	$(BIN)/python benchmarks/signups.py --waiting 100000
	$(BIN)/python benchmarks/lists.py
	$(BIN)/python benchmarks/pages.py

.PHONY: fix
fix: .venv/.dev ## Format and repair what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: pins
pins: ## Pin the newest versions of every dependency (needs uv)
	for set in runtime demo dev build; do \
		uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
			--no-emit-index-url --no-annotate --no-header requirements/$$set.in -o requirements/$$set.txt; \
	done
