# The tasks of Kevre. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test test-spark test-homeassistant fuzz soak soak-federation check bench bench-territory bench-cold lock clean

# The newest Python from 3.11 on that really runs.
PYTHON := $(shell for name in python3.13 python3.12 python3.11 python3; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo "$$name"; break; fi; done)
BIN := .venv/bin

help: ## Say what each task does
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

.PHONY: python node-environment dev-environment
python:
	@if [ -z "$(PYTHON)" ]; then \
	echo "Kevre needs Python 3.11 or newer. On Debian and Ubuntu: sudo apt install python3 python3-venv" >&2; \
	exit 1; fi

node-environment: python
	@$(PYTHON) tools/environment.py node

dev-environment: python
	@$(PYTHON) tools/environment.py dev

demo: node-environment ## Serve the demo territory at http://127.0.0.1:8000 (PORT=… for another)
	@KEVRE_HOME="$${KEVRE_HOME:-var/demo}" KEVRE_PORT="$${PORT:-$${KEVRE_PORT:-8000}}" $(BIN)/kevre demo

demo-reset: ## Forget the demo's data and begin anew
	@rm -rf var/demo
	@$(MAKE) --no-print-directory demo

test: dev-environment ## Run every test; installs the Debian packages it needs where it may
	@$(BIN)/python tools/test.py

test-homeassistant: dev-environment ## Let a real Home Assistant send to a node; brings it (400 MB)
	@$(BIN)/python tools/homeassistant.py

test-spark: dev-environment ## Ask a territory's export in Apache Spark; brings Spark (450 MB) and Java
	@$(BIN)/python tools/spark.py

fuzz: dev-environment ## Damage files of meters for KEVRE_FUZZ_S seconds (60) and look what breaks
	@$(BIN)/python tools/fuzz.py

soak: dev-environment ## Kill busy stores, file and lake, 200 times each (KILLS=…) and look for what is lost
	@KEVRE_KILLS="$${KILLS:-200}" $(BIN)/python -m pytest -q -s tests/store/test_crash.py tests/store/test_lake.py

soak-federation: dev-environment ## Lend 10,000 readings/s along three nodes for 180 s (LASTING=…), killing and tearing
	@KEVRE_SOAK_S="$${LASTING:-180}" KEVRE_SOAK_RATE="$${RATE:-10000}" \
		$(BIN)/python -m pytest -q -s tests/federate/test_resilience.py

soak-collect: dev-environment ## Kill a collector and its node, move its clock, cut its line for ten minutes (SECONDS_OF_SOAK=…)
	@KEVRE_SOAK_S="$${SECONDS_OF_SOAK:-600}" KEVRE_SOAK_SEED="$${SEED:-1}" $(BIN)/python -m pytest -q -s tests/collect/test_soak.py

check: dev-environment ## Lint, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: dev-environment ## Measure against named baselines; writes build/bench.json
	@$(BIN)/python -m bench.run

bench-territory: dev-environment ## Measure a territory of 5,000 meters (METERS=…) beside other ways to keep it
	@$(BIN)/python -m bench.territory

bench-cold: dev-environment ## As bench, with a cold demo in a clean clone
	@$(BIN)/python -m bench.run --cold

lock: dev-environment ## Renew the pinned requirements (needs uv); pins hold versions and hashes only
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml requirements/build.in --extra node -o requirements/node.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml requirements/build.in --extra node --extra lake --group dev \
		--extra gpio --extra mbus --extra modbus --extra mqtt \
		-c requirements/node.txt -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements/spark.in -o requirements/spark.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements/homeassistant.in -o requirements/homeassistant.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements/fuzz.in -o requirements/fuzz.txt

clean: ## Remove what was built; data stays
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
