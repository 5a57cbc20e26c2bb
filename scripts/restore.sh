#!/usr/bin/env bash
# Brings back what outlived a destroy, and says how the next apply takes it over.
#
#   scripts/restore.sh PROJECT ENV [REGION] [--copy-region REGION] [--dry-run]
#
#   PROJECT, ENV, REGION  where: a project's id; dev, staging or prod; us-central1 by default
#   --copy-region REGION  of prod's copies; us-east1 by default
#   --dry-run             prints the commands instead of running them
#
# Google keeps key rings and keys for ever, a key's versions for the 30 days that
# destroy_scheduled_duration says, and a deleted workload identity pool and its name for 30 days.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

COPY_REGION=us-east1
while [ $# -gt 0 ]; do
    case $1 in
        --copy-region) COPY_REGION=$(value_of "$@") || exit; shift ;;
        *) common_argument "$1" ;;
    esac
    shift
done
check_arguments
[[ $COPY_REGION =~ ^[a-z]+-[a-z]+[0-9]+$ ]] ||
    misused "--copy-region is a region's name, such as us-east1; got '$COPY_REGION'"
needs gcloud

POOL="$ENVIRONMENT-github"
ADOPT=()

# asked COMMAND...: its answer, or nothing where there is no such thing.
asked() {
    local found
    if found=$("$@" 2>&1); then
        printf '%s' "$found"
    else
        [[ $found =~ NOT_FOUND|404|not\ found ]] || failed "not readable: $found"
    fi
}

# bring_back STATE COMMAND...: undeletes what a question found to be deleted.
bring_back() {
    local state=$1
    shift
    [ "$state" != DELETED ] && [ "$DRY_RUN" = no ] || run "$@"
}

pool() {
    local where=(--project "$PROJECT" --location global) state=DELETED provider=DELETED
    local of=(--workload-identity-pool "$POOL")
    if [ "$DRY_RUN" = no ]; then
        state=$(asked gcloud iam workload-identity-pools describe "$POOL" "${where[@]}" --format 'value(state)')
        [ -n "$state" ] || return 0
    fi
    bring_back "$state" gcloud iam workload-identity-pools undelete "$POOL" "${where[@]}"
    if [ "$DRY_RUN" = no ]; then
        provider=$(asked gcloud iam workload-identity-pools providers describe github "${of[@]}" \
            "${where[@]}" --format 'value(state)')
    fi
    bring_back "$provider" gcloud iam workload-identity-pools providers undelete github "${of[@]}" "${where[@]}"
    ADOPT+=("github = true")
}

# versions REGION STATE: numbers of the key's versions in that state.
versions() {
    asked gcloud kms keys versions list --key data --keyring "$ENVIRONMENT-realtime-pipeline" \
        --project "$PROJECT" --location "$1" --filter "state=$2" --format 'value(name.basename())'
}

key() {
    local here=(--key data --keyring "$ENVIRONMENT-realtime-pipeline" --project "$PROJECT" --location "$1")
    local each restored
    if [ "$DRY_RUN" = yes ]; then restored=1; else restored=$(versions "$1" DESTROY_SCHEDULED); fi
    for each in $restored; do
        run gcloud kms keys versions restore "$each" "${here[@]}"
        run gcloud kms keys versions enable "$each" "${here[@]}"
    done
    # With none left, what was written under the key is gone, but the key itself goes on.
    [ "$DRY_RUN" = yes ] || [ -n "$(versions "$1" ENABLED)" ] ||
        run gcloud kms keys versions create --primary "${here[@]}"
}

keys() {
    local region found=yes
    for region in "$REGION" "$COPY_REGION"; do
        [ "$DRY_RUN" = yes ] || found=$(asked gcloud kms keys describe data --project "$PROJECT" \
            --keyring "$ENVIRONMENT-realtime-pipeline" --location "$region" --format 'value(name)')
        [ -n "$found" ] || return 0
        key "$region"
    done
    ADOPT+=("keys = true")
}

pool
[ "$ENVIRONMENT" != prod ] || keys
if [ ${#ADOPT[@]} -eq 0 ]; then
    say "nothing outlived a destroy of $ENVIRONMENT; apply as usual"
else
    printf -v joined '%s, ' "${ADOPT[@]}"
    say "# the next apply, this once, with -var='adopt={${joined%, }}'"
fi
