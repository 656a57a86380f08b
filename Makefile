# make tune   set up, then tune a real model server on this machine
# make test   set up, then run all tests
# make image-trees  what the images hold, assembled and started without a container engine
# make check  format, lint, types, layers, generated code
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MLSERVER := .venv-mlserver
TRITON := .venv-triton
VIZIER := .venv-vizier
LOAD_PEERS := .venv-load-peers

.PHONY: tune tune-triton test image-trees check protos lock clean
.DELETE_ON_ERROR:

tune: $(VENV)/.ready $(MLSERVER)/.ready
	$(BIN)/python -m local_runner examples/local/mlserver/experiment.yaml --output runs/mlserver

tune-triton: $(VENV)/.ready $(TRITON)/.ready
	$(BIN)/python -m local_runner examples/local/triton/experiment.yaml --output runs/triton

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

IMAGES := suggestion load-generator trial-driver
image-trees: $(VENV)/.ready
	rm -rf build/trees
	for image in $(IMAGES); do $(BIN)/python -m deploy.assemble $$image build/trees/$$image || exit 1; done

protos: $(VENV)/.ready
	$(BIN)/python -m protos.generate

# Resolves the ranges of setup.cfg anew and writes the versions that every set-up then uses.
lock:
	rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -e '.[dev]'
	{ sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --exclude-editable; } > constraints.new
	mv constraints.new constraints.txt

$(VENV)/.ready: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# Model servers get environments of their own: MLServer and the Katib SDK need different protobufs.
$(MLSERVER)/.ready: examples/local/mlserver/requirements.txt examples/local/mlserver/train.py
	$(PYTHON) -m venv $(MLSERVER)
	$(MLSERVER)/bin/pip install --quiet --requirement $<
	$(MLSERVER)/bin/python examples/local/mlserver/train.py $(MLSERVER)/models/digits
	touch $@

$(TRITON)/.ready: $(wildcard examples/local/triton/*.txt examples/local/triton/*.py examples/local/triton/model/*)
	$(PYTHON) -m venv $(TRITON)
	$(TRITON)/bin/pip install --quiet --requirement examples/local/triton/requirements.txt
	$(TRITON)/bin/python examples/local/triton/train.py $(TRITON)/models
	touch $@

# A peer of benchmarks/search_cost, which needs other versions of our dependencies.
$(VIZIER)/.ready: benchmarks/search_cost/vizier-requirements.txt
	$(PYTHON) -m venv $(VIZIER)
	$(VIZIER)/bin/pip install --quiet --requirement $<
	touch $@

# Peers of benchmarks/load_generator. From Debian: apt-get install wrk hey libb64-0d
$(LOAD_PEERS)/.ready: benchmarks/load_generator/peers/requirements.txt
	$(PYTHON) -m venv $(LOAD_PEERS)
	$(LOAD_PEERS)/bin/pip install --quiet --requirement $<
	GOBIN=$(abspath $(LOAD_PEERS))/bin go install github.com/tsenart/vegeta/v12@v12.13.0 \
	  || echo 'vegeta is left out: it needs Go'
	touch $@

clean:
	rm -rf $(VENV) $(MLSERVER) $(TRITON) $(VIZIER) $(LOAD_PEERS) runs build *.egg-info
