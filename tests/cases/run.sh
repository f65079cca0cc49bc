#!/usr/bin/env bash
# Runs the cases beside this script, which come from public reports of other stores, and ends with 1
# when one fails. Says PASS, FAIL or SKIP of each, and at last how many.
#
#   tests/cases/run.sh                 those that need neither root nor another clock
#   tests/cases/run.sh --all           all; what the machine cannot do is skipped
#   tests/cases/run.sh 24 promql       those whose names contain one of the words
#
# NANOTDB names the program; without it, the newest of target/release and target/debug counts, and
# is built where there is none. NANOTDB_CASE_JOBS run at a time (4): each has a port of its own.
set -euo pipefail
export NANOTDB=${NANOTDB:+$(realpath "$NANOTDB")}
cd "$(dirname "$0")"

if [ -z "$NANOTDB" ]; then
  target=$(cd ../.. && pwd)/target
  NANOTDB=$(ls -t "$target"/release/nanotdb "$target"/debug/nanotdb 2>/dev/null | head -n 1 || true)
  if [ -z "$NANOTDB" ]; then
    (cd ../.. && cargo build -p nanotdb)
    NANOTDB=$target/debug/nanotdb
  fi
fi
all=
words=()
for argument in "$@"; do
  if [ "$argument" = --all ]; then all=1; else words+=("$argument"); fi
done

# Those that were asked for; without words, the ones that need nothing special.
chosen() {
  local case word
  for case in [0-9]*.sh; do
    if [ ${#words[@]} -eq 0 ]; then
      if [ -n "$all" ] || ! grep -q '^needs ' "$case"; then echo "$case"; fi
      continue
    fi
    for word in "${words[@]}"; do
      if [[ $case == *"$word"* ]]; then echo "$case"; break; fi
    done
  done
}

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
export results
one() {
  timeout "${NANOTDB_CASE_TIMEOUT:-120}" bash "$1" >"$results/$1" 2>"$results/$1.err" || true
  # A case that ends without a word has failed, too.
  grep -qE '^(PASS|FAIL|SKIP) ' "$results/$1" || {
    echo "FAIL ${1%.sh}: ended without a result: $(tail -n 1 "$results/$1.err")" >"$results/$1"
  }
  grep -E '^(PASS|FAIL|SKIP) ' "$results/$1"
}
export -f one
chosen | xargs -r -P "${NANOTDB_CASE_JOBS:-4}" -I{} bash -c 'one "$1"' _ {}

count() { cat "$results"/*.sh 2>/dev/null | grep -c "^$1 " || true; }
passed=$(count PASS) failed=$(count FAIL) skipped=$(count SKIP)
if [ "$failed" -gt 0 ]; then
  echo
  cat "$results"/*.sh | grep '^FAIL ' | sort
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
