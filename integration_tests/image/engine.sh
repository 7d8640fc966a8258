#!/bin/sh
# Gives the image tests a container engine: engine.sh start | stop
#
# `start` prints the address to use as DOCKER_HOST; it is empty if an engine runs here already. Where none runs it
# starts one of its own, as root on Debian or Ubuntu, which needs no network of its own (--network host) and keeps
# all it has in ENGINE_HOME. `stop` ends that one and no other.
set -eu

ENGINE_HOME=${ENGINE_HOME:-/var/tmp/source-sms-providers-engine}
address=unix://$ENGINE_HOME/docker.sock

say() { echo "$*" >&2; }

start() {
    if [ -z "${DOCKER_HOST:-}" ] && docker version >/dev/null 2>&1; then
        return
    fi
    if ! DOCKER_HOST=$address docker version >/dev/null 2>&1; then
        [ "$(id -u)" = 0 ] || { say "No container engine runs here, and only root can start one."; exit 1; }
        if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
            say "Installing a container engine …"
            apt-get update -qq >&2
            apt-get install -y -qq --no-install-recommends docker.io >&2
        fi
        say "Starting a container engine in $ENGINE_HOME …"
        mkdir -p "$ENGINE_HOME"
        echo '{}' >"$ENGINE_HOME/daemon.json"
        setsid dockerd --config-file "$ENGINE_HOME/daemon.json" --data-root "$ENGINE_HOME/data" \
            --exec-root "$ENGINE_HOME/exec" --pidfile "$ENGINE_HOME/pid" --host "$address" \
            --bridge=none --iptables=false --ip6tables=false --ip-masq=false --storage-driver overlay2 \
            >"$ENGINE_HOME/log" 2>&1 </dev/null &
        tries=0
        until DOCKER_HOST=$address docker version >/dev/null 2>&1; do
            tries=$((tries + 1))
            [ $tries -le 60 ] || { say "The engine did not start:"; tail -20 "$ENGINE_HOME/log" >&2; exit 1; }
            sleep 0.5
        done
    fi
    echo "$address"
}

stop() {
    [ -f "$ENGINE_HOME/pid" ] || return 0
    pid=$(cat "$ENGINE_HOME/pid")
    kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
}

case ${1:-} in
    start | stop) "$1" ;;
    *) say "engine.sh start | stop"; exit 2 ;;
esac
