#!/bin/sh
# One sync for a scheduler: examples/scheduled_sync.sh [sync_to_duckdb | sync_to_postgres]. See schedule.md.
set -eu

cd "$(dirname "$0")/.."
mkdir -p .cache
echo "$(date -u +%FT%TZ) ${1:-sync_to_duckdb} starts"
# One at a time: a sync that finds another one running ends with 75 and does nothing.
DO_NOT_TRACK=1 AIRBYTE_OFFLINE_MODE=1 AIRBYTE_LOGGING_ROOT=.cache/logs \
    exec flock --nonblock --conflict-exit-code 75 .cache/sync.lock \
    .venv-pyairbyte/bin/python -W ignore -m "examples.${1:-sync_to_duckdb}"
