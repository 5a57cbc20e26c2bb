#!/usr/bin/env bash
# Asks every part in the cloud whether it is well, and follows one event to its row and its file.
#
#   scripts/check-health.sh PROJECT ENV [REGION] [--within SECONDS] [--dry-run]
#
#   PROJECT, ENV, REGION  where: a project's id; dev, staging or prod; us-central1 by default
#   --within SECONDS      how long the event may take to its row and its file; 300 by default
#   --dry-run             prints the commands instead of running them
#
# Exit code 1 names the parts that fail; what is too much stands in terraform/monitoring/alerts.json.
# On a laptop: python -m local check. Needs gcloud, bq, curl and a Python with
# requirements/generator.txt, which PYTHON may name. MONITORING_ENDPOINT may name another endpoint.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

WITHIN=300
METRIC_MINUTES=10 # figures come with a delay of up to four
while [ $# -gt 0 ]; do
    case $1 in
        --within) WITHIN=$(value_of "$@") || exit; shift ;;
        *) common_argument "$1" ;;
    esac
    shift
done
[[ $WITHIN =~ ^[1-9][0-9]*$ ]] || misused "--within is seconds, 1 or more; got '$WITHIN'"
check_arguments
needs gcloud bq curl
check_event_types

MONITORING=${MONITORING_ENDPOINT:-https://monitoring.googleapis.com}
TOPIC=$(name topic)
SUBSCRIPTION=$(name subscription)
DEAD_LETTERS=$(name dead_letter_subscription)
DATASET=$(name dataset)
BUCKET=$(name bucket)
JOB=$(name job)
GENERATOR=$(name generator)
TABLE_MANAGER=$(name table_manager)
COUNT=(bq query --project_id="$PROJECT" --use_legacy_sql=false --format=csv)
FAILING=()
ERRORS=$(mktemp)
trap 'rm -f "$ERRORS"' EXIT

ok() { printf 'ok    %-16s %s\n' "$1" "$2"; }

fail() {
    printf 'FAIL  %-16s %s\n' "$1" "$2"
    FAILING+=("$1")
}

# state PART WANTED COMMAND...: the command's answer has to be the state wanted.
state() {
    local part=$1 wanted=$2 found
    shift 2
    if [ "$DRY_RUN" = yes ]; then
        run "$@"
    elif ! found=$("$@" 2>"$ERRORS"); then
        fail "$part" "$(tr '\n' ' ' <"$ERRORS")"
    elif [ "$found" = "$wanted" ]; then
        ok "$part" "$found"
    else
        fail "$part" "is '${found:-absent}', not '$wanted'"
    fi
}

ask_monitoring() {
    local token query
    token=$(gcloud auth print-access-token) || return
    query=$("$PYTHON" "$ROOT/scripts/alert_rule.py" request "$1" "$METRIC_MINUTES" \
        "subscription=${SUBSCRIPTION##*/}" "dead_letter_subscription=${DEAD_LETTERS##*/}" \
        "job=$JOB") || return
    # The token goes through a file descriptor: arguments show in the list of processes.
    curl --silent --show-error --fail-with-body --max-time 30 --config - \
        "$MONITORING/v3/projects/$PROJECT/timeSeries?$query" <<<"header = \"Authorization: Bearer $token\""
}

# metric PART RULE: the newest figure has to be within the alert rule's limit.
metric() {
    local answer said
    if [ "$DRY_RUN" = yes ]; then
        say "curl '$MONITORING/v3/projects/$PROJECT/timeSeries' # $2"
    elif ! answer=$(ask_monitoring "$2" 2>&1); then
        fail "$1" "${answer//$'\n'/ }"
    elif said=$("$PYTHON" "$ROOT/scripts/alert_rule.py" judge "$2" <<<"$answer"); then
        ok "$1" "$said"
    else
        fail "$1" "$said"
    fi
}

stored_dead_letters() {
    local sql="SELECT COUNT(*) FROM \`$PROJECT.$DATASET.dead_letter_events\`" found
    if [ "$DRY_RUN" = yes ]; then
        run "${COUNT[@]}" "$sql"
    elif found=$("${COUNT[@]}" "$sql" 2>&1); then
        ok dead_letters "${found##*$'\n'} stored"
    else
        fail dead_letters "${found//$'\n'/ }"
    fi
}

# has_row TABLE ID
has_row() {
    local sql="SELECT COUNT(*) FROM \`$PROJECT.$DATASET.$1\` WHERE event_id = '$2'" found
    found=$("${COUNT[@]}" "$sql" 2>/dev/null) &&
        [ "${found##*$'\n'}" -ge 1 ]
}

# has_file FOLDER ID
has_file() { gcloud storage cat "gs://$BUCKET/$1*.json" 2>/dev/null | grep --quiet --fixed-strings "$2"; }

# follow TYPE TABLE: publishes an event and waits until it is a row and in a file.
follow() {
    local id event folder missing deadline=$((SECONDS + WITHIN)) began=$SECONDS
    id="health-check-$(date -u +%Y%m%dT%H%M%SZ)-$$"
    event=$(event_type event "$1")
    folder=$(event_type path "$1" <<<"$event")
    run gcloud pubsub topics publish "${TOPIC##*/}" --project "$PROJECT" --format none \
        --attribute "event_id=$id" --message "$event" || { fail event "$id: not published" && return; }
    [ "$DRY_RUN" = no ] || return 0
    missing="row in $DATASET.$2"
    while [ $SECONDS -lt $deadline ]; do
        if [ "$missing" = "row in $DATASET.$2" ] && has_row "$2" "$id"; then
            missing="file in gs://$BUCKET/$folder"
        fi
        if [ "$missing" = "file in gs://$BUCKET/$folder" ] && has_file "$folder" "$id"; then
            ok event "$id: row and file after $((SECONDS - began)) s"
            return
        fi
        sleep 1
    done
    fail event "$id: no $missing after $WITHIN s"
}

here=(--project "$PROJECT" --region "$REGION")
# A list, because `describe` asks a regional host, which no other endpoint can stand for.
state generator True gcloud run services list --project "$PROJECT" --flatten status.conditions \
    --filter "metadata.name=$GENERATOR AND status.conditions.type=Ready" \
    --format 'value(status.conditions.status)'
state table_manager ACTIVE gcloud functions describe "$TABLE_MANAGER" --v2 "${here[@]}" \
    --format 'value(state)'
state job Running gcloud dataflow jobs list "${here[@]}" --status active --filter "name=$JOB" \
    --format 'value(state)'
state subscription ACTIVE gcloud pubsub subscriptions describe "${SUBSCRIPTION##*/}" \
    --project "$PROJECT" --format 'value(state)'
metric backlog backlog
metric oldest_unacked oldest_unacked
metric dead_letter_topic dead_letter_topic
stored_dead_letters
read -r type table <<<"$(event_type tables)"
follow "$type" "$table"
[ ${#FAILING[@]} -eq 0 ] || failed "failing: ${FAILING[*]}"
