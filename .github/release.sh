#!/bin/sh
# The steps of the release workflow that a person or a test can run too:
#
#   .github/release.sh dist                     builds the wheel and the sdist into dist/
#   .github/release.sh push [IMAGE]             pushes the image that `make test-image` tested, for this processor
#   .github/release.sh name [IMAGE] [OPTION…]   gives the pushed images of all processors the name of their version
#
# PROCESSORS lists the processors. The options go to `docker manifest`.
set -eu
cd "$(dirname "$0")/.."

step=${1:-}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image=${2:-$(sed -n 's/^  dockerRepository: //p' metadata.yaml)}:$version

case "$step" in
dist)
    rm -rf dist
    .venv/bin/hatchling build --directory dist
    ;;
push)
    processor=$(docker version --format '{{.Server.Arch}}')
    docker tag source-sms-providers:test "$image-$processor"
    docker push --quiet "$image-$processor"
    ;;
name)
    shift "$(($# < 2 ? $# : 2))"
    images=
    for processor in ${PROCESSORS:-amd64 arm64}; do images="$images $image-$processor"; done
    # shellcheck disable=SC2086 # one argument for each image
    docker manifest create "$@" "$image" $images
    docker manifest push --purge "$@" "$image"
    ;;
*)
    sed -n 's/^# \{0,1\}//; 2,8p' "$0" >&2
    exit 2
    ;;
esac
