# Penstock. `make demo` and `make test` need Python 3.11 and make; each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup lock proto
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
