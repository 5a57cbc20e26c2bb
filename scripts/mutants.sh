#!/bin/sh
# Runs mutmut in a copy of the tree, and prints what survived. The results stay in DIR/mutants.
# usage: scripts/mutants.sh DIR [MODULE...], e.g. "localgcp.pubsub.domain.backlog.*"
set -eu
work=$1
shift
cd "$(dirname "$0")/.."
mkdir -p "$work"
git ls-files -z | xargs -0 cp --parents -t "$work"
cd "$work"
# mutmut names a module by its path below the root or src/, and emulators/src is neither.
rm -rf src
mv emulators/src src
sed -i 's#"emulators/src#"src#g' pyproject.toml
mutmut run --max-children 2 "$@"
mutmut results
