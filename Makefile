# `make help` says what there is. All is installed inside this folder.

PYTHON ?= python3
# Bytecode is kept: without it, each process compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE
# Where the connector and its tests are installed: another interpreter may have a folder of its own.
VENV ?= .venv
# Another version of the CDK: `make test CDK=7.28`, or CDK=newest.
ifdef CDK
override VENV := .venv-cdk
endif
# Installs into the environment that is named: with uv where it is installed, which is several times as fast.
UV := $(or $(shell command -v uv),$(wildcard .venv-lock/bin/uv))
install = $(if $(UV),$(UV) pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install -qq \
	--disable-pip-version-check --no-warn-script-location --no-compile)
install_locked = $(call install,$(1)) --no-deps --require-hashes --only-binary :all: -r
# One lock for all Pythons and systems, and without the name of any registry.
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-header $(ARGS)

.PHONY: help sync probe models dashboard clean \
	test lint lock test-image test-warehouse test-models test-engines bench
.DEFAULT_GOAL := help

help:
	@awk -F ':.*## ' '/^##@ / { printf "%s%s:\n", gap, substr($$0, 5); gap = "\n" } \
		/^[a-z-]+:.*## / { printf "  make %-15s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ For users

sync:  ## sync into sms_providers.duckdb: your accounts, or the sandbox's
	@$(MAKE) -s -j2 $(VENV)/connector .venv-pyairbyte/locked
	@echo "Starting PyAirbyte …"
	@DO_NOT_TRACK=1 AIRBYTE_OFFLINE_MODE=1 AIRBYTE_LOGGING_ROOT=.cache/logs \
		.venv-pyairbyte/bin/python -W ignore -m examples.sync_to_duckdb

probe: $(VENV)/connector  ## show how your accounts behave where the documentation is silent: probe-report.md
	@$(VENV)/bin/python -m integration_tests.probe

models: .venv-models/locked  ## build and test the spend models on what sync read
	@VARS='$(VARS)' .venv-models/bin/python -m examples.build_models

dashboard: .venv-models/locked  ## show the spend models in your browser
	@.venv-models/bin/streamlit run examples/dashboard.py --server.headless true --server.address 127.0.0.1 \
		--server.fileWatcherType none --browser.gatherUsageStats false --client.toolbarMode viewer

clean:  ## remove what was installed and built; keep secrets/ and the database
	@rm -rf .venv .venv-* .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .rumdl_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ For maintainers

test: $(VENV)/connector  ## run the tests that need no container engine (ARGS="-k balance" picks some)
ifdef CDK
	@$(call install,$(VENV)) --upgrade "airbyte-cdk[manifest-server]$(if $(filter newest,$(CDK)),,==$(CDK).*)"
	@$(VENV)/bin/python -c 'import importlib.metadata as m; print("CDK", m.version("airbyte-cdk"))'
endif
	@$(VENV)/bin/python -m pytest -n 4 --dist worksteal $(ARGS)

lint: $(VENV)/connector  ## check style, types, spelling and links (ARGS=--fix corrects style)
	@$(VENV)/bin/ruff check $(ARGS) .
	@$(VENV)/bin/ruff format $(if $(findstring --fix,$(ARGS)),,--check) .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/codespell
	@$(VENV)/bin/rumdl check --quiet .
	@$(VENV)/bin/actionlint
	@$(VENV)/bin/zizmor --quiet --offline --no-progress --persona=pedantic .github

lock: .venv-lock/bin/uv  ## update the lock files (ARGS=--upgrade takes the newest versions)
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group build -c requirements-dev.lock -o integration_tests/image/requirements-build.lock
	$(COMPILE) --group pyairbyte -o examples/requirements.lock
	$(COMPILE) --group orchestrators -c examples/requirements.lock -o examples/requirements-orchestrators.lock
	$(COMPILE) --group bench -o benchmarks/requirements.lock
	$(COMPILE) --group models -o dbt_sms_spend/requirements.lock
	$(COMPILE) --group models-tests -c dbt_sms_spend/requirements.lock -o dbt_sms_spend/requirements-tests.lock
	$(COMPILE) --group engines -o dbt_sms_spend/engine_tests/requirements.lock

