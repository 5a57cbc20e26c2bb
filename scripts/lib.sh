# shellcheck shell=bash
# What the scripts for the cloud share: arguments, names of record, the dry run. To be sourced.
#
# Exit codes: 1 for something that failed, 2 for a command line that can't be followed.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT=$(basename "$0")
ARGUMENTS=()
DRY_RUN=no
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ ! -x "$ROOT/.venv/local/bin/python" ] || PYTHON="$ROOT/.venv/local/bin/python"
fi

say() { printf '%s\n' "$*"; }

misused() {
    printf '%s: %s; see %s --help\n' "$SCRIPT" "$*" "$SCRIPT" >&2
    exit 2
}

failed() {
    printf '%s: %s\n' "$SCRIPT" "$*" >&2
    exit 1
}

# common_argument ARGUMENT: takes what every script takes. A script's own options come before.
common_argument() {
    case $1 in
        -h | --help)
            sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        --dry-run) DRY_RUN=yes ;;
        -*) misused "unknown option $1" ;;
        *) ARGUMENTS+=("$1") ;;
    esac
}

# value_of OPTION [VALUE]: the value, or the complaint that there is none.
value_of() {
    [ $# -ge 2 ] && [ -n "$2" ] || misused "$1 needs a value"
    printf '%s' "$2"
}

# check_project: sets PROJECT and REGION, for what belongs to no environment.
check_project() {
    [ ${#ARGUMENTS[@]} -ge 1 ] || misused "PROJECT is needed; got 0 arguments"
    [ ${#ARGUMENTS[@]} -le 2 ] || misused "unexpected argument ${ARGUMENTS[2]}"
    PROJECT=${ARGUMENTS[0]} REGION=${ARGUMENTS[1]:-us-central1}
    check_place
}

# check_place: whether PROJECT and REGION could be ones.
check_place() {
    [[ $PROJECT =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] ||
        misused "PROJECT is 6 to 30 lower-case letters, digits and hyphens; got '$PROJECT'"
    [[ $REGION =~ ^[a-z]+-[a-z]+[0-9]+$ ]] ||
        misused "REGION is a region's name, such as us-central1; got '$REGION'"
}

# check_arguments: sets PROJECT, ENVIRONMENT and REGION from what common_argument gathered.
check_arguments() {
    [ ${#ARGUMENTS[@]} -ge 2 ] || misused "PROJECT and ENV are needed; got ${#ARGUMENTS[@]} arguments"
    [ ${#ARGUMENTS[@]} -le 3 ] || misused "unexpected argument ${ARGUMENTS[3]}"
    PROJECT=${ARGUMENTS[0]} ENVIRONMENT=${ARGUMENTS[1]} REGION=${ARGUMENTS[2]:-us-central1}
    [[ $ENVIRONMENT =~ ^(dev|staging|prod)$ ]] ||
        misused "ENV is dev, staging or prod; got '$ENVIRONMENT'"
    check_place
}

# check_release: sets RELEASE to the commit, unless --release set it.
check_release() {
    if [ -z "${RELEASE:-}" ]; then
        RELEASE=$(git -C "$ROOT" rev-parse --short=12 HEAD) ||
            misused "no --release, and $ROOT is no clone that could name one"
        # A release is never pushed twice, so what it holds has to be what its commit holds.
        [ "$DRY_RUN" = yes ] || [ -z "$(git -C "$ROOT" status --porcelain)" ] ||
            misused "$ROOT holds changes that are not committed; commit them, or name a --release"
    fi
    [[ $RELEASE =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] ||
        misused "--release is letters, digits, _, . and -; got '$RELEASE'"
}

# needs COMMAND...: fails naming the first one that is not installed.
needs() {
    local each
    for each in "$@"; do
        command -v "$each" >/dev/null || failed "$each is not installed, or not on the PATH"
    done
}

# quoted WORD...: the words as one types them.
quoted() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./:=@,+-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
        line+="$word "
    done
    printf '%s' "${line% }"
}

# run COMMAND...: shows it and runs it; a dry run only shows it.
run() {
    if [ "$DRY_RUN" = yes ]; then
        say "$(quoted "$@")"
    else
        printf '+ %s\n' "$(quoted "$@")" >&2
        "$@"
    fi
}

# name PROPERTY: a name of record, from settings.py, which all parts have it from.
name() {
    env -i PATH="$PATH" PROJECT_ID="$PROJECT" ENVIRONMENT="$ENVIRONMENT" PYTHONPATH="$ROOT" \
        "$PYTHON" -c 'import settings, sys; print(getattr(settings.load(), sys.argv[1]))' "$1" ||
        failed "$PYTHON could not read the name '$1' from $ROOT/settings.py"
}

# account PART: address of a part's service account, as terraform/service_accounts.tf makes it.
account() { printf '%s-%s@%s.iam.gserviceaccount.com' "$ENVIRONMENT" "$1" "$PROJECT"; }

# image NAME: where a release's image is, as terraform/locals.tf has it.
image() {
    printf '%s-docker.pkg.dev/%s/%s-realtime-pipeline/%s:%s' \
        "$REGION" "$PROJECT" "$ENVIRONMENT" "$1" "$RELEASE"
}

# event_type COMMAND [NAME]: what scripts/event_type.py says of the event types.
event_type() { "$PYTHON" "$ROOT/scripts/event_type.py" "$@"; }

# check_event_types: fails unless PYTHON has what it takes to make an event.
check_event_types() {
    needs "$PYTHON"
    "$PYTHON" -c 'import faker, pydantic' 2>/dev/null ||
        failed "$PYTHON lacks the packages of requirements/generator.txt; PYTHON may name another"
}
