# Penstock. `make demo` and `make test` need Python 3.11 and make; each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test kafka bench chaos oracle wheel lint setup lock proto
demo: setup  ## the purchases example on the embedded log, with a worker killed in the middle
	@$(BIN)/penstock demo $(NAME)

PROCESSES ?= 2
test: setup  ## every test, in two processes; those on a real Kafka need Java 17 and Maven, those of other languages' clients Node 20 and Go 1.26
	@$(BIN)/python -m pytest tests -n $(PROCESSES) $(ARGS)

kafka: setup  ## a real broker from Maven jars on 127.0.0.1:9092, for trying `penstock serve --kafka`
	@$(BIN)/python tests/kafka/broker.py start --port 9092 --dir .cache/kafka-data

bench: setup  ## throughput, CPU and memory beside Kafka Streams; ARGS="--help" tells the options
	@$(BIN)/python tests/bench/run.py $(ARGS)

SEED ?= 1
SECONDS ?= 60
LOG ?= embedded
NODES ?= 1
BROKERS ?= 0
chaos: setup  ## kill -9 and worse under load, then a recount: make chaos SEED=7 SECONDS=60 LOG=kafka, or SEED=7 SECONDS=120 NODES=3 BROKERS=3
	@$(BIN)/python tests/chaos/run.py --seed $(SEED) --seconds $(SECONDS) --log $(LOG) --nodes $(NODES) --brokers $(BROKERS) $(ARGS)

compat: setup  ## cases of ksqlDB's tests, which are not part of this project: make compat CASES=PATH
	@test -n "$(CASES)" || { echo "make compat CASES=PATH: a file or directory of cases in JSON"; exit 2; }
	@$(BIN)/penstock test $(CASES)
.PHONY: compat

oracle: setup  ## random topologies in Kafka Streams' own test driver and in ours: make oracle SEED=7 SECONDS=600
	@$(BIN)/python tests/oracle/explore.py --seed $(SEED) --seconds $(SECONDS) $(ARGS)

conformance: setup  ## one behaviour of the clients in every language: make conformance ARGS="--language typescript --scenario resume"
	@$(BIN)/python tests/conformance/run.py $(ARGS)
.PHONY: conformance

wheel: setup  ## both wheels into dist/
	@rm -rf dist && $(BIN)/python -m build --no-isolation --wheel --outdir dist clients/python >/dev/null && $(BIN)/python -m build --no-isolation --wheel --outdir dist service >/dev/null
	@ls dist/*.whl

lint: setup proto-check  ## style, types, and who may import whom
	@$(BIN)/ruff check --config service/pyproject.toml service/src clients/python/src tests
	@cd service && ../$(BIN)/lint-imports --config pyproject.toml
	@cd service && ../$(BIN)/mypy src/penstock

setup: $(STAMP)

$(STAMP): requirements.lock service/pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Penstock needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing Penstock into $(VENV) (once, about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e clients/python -e service
	@touch $@

lock:
	$(PYTHON) -m venv .cache/lock && .cache/lock/bin/pip install -q pip-tools
	.cache/lock/bin/pip-compile -q --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --strip-extras -o requirements.lock requirements.in

proto: setup
	@$(BIN)/python proto/generate.py

proto-check: setup
	@$(BIN)/buf lint
	@$(BIN)/python proto/generate.py --check
.PHONY: proto-check
