#!/usr/bin/env bash
# Publishes an event of each type, and checks that its table is made as of record and takes the event.
#
#   scripts/test-table-creation.sh PROJECT ENV [REGION] [--timeout SECONDS] [--dry-run]
#
#   PROJECT, ENV, REGION  where: a project's id; dev, staging or prod; us-central1 by default
#   --timeout SECONDS     how long each table, and then its row, is waited for; 300 by default
#   --dry-run             prints the commands instead of running them
#
# The same on a laptop: eval "$(python -m local env)" leads gcloud and bq to the local stack, whose
# PROJECT is local-project and whose ENV is dev. Needs gcloud, bq and a Python with
# requirements/generator.txt, which PYTHON may name.

set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

TIMEOUT=300
while [ $# -gt 0 ]; do
    case $1 in
        --timeout) TIMEOUT=$(value_of "$@") || exit; shift ;;
        *) common_argument "$1" ;;
    esac
    shift
done
[[ $TIMEOUT =~ ^[1-9][0-9]*$ ]] || misused "--timeout is seconds, 1 or more; got '$TIMEOUT'"
check_arguments
needs gcloud bq
check_event_types

TOPIC=$(name topic)
DATASET=$(name dataset)
TABLES=$(event_type tables)
FAILURES=0

# wait_for COMMAND...: tries until it succeeds; its last answer goes out, or the time is up.
wait_for() {
    local deadline=$((SECONDS + TIMEOUT)) answer
    until answer=$("$@" 2>&1); do
        [ $SECONDS -lt $deadline ] || { printf '%s' "$answer" && return 1; }
        sleep 1
    done
    printf '%s' "$answer"
}

show() { bq show --project_id="$PROJECT" --format=json "$PROJECT:$DATASET.$1"; }

rows_with() {
    local sql="SELECT COUNT(*) FROM \`$PROJECT.$DATASET.$1\` WHERE event_id = '$2'"
    bq query --project_id="$PROJECT" --use_legacy_sql=false --format=csv "$sql" | tail -n 1
}

is_stored() { [ "$(rows_with "$@")" -ge 1 ]; }

fail() {
    say "FAIL  $*"
    FAILURES=$((FAILURES + 1))
}

# check TYPE TABLE ID: once the event is published.
check() {
    local table faults
    if ! table=$(wait_for show "$2"); then
        fail "$1: no table $DATASET.$2 after $TIMEOUT s: $table"
    elif ! faults=$(event_type differences "$1" <<<"$table"); then
        fail "$1: table $DATASET.$2: ${faults//$'\n'/; }"
    elif ! wait_for is_stored "$2" "$3" >/dev/null; then
        fail "$1: no row with event_id $3 in $DATASET.$2 after $TIMEOUT s"
    else
        say "ok    $1: $DATASET.$2 is as of record, and holds $3"
    fi
}

ids=()
while read -r type table; do
    id="table-check-$type-$(date -u +%Y%m%dT%H%M%SZ)-$$"
    ids+=("$type $table $id")
    event=$(event_type event "$type")
    run gcloud pubsub topics publish "${TOPIC##*/}" --project "$PROJECT" --format none \
        --attribute "event_id=$id" --message "$event"
done <<<"$TABLES"
for each in "${ids[@]}"; do
    read -r type table id <<<"$each"
    if [ "$DRY_RUN" = yes ]; then
        run bq show --project_id="$PROJECT" --format=json "$PROJECT:$DATASET.$table"
    else
        check "$type" "$table" "$id"
    fi
done
[ $FAILURES -eq 0 ] || failed "$FAILURES of ${#ids[@]} tables failed"
