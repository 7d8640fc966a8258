#!/bin/sh
# Prints the base image to build on: the Dockerfile's own if it can be pulled, else one made here.
#
# The one made here has what the connector needs of Airbyte's: Python 3.13, pip, sh, certificates, time zones and the
# user airbyte (1000). It is Debian's packages and nothing else, for machines that reach no image registry.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
official=$(sed -n 's/^ARG BASE_IMAGE=//p' "$here/../../Dockerfile")
local=source-sms-providers-base:local

say() { echo "$*" >&2; }

if docker image inspect "$official" >/dev/null 2>&1 || timeout 300 docker pull --quiet "$official" >/dev/null 2>&1; then
    echo "$official"
    exit
fi
if ! docker image inspect "$local" >/dev/null 2>&1; then
    say "The base image cannot be pulled: making one of Debian's packages (about a minute) …"
    command -v mmdebstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends mmdebstrap; } >&2
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    mmdebstrap --quiet --variant=minbase --include=python3,python3-pip,ca-certificates,tzdata \
        trixie "$context/rootfs.tar" >&2
    cp "$here/base.Dockerfile" "$context/Dockerfile"
    # The certificates that this machine trusts: a proxy on the way to the packages may have one of its own.
    cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$context/certificates.crt"
    docker build --quiet --network host --tag "$local" "$context" >&2
fi
echo "$local"
