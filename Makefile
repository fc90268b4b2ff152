# Everything a newcomer needs: `make demo` and `make test` set themselves up in .venv.
# Needs Python 3.11 or newer (PYTHON=python3.12 make … to choose one) and a network to fetch packages.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Holds for what is installed and for what builds it.
export PIP_CONSTRAINT := constraints.txt

.PHONY: demo test lint check bench audit fuzz soak reloads fleet connections scale actr guests ledger traces clean help

help:
	@echo "make demo    replay a recorded trace through six observers, two of them bad"
	@echo "make test    lint, types and all tests"
	@echo "make lint    lint and types only; make check: tests only"
	@echo "make bench   what a delivery costs, beside Extism and plain wasmtime-py"
	@echo "make audit   whether hostile guests and streams are contained, in threads and in processes"
	@echo "make fuzz    fuzz what reads strangers' bytes, FUZZ_SECONDS=60 for each of six targets"
	@echo "make soak    well and hostile observers together for SOAK_MINUTES=60, in threads and in processes"
	@echo "make fleet   200,000 events over JetStream, hosts killed and added meanwhile, the server restarted"
	@echo "make connections  what connections cost: memory, processor time, events a second"
	@echo "make reloads reload a configuration RELOADS=1000 times under load, in threads and in processes"
	@echo "make scale   what one host costs, per event, connection and observer: the figures of docs/scale.md"
	@echo "make actr    real Actor-RTC nodes in front of a host: lints and tests; ten minutes the first time"
	@echo "make ledger  what observers cost in each language, written anew"
	@echo "make guests  rebuild the prebuilt guests; make traces: the synthetic trace"

demo: $(VENV)/.run
	$(BIN)/wasmhost demo

test: lint check

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

check: $(VENV)/.test
	$(BIN)/pytest $(PYTEST_ARGS)

bench: $(VENV)/.test
	$(BIN)/wasmhost bench

audit: $(VENV)/.run
	$(BIN)/wasmhost audit --isolation thread
	$(BIN)/wasmhost audit --isolation process

FUZZ_SECONDS ?= 60
FUZZ_FOUND   ?= build/fuzz-found
fuzz: $(VENV)/.test
	$(PIP) install --group fuzz
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS) --found $(FUZZ_FOUND)

SOAK_MINUTES ?= 60
soak: $(VENV)/.test
	$(BIN)/python -m tests.soak.run --minutes $(SOAK_MINUTES) --write

fleet: $(VENV)/.test
	$(BIN)/python -m tests.jetstream.run

scale: $(VENV)/.test
	$(BIN)/python -m tests.scale.measure

actr: $(VENV)/.test
	$(BIN)/python -m tests.nodes.actr
	$(BIN)/pytest tests/nodes/test_actr.py tests/nodes/test_emit_crate.py

guests: $(VENV)/.test
	$(BIN)/python examples/build.py --prebuilt

RELOADS ?= 1000
connections: $(VENV)/.test
	$(BIN)/python -m tests.sources.measure

reloads: $(VENV)/.test
	$(BIN)/python -m tests.soak.reloads --reloads $(RELOADS)

ledger: $(VENV)/.test
	$(BIN)/python -m tests.conformance.ledger

traces: $(VENV)/.test
	$(BIN)/python examples/traces/make_synthetic.py

# The environment, in two steps: what runs it, and what tests it. Versions are pinned in
# pyproject.toml, and those of what they need in turn in constraints.txt.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "wasmhost needs Python 3.11 or newer; $(PYTHON) is older: try PYTHON=python3.12 make ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install pip==26.3
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) install --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP) install --editable '.[bench,zig,go,node,python-guest,nats,webhook]' --group test --group lint
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
