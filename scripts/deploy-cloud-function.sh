#!/usr/bin/env bash
# Deploys the table manager: stages its source, uploads it, and has the function built from it.
#
#   scripts/deploy-cloud-function.sh PROJECT ENV [REGION] [--release TAG] [--upload-only] [--dry-run]
#
#   PROJECT, ENV, REGION  where: a project's id; dev, staging or prod; us-central1 by default
#   --release TAG         the source is functions/table-manager-TAG.zip; by default the commit
#   --upload-only         leaves the function itself to `terraform apply -var release=TAG`
#   --dry-run             prints the commands instead of running them
#
# Topic, dataset, buckets and accounts come from Terraform. Needs gcloud and Python 3.9 or later.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

DEPLOY=yes
while [ $# -gt 0 ]; do
    case $1 in
        --release) RELEASE=$(value_of "$@") || exit; shift ;;
        --upload-only) DEPLOY=no ;;
        *) common_argument "$1" ;;
    esac
    shift
done
check_arguments
check_release
needs gcloud "$PYTHON"

BUCKET=$(name template_bucket)
SOURCE="gs://$BUCKET/functions/table-manager-$RELEASE.zip"

upload() {
    local folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$folder'" EXIT
    cd "$ROOT"
    run "$PYTHON" -m services.table_manager.stage "$folder/source"
    run "$PYTHON" -m zipfile -c "$folder/source.zip" "$folder/source/."
    # A release stays what it was when it was tested: an object that is there is left alone.
    run gcloud storage cp --no-clobber --project "$PROJECT" "$folder/source.zip" "$SOURCE"
}

# The same settings as in terraform/table_manager.tf.
deploy() {
    local topic
    topic=$(name table_requests_topic)
    run gcloud functions deploy "$(name table_manager)" --gen2 --quiet \
        --project "$PROJECT" --region "$REGION" \
        --runtime python311 --entry-point manage_table --source "$SOURCE" \
        --trigger-topic "${topic##*/}" --retry \
        --trigger-location "$REGION" --trigger-service-account "$(account trigger)" \
        --service-account "$(account table-manager)" \
        --build-service-account "projects/$PROJECT/serviceAccounts/$(account build)" \
        --docker-repository \
        "projects/$PROJECT/locations/$REGION/repositories/$ENVIRONMENT-table-manager" \
        --ingress-settings internal-only --no-allow-unauthenticated \
        --memory 512Mi --cpu 1 --timeout 60s --max-instances 3 --concurrency 80 \
        --set-env-vars "PROJECT_ID=$PROJECT,ENVIRONMENT=$ENVIRONMENT,REGION=$REGION,ALLOW_HOST=*"
    # Eventarc calls it as a Cloud Run service.
    run gcloud run services add-iam-policy-binding "$(name table_manager)" \
        --project "$PROJECT" --region "$REGION" \
        --member "serviceAccount:$(account trigger)" --role roles/run.invoker
}

upload
if [ "$DEPLOY" = yes ]; then
    deploy
else
    say "release $RELEASE: the source is $SOURCE"
fi
