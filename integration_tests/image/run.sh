#!/bin/sh
# Builds the image and tests it: integration_tests/image/run.sh [pytest arguments]. PYTHON runs the tests.
set -eu

cd "$(dirname "$0")/../.."
host=$(integration_tests/image/engine.sh start)
if [ -n "$host" ]; then
    export DOCKER_HOST="$host"
    trap 'integration_tests/image/engine.sh stop' EXIT
fi
# The registry that the image is pushed to.
command -v docker-registry >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends docker-registry; } >&2
# An image and not an index of images, so that `.github/release.sh name` can put it into one.
export BUILDX_NO_DEFAULT_ATTESTATIONS=1
# The older builder, where the newer one is not installed.
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
base=${BASE_IMAGE:-$(integration_tests/image/base.sh)}
echo "Building the image on $base …"
docker build --quiet --network host --build-arg "BASE_IMAGE=$base" --tag source-sms-providers:test .
TEST_IMAGE=source-sms-providers:test TEST_BASE_IMAGE=$base "${PYTHON:-python3}" -m pytest integration_tests/image "$@"
