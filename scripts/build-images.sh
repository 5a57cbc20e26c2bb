#!/usr/bin/env bash
# Builds and pushes a release's two images, event-generator and pipeline, if they are not there yet.
#
#   scripts/build-images.sh PROJECT ENV [REGION] [--release TAG] [--builder cloud|docker] [--dry-run]
#
#   PROJECT, ENV, REGION  where: a project's id; dev, staging or prod; us-central1 by default
#   --release TAG         what the images are tagged with; by default the commit
#   --builder cloud       in Cloud Build, by cloudbuild.yaml: needs no Docker here (the default)
#   --builder docker      by the Docker that runs here
#   --dry-run             prints the commands instead of running them
#
# The registry comes from Terraform, whose first apply goes without a release.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

BUILDER=cloud
while [ $# -gt 0 ]; do
    case $1 in
        --release) RELEASE=$(value_of "$@") || exit; shift ;;
        --builder) BUILDER=$(value_of "$@") || exit; shift ;;
        *) common_argument "$1" ;;
    esac
    shift
done
[[ $BUILDER =~ ^(cloud|docker)$ ]] || misused "--builder is cloud or docker; got '$BUILDER'"
check_arguments
check_release
needs gcloud

# is_pushed NAME: whether the registry has this release of an image. `images describe` would say it
# too, but asks two more services, which who deploys need not be allowed to.
is_pushed() {
    local found
    [ "$DRY_RUN" = no ] || return 1
    if found=$(gcloud artifacts tags list --project "$PROJECT" --location "$REGION" \
        --repository "$ENVIRONMENT-realtime-pipeline" --package "$1" \
        --format 'value(name.basename())' 2>&1); then
        grep --quiet --line-regexp --fixed-strings "$RELEASE" <<<"$found"
    else
        # Before its first push a registry does not know the image's name.
        [[ $found =~ NOT_FOUND|404 ]] || failed "the registry was not readable: $found"
        return 1
    fi
}

in_the_cloud() {
    local bucket
    bucket=$(name template_bucket)
    run gcloud builds submit "$ROOT" --project "$PROJECT" --region "$REGION" \
        --config "$ROOT/cloudbuild.yaml" \
        --service-account "projects/$PROJECT/serviceAccounts/$(account build)" \
        --gcs-source-staging-dir "gs://$bucket/source" \
        --substitutions "_GENERATOR=$(image event-generator),_PIPELINE=$(image pipeline)"
}

# here NAME TARGET: builds one stage of the Dockerfile and pushes it as the image NAME.
here() {
    run docker build --platform linux/amd64 --file "$ROOT/docker/Dockerfile" --target "$2" \
        --tag "$(image "$1")" "$ROOT"
    run docker push "$(image "$1")"
}

if is_pushed event-generator && is_pushed pipeline; then
    say "the images of release $RELEASE are there"
elif [ "$BUILDER" = cloud ]; then
    in_the_cloud
else
    needs docker
    run gcloud auth configure-docker "$REGION-docker.pkg.dev" --quiet
    is_pushed event-generator || here event-generator generator
    is_pushed pipeline || here pipeline flex-template
fi
