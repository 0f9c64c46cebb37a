# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV   := .venv
PY     := $(VENV)/bin/python
RUN    := exec $(PY) -u -m
PIP    := PYTHONUNBUFFERED=1 $(PY) -m pip install --disable-pip-version-check --progress-bar off
SOURCES := crds/src operator/src node_image/src node_image/*.py tests

# The environment is made anew whenever what it is made from changes.
STAMP  := $(VENV)/.installed-$(shell cat tests/requirements.txt pyproject.toml tests/find_python.sh | sha256sum | cut -c1-16)

DATA   ?=
INSTRUMENT ?=
ARGS   ?=
export PYTHON
# Where it is set, every process compiles what it imports anew: twice the time to collect the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}'

##@ See it work
.PHONY: demo demo-down
demo: setup ## A cluster, the operator and a trading node, shown live (DATA=trades.csv|.parquet for your own trades)
	@$(RUN) tests.demo up $(if $(DATA),--data "$(DATA)") $(if $(INSTRUMENT),--instrument "$(INSTRUMENT)")
demo-down: setup ## Take the demo and its cluster down
	@$(RUN) tests.demo down

##@ Develop
.PHONY: setup
setup: $(STAMP) ## Make the Python environment (.venv)
$(STAMP):
	@exec 1>&2; set -o pipefail; start=$$(date +%s); echo "[setup] making $(VENV) ..."; \
	python=$$(sh tests/find_python.sh) || exit 1; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV) && \
	$(PIP) --require-hashes --requirement tests/requirements.txt | bash tests/pip_progress.sh 10 $$start && \
	$(PIP) --no-deps --no-build-isolation --editable . | bash tests/pip_progress.sh 10 $$start && \
	touch $@ && echo "[setup] done in $$(( $$(date +%s) - start )) s"

.PHONY: format generate requirements
format: setup ## Format the code and sort imports
	@$(PY) -m ruff format $(SOURCES) && $(PY) -m ruff check --fix $(SOURCES)
generate: setup ## Write what is generated: CRDs, chart copies, reference docs
	@$(PY) -m trading_operator.generate && $(PY) -m trading_node.venues.support && \
	$(PY) -m trading_node.metrics_reference docs/reference/node-metrics.md
requirements: setup ## Compile the hash-pinned requirements from pyproject.toml
	@$(PY) tests/compile_requirements.py

##@ Verify
.PHONY: check unit test bench
check: setup ## Format, lint, types, import walls, generated files current (seconds)
	@$(RUN) tests.run check
unit: setup ## The fast tests (seconds)
	@$(RUN) tests.run unit
test: setup ## Everything: check, fast tests, node processes, API server, end to end on a real cluster
	@$(RUN) tests.run test $(ARGS)
bench: setup ## Figures, each against its baseline in the same run
	@$(RUN) tests.bench $(ARGS)

##@ The local cluster
.PHONY: cluster-up cluster-down cluster-purge cluster-status cluster-env images
cluster-up: setup ## Start the local cluster
	@$(RUN) tests.cluster up
cluster-down: setup ## Stop the local cluster: no process, mount, link or table stays; packages and the cache do
	@$(RUN) tests.cluster down
cluster-purge: setup ## Stop the local cluster and remove the per-user cache; the next start builds all anew
	@$(RUN) tests.cluster purge
cluster-status: setup ## Say what runs
	@$(RUN) tests.cluster status
cluster-env: setup ## Print the exports for kubectl and helm: eval "$$(make -s cluster-env)"
	@$(RUN) tests.cluster env
images: setup ## Build the images and load them into the cluster
	@$(RUN) tests.cluster images

.PHONY: clean
clean: ## Remove the environment and caches of this checkout (the per-user cache: cluster-purge)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist out
