# `make help` says what there is. All is installed inside this folder.

PYTHON ?= python3
# Where the connector and its tests are installed: another interpreter may have a folder of its own.
VENV ?= .venv
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --no-warn-script-location --no-deps
INSTALL_LOCKED := $(PIP_INSTALL) --require-hashes --only-binary :all: -r
# One lock for all Pythons and systems, and without the name of any registry.
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-header $(ARGS)

# What a release is called, and which processors its image is for: one image each, and one name for all.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE ?= $(shell sed -n 's/^  dockerRepository: //p' metadata.yaml)
PROCESSORS ?= amd64 arm64
PROCESSOR = $(shell docker version --format '{{.Server.Arch}}')

.PHONY: help sync probe models dashboard test soak test-cdk test-warehouse test-models test-engines large-models test-image picture bench bench-against \
	lint format lock dist push-image name-image release-check address clean
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

sync:  ## install, then sync into sms_providers.duckdb: your accounts, or the sandbox's
	@$(MAKE) -s -j2 $(VENV)/connector .venv-pyairbyte/locked
	@echo "Starting PyAirbyte …"
	@DO_NOT_TRACK=1 AIRBYTE_OFFLINE_MODE=1 AIRBYTE_LOGGING_ROOT=.cache/logs \
		.venv-pyairbyte/bin/python -W ignore -m examples.sync_to_duckdb

probe: $(VENV)/connector  ## ask your accounts, or the sandbox's, what no documentation says: probe-report.md
	@$(VENV)/bin/python -m integration_tests.probe

models: .venv-models/locked  ## build and test the spend models on what sync read (VARS="{include_partial_days: true}")
	@VARS='$(VARS)' .venv-models/bin/python -m examples.build_models

dashboard: .venv-models/locked  ## look at the spend models in the browser
	@.venv-models/bin/streamlit run examples/dashboard.py --server.headless true --server.address 127.0.0.1 \
		--server.fileWatcherType none --browser.gatherUsageStats false --client.toolbarMode viewer

test: $(VENV)/connector  ## install, then run all tests (ARGS="-k balance" picks some)
	@$(VENV)/bin/python -m pytest -n 4 --dist worksteal $(ARGS)

soak: $(VENV)/connector  ## the tests of time, failures, histories, bodies and the probe with ten times the rounds
	@ROUNDS=10 $(VENV)/bin/python -m pytest -n auto --dist worksteal $(ARGS) integration_tests/test_windows.py \
		integration_tests/test_failed_days.py integration_tests/test_bodies.py integration_tests/test_killed.py \
		integration_tests/test_history.py integration_tests/test_probe.py

test-cdk:  ## the unit tests on another CDK (CDK=7.28, or CDK=newest)
	@test "$(CDK)" || { echo "Name a version, for example: make test-cdk CDK=7.28" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv-cdk
	@.venv-cdk/bin/python $(INSTALL_LOCKED) requirements-dev.lock
	@.venv-cdk/bin/python -m pip install -qq --disable-pip-version-check --upgrade \
		"airbyte-cdk$(if $(filter newest,$(CDK)),,==$(CDK).*)"
	@.venv-cdk/bin/python $(PIP_INSTALL) --no-build-isolation --editable .
	@.venv-cdk/bin/python -c 'import importlib.metadata as m; print("CDK", m.version("airbyte-cdk"))'
	@.venv-cdk/bin/python -m pytest -n 4 --dist worksteal unit_tests $(ARGS)

test-image: $(VENV)/connector  ## build the image with a real engine and test it (root, Debian: installs the engine)
	@PYTHON=$(VENV)/bin/python integration_tests/image/run.sh $(ARGS)

test-warehouse: $(VENV)/connector .venv-pyairbyte/orchestrators .venv-models/locked  ## sync days into DuckDB and PostgreSQL, model them, compare
	@TEST_PYAIRBYTE=.venv-pyairbyte/bin/python TEST_DBT=.venv-models/bin/dbt \
		$(VENV)/bin/python -m pytest integration_tests/warehouse $(ARGS)

test-models: .venv-models/locked  ## test the spend models and their page on DuckDB
	@.venv-models/bin/python -m pytest -n 2 --dist worksteal dbt_sms_spend/integration_tests $(ARGS)

test-engines: .venv-engines/locked  ## try the spend models on ClickHouse, Spark, PostgreSQL and the dialects of others (15 minutes; needs Java 17)
	@.venv-engines/bin/python -m pytest dbt_sms_spend/engine_tests $(ARGS)

large-models: .venv-models/locked  ## measure the spend models on 400 days, 300 countries and 50 accounts
	@.venv-models/bin/python -m dbt_sms_spend.integration_tests.large

picture: .venv-models/locked  ## draw the chart of README.md anew
	@.venv-models/bin/python -m dbt_sms_spend.integration_tests.picture

bench: $(VENV)/connector .venv-bench/locked  ## measure, and write docs/performance.md (ARGS=startup picks a part)
	@$(VENV)/bin/python -m benchmarks $(ARGS)

bench-against: $(VENV)/connector  ## what this code takes, against that of another commit (REF=main~5)
	@$(VENV)/bin/python -m benchmarks.against $(REF)

lint: $(VENV)/connector  ## check style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/actionlint
	@$(VENV)/bin/zizmor --quiet --offline --no-progress --persona=pedantic .github

format: $(VENV)/connector  ## put the code into the style that lint asks for
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

lock:  ## remake the locks from pyproject.toml (ARGS=--upgrade takes the newest of all)
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python $(PIP_INSTALL) uv==0.13.9; }
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock
	$(COMPILE) --group pyairbyte -o requirements-pyairbyte.lock
	$(COMPILE) --group orchestrators -c requirements-pyairbyte.lock -o requirements-orchestrators.lock
	$(COMPILE) --group bench -o requirements-bench.lock
	$(COMPILE) --group models -o requirements-models.lock
	$(COMPILE) --group engines -o requirements-engines.lock

