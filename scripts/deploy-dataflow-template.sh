#!/usr/bin/env bash
# Deploys the pipeline: builds its image if need be, writes its Flex Template, and runs the job.
#
#   scripts/deploy-dataflow-template.sh PROJECT ENV [REGION] [--release TAG] [--upload-only]
#       [--replace drain|in_place] [--builder cloud|docker] [--dry-run]
#
#   PROJECT, ENV, REGION  where: a project's id; dev, staging or prod; us-central1 by default
#   --release TAG         the template is templates/pipeline-TAG.json; by default the commit
#   --upload-only         leaves the job itself to `terraform apply -var release=TAG`
#   --replace drain       a job that runs finishes what it has taken; then the new one starts
#   --replace in_place    the new job takes over the state of the one that runs, without a pause;
#                         refused by Dataflow if a transform's name has changed
#   --builder             see scripts/build-images.sh
#   --dry-run             prints the commands instead of running them
#
# MACHINE_TYPE, NUM_WORKERS, MAX_WORKERS and WINDOW_SECONDS are read from the environment; by default
# e2-standard-2, 1, 2 and 60, as in terraform/variables.tf. Needs gcloud and Python 3.9 or later.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

DRAIN_SECONDS=1800
DEPLOY=yes REPLACE=none BUILDER=cloud
while [ $# -gt 0 ]; do
    case $1 in
        --release) RELEASE=$(value_of "$@") || exit; shift ;;
        --replace) REPLACE=$(value_of "$@") || exit; shift ;;
        --builder) BUILDER=$(value_of "$@") || exit; shift ;;
        --upload-only) DEPLOY=no ;;
        *) common_argument "$1" ;;
    esac
    shift
done
[[ $REPLACE =~ ^(none|drain|in_place)$ ]] ||
    misused "--replace is drain or in_place; got '$REPLACE'"
check_arguments
check_release
needs gcloud "$PYTHON"

BUCKET=$(name template_bucket)
JOB=$(name job)
TEMPLATE="gs://$BUCKET/templates/pipeline-$RELEASE.json"

build() {
    local dry=()
    [ "$DRY_RUN" = no ] || dry=(--dry-run)
    "$ROOT/scripts/build-images.sh" "$PROJECT" "$ENVIRONMENT" "$REGION" \
        --release "$RELEASE" --builder "$BUILDER" ${dry[@]+"${dry[@]}"}
    run gcloud dataflow flex-template build "$TEMPLATE" --project "$PROJECT" \
        --image "$(image pipeline)" --sdk-language PYTHON \
        --metadata-file "$ROOT/docker/flex-template/metadata.json"
}

# active FORMAT: of the job that runs, or nothing.
active() {
    gcloud dataflow jobs list --project "$PROJECT" --region "$REGION" --status active \
        --filter "name=$JOB" --format "value($1)"
}

drain() {
    local deadline=$((SECONDS + DRAIN_SECONDS))
    run gcloud dataflow jobs drain "$1" --project "$PROJECT" --region "$REGION"
    [ "$DRY_RUN" = no ] || return 0
    # The new job has the old one's name, which is free only then.
    while [ -n "$(active id)" ]; do
        [ $SECONDS -lt $deadline ] || failed "job $1 has not drained in $DRAIN_SECONDS s"
        sleep 10
    done
}

# The same settings as in terraform/dataflow.tf.
start() {
    local parameters="environment=$ENVIRONMENT,window_seconds=${WINDOW_SECONDS:-60}"
    run gcloud dataflow flex-template run "$JOB" --project "$PROJECT" --region "$REGION" "$@" \
        --template-file-gcs-location "$TEMPLATE" \
        --parameters "$parameters,sdk_container_image=$(image pipeline)" \
        --worker-machine-type "${MACHINE_TYPE:-e2-standard-2}" \
        --num-workers "${NUM_WORKERS:-1}" --max-workers "${MAX_WORKERS:-2}" \
        --enable-streaming-engine --disable-public-ips \
        --subnetwork "regions/$REGION/subnetworks/$ENVIRONMENT-realtime-pipeline" \
        --service-account-email "$(account pipeline)" \
        --staging-location "gs://$BUCKET/staging" --temp-location "gs://$BUCKET/temp"
}

deploy() {
    local running
    if [ "$DRY_RUN" = yes ]; then running=JOB_ID; else running=$(active id); fi
    case $REPLACE in
        drain) [ -z "$running" ] || drain "$running" ;;
        in_place) [ -n "$running" ] || failed "--replace in_place: no job $JOB runs in $REGION" ;;
        none)
            [ "$DRY_RUN" = yes ] || [ -z "$running" ] ||
                failed "job $JOB runs already ($running); say --replace drain or --replace in_place"
            ;;
    esac
    if [ "$REPLACE" = in_place ]; then start --update; else start; fi
}

build
if [ "$DEPLOY" = yes ]; then
    deploy
else
    say "release $RELEASE: the template is $TEMPLATE"
fi
