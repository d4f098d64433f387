# Everything a person or continuous integration does with a checkout. Start with: make run

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

# The process that `make run` shows, and the script that kills it in the middle and starts it again.
RUN  = $(BIN)/bureaucrat run processes/order.xml --participants examples/participants.py --field order_id=1017 \
       --event 'payment.authorized order_id=1017 after=2s' --db run.db
KILL_SCRIPT = examples/kill_and_continue.py

.DEFAULT_GOAL := help
.PHONY: help run test check mutants faults streams bench dev services clean

help:
	@echo "make run          run the order process to its end before your eyes"
	@echo "make run KILL=1   the same, but the engine is killed (-9) in the middle and started again"
	@echo "make test         set up .venv, then make check: what continuous integration runs"
	@echo "make check        ruff, mypy, and all tests with coverage"
	@echo "make mutants      change the core and the definition in every way, and see that tests notice (half an hour)"
	@echo "make faults       kill, freeze and cut off everything, and account for every instance (25 minutes)"
	@echo "make streams      100,000 keyed events through stream agents that are killed and added: order and loss"
	@echo "make bench        print the measured speed"
	@echo "make services     install the Debian packages that tests start for themselves"
	@echo "make dev          set up .venv with everything that tests and checks need"
	@echo "make clean        remove all that these commands made"

run: $(VENV)/.run
	@rm -f run.db run.db-wal run.db-shm run.db.lock run.db.pid
ifdef KILL
	@$(BIN)/python $(KILL_SCRIPT) $(RUN)
else
	@$(RUN)
endif

test: dev services
	@$(MAKE) --no-print-directory check

# Branch coverage: all of the core and the definition, nine tenths of the rest.
check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='bureaucrat/core/*,bureaucrat/definition/*' --fail-under=100
	$(BIN)/coverage report --omit='bureaucrat/core/*,bureaucrat/definition/*' --fail-under=90

mutants: $(VENV)/.test
	$(BIN)/python tests/mutants/check.py

# FULL=1: ten times as much, which takes a night.
faults: $(VENV)/.test services
	$(BIN)/python tests/faults/run_faults.py

streams: $(VENV)/.test services
	$(BIN)/python tests/streams/stream_chaos.py 100000

bench: $(VENV)/.test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python tests/benchmarks/run.py

dev: $(VENV)/.test

# What the tests start for themselves. The packages' own services are neither started nor needed.
SERVICES = $(strip $(if $(wildcard $(or $(RABBITMQ_SCRIPTS),/usr/lib/rabbitmq/bin)/rabbitmq-server),,rabbitmq-server) \
                   $(if $(wildcard $(or $(POSTGRESQL_HOME),/usr/lib/postgresql)/*/bin/initdb),,postgresql) \
                   $(if $(wildcard /usr/bin/redis-server),,redis-server) \
                   $(if $(wildcard /usr/bin/systemd-analyze),,systemd))

services:
	@test -z "$(SERVICES)" || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; } \
	  || { echo "make: the tests need $(SERVICES) and start what they need themselves; on Debian and Ubuntu: sudo make services"; exit 1; }
	@test -z "$(SERVICES)" || sh tests/install_services.sh $(SERVICES)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov mutants
	rm -f run.db run.db-wal run.db-shm run.db.lock run.db.pid
	find bureaucrat tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment: made once, and again when setup.cfg changes

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "make: there is no $(PYTHON); install Python 3.11 or newer, or: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -q -y python3-venv; } \
	  || { echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: setup.cfg pyproject.toml | $(VENV)/pyvenv.cfg
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml | $(VENV)/pyvenv.cfg
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.run
