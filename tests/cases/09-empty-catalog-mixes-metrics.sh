#!/usr/bin/env bash
# The catalog is empty beside whole data files. A new metric takes no id that the files use.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null
printf '%s\n' 'home/boiler.temp 60 2026-11-20 08:00:00' 'home/freezer.temp -18 2026-11-20 08:00:00' | "$NB" --root $R import - >/dev/null
: > $R/home/catalog.json
echo 'home/freezer.temp -20 2026-11-29 08:00:00' | "$NB" --root $R import - >/dev/null 2>$D/err; rc=$?
q=$("$NB" --root $R query --db home -m freezer.temp --from 2026-11-01 --format csv 2>&1)
grep -q ',60$' <<<"$q" && fail "the freezer shows the boiler's 60 degrees (import rc=$rc, no message); expected a refusal, or ids that no file uses: $(tail -n +2 <<<"$q" | cut -d, -f3,5 | tr '\n' '|')"
pass "no value of another metric is shown (import rc=$rc): $(head -c 200 $D/err)"
