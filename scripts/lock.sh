#!/bin/sh
# Locks every extra of pyproject.toml. `dev` comes first and binds the others to its versions.
# usage: scripts/lock.sh UV [--upgrade]
set -eu
uv=$1
shift
# localgcp is this checkout's own, and has no hash: make and tox install it by its path.
compile() {
    "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-package localgcp "$@"
}

compile -o requirements/uv.txt requirements/uv.in "$@"
compile -o requirements/tox.txt requirements/tox.in "$@"
compile -o requirements/hadolint.txt requirements/hadolint.in "$@"
compile -o requirements/docs.txt requirements/docs.in "$@"
compile --extra dev -o requirements/dev.txt pyproject.toml "$@"
compile -c requirements/dev.txt -o requirements/deploy.txt requirements/deploy.in "$@"
compile -c requirements/dev.txt -o requirements/mutation.txt requirements/mutation.in "$@"
compile -c requirements/dev.txt -o requirements/beam.txt requirements/beam.in "$@"
for extra in generator table_manager pipeline emulators tools local; do
    compile --extra "$extra" -c requirements/dev.txt -o "requirements/$extra.txt" pyproject.toml
done

# The world's clients of BigQuery, apart from dev: dbt-bigquery wants an older google-cloud-storage.
compile -c requirements/emulators.txt -o requirements/clients.txt requirements/clients.in "$@"

# What verifies terraform/, apart from dev and from one another: their pins exclude each other's.
compile -o requirements/terraform.txt requirements/terraform.in "$@"
compile -o requirements/checkov.txt requirements/checkov.in "$@"
for provider in requirements/provider-*.in; do
    compile --no-deps -o "${provider%.in}.txt" "$provider" "$@"
done
