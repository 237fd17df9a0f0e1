# Everything a newcomer needs is one of these words. `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ANTSPYNET ?= .venv-antspynet
DEMO   ?=
PYTEST ?=
RAY    ?= .venv-ray
MLFLOW ?= .venv-mlflow
BENCH_IMAGING ?=

.PHONY: help demo test test-antspynet test-ray test-mlflow install peers lint types house unit format lock bench bench-imaging clean

help:  ## list these words
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.demo-ready  ## train, freeze, approve, release, serve and trace a real model
	$(BIN)/bedside demo $(DEMO)

test: install peers lint types house unit  ## everything that CI runs

install: $(VENV)/.test-ready  ## the whole development environment, from the hashed locks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Bedside needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: locks/demo.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/demo.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.test-ready: locks/test.txt locks/torch.constraint.txt locks/monai.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r locks/torch.constraint.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r locks/monai.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/.demo-ready

peers:  ## the real systems that tests talk to, where we may install them
	@tools/install-peers

lint: install  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install  ## mypy, strict
	$(BIN)/mypy

house: install  ## the floor plan: who may import whom
	$(BIN)/lint-imports

unit: install  ## the tests, on both cores
	@$(BIN)/python -m compileall -q src/bedside  # once, not in each of the hundreds of programs that tests start
	OMP_WAIT_POLICY=passive $(BIN)/pytest -n 2 --dist worksteal $(PYTEST)  # a thread that spins takes the other test's core

test-antspynet: install $(ANTSPYNET)/.ready  ## the real ANTsPyNet, in an environment of its own (minutes)
	BEDSIDE_ANTSPYNET_PYTHON=$(abspath $(ANTSPYNET))/bin/python $(BIN)/pytest tests/antspynet --timeout 3000 $(PYTEST)

$(ANTSPYNET)/.ready: locks/antspynet.constraint.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(ANTSPYNET)
	$(ANTSPYNET)/bin/python -m pip install --quiet --disable-pip-version-check -c locks/antspynet.constraint.txt \
	  antspyx tensorflow-cpu scikit-learn statsmodels matplotlib requests
	$(ANTSPYNET)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -c locks/antspynet.constraint.txt antspynet
	@touch $@

test-mlflow: install $(MLFLOW)/.ready  ## a training's copy on a real MLflow server, in an environment of its own
	BEDSIDE_MLFLOW_PYTHON=$(abspath $(MLFLOW))/bin/python $(BIN)/pytest tests/lab/training/test_mirror.py $(PYTEST)

$(MLFLOW)/.ready: locks/mlflow.constraint.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(MLFLOW)
	$(MLFLOW)/bin/python -m pip install --quiet --disable-pip-version-check -c locks/mlflow.constraint.txt mlflow
	@touch $@

test-ray: $(RAY)/.ready  ## analyses over a local Ray cluster, one node of which dies
	$(RAY)/bin/python -m pytest tests/jobs/test_ray_cluster.py $(PYTEST)

$(RAY)/.ready: locks/test.txt pyproject.toml
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/test.txt
	$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e ".[ray]"
	@touch $@

format: install  ## write the format that `lint` asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## resolve pyproject.toml into locks/ anew, with hashes and without index addresses
	PATH="$(abspath $(BIN)):$$PATH" tools/lock

bench: install  ## measure, and write docs/benchmarks.md
	$(BIN)/python -m tools.bench

bench-imaging: install  ## measure volumes, and write docs/benchmarks-imaging.md
	$(BIN)/python -m tools.bench_imaging $(BENCH_IMAGING)

clean:  ## forget the environment and every cache
	rm -rf $(VENV) $(ANTSPYNET) $(RAY) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