test-image: $(VENV)/connector  ## build and test the image (root and Debian: installs a container engine if none runs)
	@PYTHON=$(VENV)/bin/python integration_tests/image/run.sh $(ARGS)

test-warehouse: $(VENV)/connector .venv-pyairbyte/orchestrators .venv-models/tests  ## sync into DuckDB and PostgreSQL, run the models and the examples
	@TEST_PYAIRBYTE=.venv-pyairbyte/bin/python TEST_DBT=.venv-models/bin/dbt \
		$(VENV)/bin/python -m pytest -n 2 --dist loadfile integration_tests/warehouse $(ARGS)

test-models: .venv-models/tests  ## test the spend models and their page on DuckDB
	@.venv-models/bin/python -m pytest -n 2 --dist worksteal dbt_sms_spend/integration_tests $(ARGS)

test-engines: .venv-engines/locked  ## test the spend models on ClickHouse, Spark, PostgreSQL and other dialects (needs Java 17)
	@.venv-engines/bin/python -m pytest dbt_sms_spend/engine_tests $(ARGS)

bench: $(VENV)/connector .venv-bench/locked  ## measure, and write docs/performance.md
	@$(VENV)/bin/python -m benchmarks $(ARGS)

.venv-lock/bin/uv:
	@$(PYTHON) -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip install -qq --disable-pip-version-check uv==0.13.9

# The last file made in each folder: as new as what it was installed from.
$(VENV)/locked: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "The connector needs Python 3.10 to 3.13, for example: make test PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing the connector's packages into $(VENV) (400 MB, a minute; seconds with uv) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(call install_locked,$(VENV)) $<
	@touch $@

$(VENV)/connector: $(VENV)/locked pyproject.toml
	@$(call install,$(VENV)) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-pyairbyte/locked: examples/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || \
		{ echo "PyAirbyte needs Python 3.10 to 3.12, for example: make sync PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing PyAirbyte into .venv-pyairbyte (600 MB, two minutes; seconds with uv) …"
	@$(PYTHON) -m venv --clear .venv-pyairbyte
	@$(call install_locked,.venv-pyairbyte) $<
	@touch $@

.venv-pyairbyte/orchestrators: examples/requirements-orchestrators.lock .venv-pyairbyte/locked
	@$(call install_locked,.venv-pyairbyte) $<
	@touch $@

.venv-models/locked: dbt_sms_spend/requirements.lock
	@echo "Installing dbt and Streamlit into .venv-models (550 MB, two minutes; seconds with uv) …"
	@$(PYTHON) -m venv --clear .venv-models
	@$(call install_locked,.venv-models) $<
	@touch $@

.venv-models/tests: dbt_sms_spend/requirements-tests.lock .venv-models/locked
	@$(call install_locked,.venv-models) $<
	@touch $@

# With pip: only it takes wheels for all packages except one.
.venv-engines/locked: UV :=
.venv-engines/locked: dbt_sms_spend/engine_tests/requirements.lock
	@echo "Installing the engines into .venv-engines …"
	@$(PYTHON) -m venv --clear .venv-engines
	@# PySpark has no wheel: setuptools, which builds it, is installed first.
	@awk '/^setuptools==/ { on = 1 } on; on && !/\\$$/ { exit }' $< > .venv-engines/setuptools.lock
	@$(call install_locked,.venv-engines) .venv-engines/setuptools.lock
	@$(call install_locked,.venv-engines) $< --no-binary pyspark --no-build-isolation
	@touch $@

.venv-bench/locked: benchmarks/requirements.lock
	@$(PYTHON) -m venv --clear .venv-bench
	@$(call install_locked,.venv-bench) $<
	@touch $@