release-check: $(VENV)/connector  ## say what keeps the version of pyproject.toml from being released
	@$(VENV)/bin/python -m integration_tests.release $(or $(TAG),v$(VERSION))

address:  ## tell every file where the repository is public (REPOSITORY=owner/name)
	@old=$$(sed -n 's|^Repository = "https://github.com/\(.*\)"|\1|p' pyproject.toml) && \
		new=$$(echo "$(REPOSITORY)" | tr '[:upper:]' '[:lower:]') && \
		case "$$new" in ?*/?*) ;; *) echo "Name it, for example: make address REPOSITORY=owner/name" >&2; exit 1;; esac && \
		git grep -lF "$$old" | xargs perl -pi -e "s{\Q$$old\E}{$$new}g"

dist: $(VENV)/connector  ## build the wheel and the sdist into dist/
	@rm -rf dist
	@$(VENV)/bin/hatchling build --directory dist

push-image:  ## push the image that test-image tested, for this processor (IMAGE=registry.example.com/sms)
	docker tag source-sms-providers:test $(IMAGE):$(VERSION)-$(PROCESSOR)
	docker push --quiet $(IMAGE):$(VERSION)-$(PROCESSOR)

name-image:  ## give the images that were pushed for the PROCESSORS the name of their version
	docker manifest create $(ARGS) $(IMAGE):$(VERSION) $(PROCESSORS:%=$(IMAGE):$(VERSION)-%)
	docker manifest push --purge $(ARGS) $(IMAGE):$(VERSION)

clean:  ## remove what was installed and built; keeps secrets/ and the database
	@rm -rf .venv .venv-* .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The last file made in each folder: as new as what it was installed from.
$(VENV)/locked: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "The connector needs Python 3.10 to 3.13, for example: make test PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing the connector's packages into $(VENV) (about a minute) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python $(INSTALL_LOCKED) $<
	@touch $@

$(VENV)/connector: $(VENV)/locked pyproject.toml
	@$(VENV)/bin/python $(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

.venv-pyairbyte/locked: requirements-pyairbyte.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || \
		{ echo "PyAirbyte needs Python 3.10 to 3.12, for example: make sync PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing PyAirbyte into .venv-pyairbyte (780 MB, two to three minutes) …"
	@$(PYTHON) -m venv --clear .venv-pyairbyte
	@.venv-pyairbyte/bin/python $(INSTALL_LOCKED) $<
	@touch $@

.venv-pyairbyte/orchestrators: requirements-orchestrators.lock .venv-pyairbyte/locked
	@.venv-pyairbyte/bin/python $(INSTALL_LOCKED) $<
	@touch $@

.venv-models/locked: requirements-models.lock
	@echo "Installing dbt and Streamlit into .venv-models (700 MB, two minutes) …"
	@$(PYTHON) -m venv --clear .venv-models
	@.venv-models/bin/python $(INSTALL_LOCKED) $<
	@touch $@

.venv-engines/locked: requirements-engines.lock
	@echo "Installing the engines into .venv-engines …"
	@$(PYTHON) -m venv --clear .venv-engines
	@# PySpark has no wheel: setuptools, which builds it, is installed first.
	@awk '/^setuptools==/ { on = 1 } on; on && !/\\$$/ { exit }' $< > .venv-engines/setuptools.lock
	@.venv-engines/bin/python $(INSTALL_LOCKED) .venv-engines/setuptools.lock
	@.venv-engines/bin/python $(INSTALL_LOCKED) $< --no-binary pyspark --no-build-isolation
	@touch $@

.venv-bench/locked: requirements-bench.lock
	@$(PYTHON) -m venv --clear .venv-bench
	@.venv-bench/bin/python $(INSTALL_LOCKED) $<
	@touch $@
