#!/usr/bin/env bash
# Readies a project for the first apply: its services, the state's bucket, and who may deploy.
#
#   scripts/bootstrap.sh PROJECT [REGION] [--deployer MEMBER] [--state-of ENV] [--dry-run]
#
#   PROJECT, REGION       where: a project's id with billing; us-central1 by default
#   --deployer MEMBER     who may apply, such as user:a@example.com; whoever owns the project need not
#   --state-of ENV        after ENV's first apply: its deployer may write the state, its planner read it
#   --dry-run             prints the commands instead of running them
#
# Run it as often as you like: what is there already stays as it is. The workflows' own identity is
# Terraform's (terraform/workload_identity.tf).

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

# The same as terraform/apis.tf has, on before its first plan: without cloudresourcemanager and
# serviceusage it could not even switch the others on.
SERVICES=(
    artifactregistry bigquery bigquerydatatransfer bigquerystorage cloudbuild cloudfunctions cloudkms
    cloudresourcemanager cloudtrace compute dataflow eventarc iam iamcredentials logging monitoring
    pubsub run serviceusage storage storagetransfer sts telemetry
)
# What terraform/workload_identity.tf gives the deployer, and what it takes to give that.
ROLES=(
    roles/artifactregistry.admin roles/bigquery.admin roles/cloudbuild.builds.editor
    roles/cloudfunctions.admin roles/cloudkms.admin roles/compute.networkAdmin
    roles/compute.securityAdmin roles/dataflow.admin roles/eventarc.admin roles/iam.roleAdmin
    roles/iam.serviceAccountAdmin roles/iam.workloadIdentityPoolAdmin roles/logging.configWriter
    roles/monitoring.editor roles/pubsub.admin roles/run.admin roles/serviceusage.serviceUsageAdmin
    roles/storage.admin roles/storagetransfer.admin
    roles/iam.serviceAccountUser roles/resourcemanager.projectIamAdmin
)

DEPLOYER='' STATE_OF=''
while [ $# -gt 0 ]; do
    case $1 in
        --deployer) DEPLOYER=$(value_of "$@") || exit; shift ;;
        --state-of) STATE_OF=$(value_of "$@") || exit; shift ;;
        *) common_argument "$1" ;;
    esac
    shift
done
check_project
[[ -z $DEPLOYER || $DEPLOYER =~ ^(user|group|serviceAccount):[^@\ ]+@[^@\ ]+$ ]] ||
    misused "--deployer is user:, group: or serviceAccount: and an address; got '$DEPLOYER'"
[[ -z $STATE_OF || $STATE_OF =~ ^(dev|staging|prod)$ ]] ||
    misused "--state-of is dev, staging or prod; got '$STATE_OF'"
needs gcloud

STATE="gs://$PROJECT-terraform"

switch_on() {
    local each names=()
    for each in "${SERVICES[@]}"; do names+=("$each.googleapis.com"); done
    # More than twenty at once are refused.
    run gcloud services enable "${names[@]:0:20}" --project "$PROJECT"
    [ ${#names[@]} -le 20 ] || run gcloud services enable "${names[@]:20}" --project "$PROJECT"
}

keep_the_state() {
    local found
    if [ "$DRY_RUN" = yes ] ||
        ! found=$(gcloud storage buckets describe "$STATE" --format 'value(name)' 2>&1); then
        [[ ${found:-not found: 404} =~ 404|not\ found ]] || failed "$STATE was not readable: $found"
        run gcloud storage buckets create "$STATE" --project "$PROJECT" --location "$REGION" \
            --uniform-bucket-level-access --public-access-prevention
    fi
    # Each version of a state stays: a broken one is not the last.
    run gcloud storage buckets update "$STATE" --versioning --uniform-bucket-level-access \
        --public-access-prevention
}

let_deploy() {
    local role
    for role in "${ROLES[@]}"; do
        run gcloud projects add-iam-policy-binding "$PROJECT" --member "$1" --role "$role" \
            --condition None --format none
    done
}

# let_at_the_state ACCOUNT ROLE
let_at_the_state() {
    run gcloud storage buckets add-iam-policy-binding "$STATE" \
        --member "serviceAccount:$STATE_OF-$1@$PROJECT.iam.gserviceaccount.com" --role "$2" --format none
}

switch_on
keep_the_state
[ -z "$DEPLOYER" ] || let_deploy "$DEPLOYER"
if [ -n "$STATE_OF" ]; then
    let_at_the_state deployer roles/storage.objectUser
    let_at_the_state planner roles/storage.objectViewer
fi
say "$PROJECT is ready; its state will be in $STATE"
