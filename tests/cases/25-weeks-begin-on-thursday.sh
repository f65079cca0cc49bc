#!/usr/bin/env bash
# Windows of a week can begin on Mondays.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null
for d in 02 03 04 05 06 07 08; do echo "home/a 1 2026-11-$d 12:00:00"; done | "$NB" --root $R import - >/dev/null # Monday to Sunday
o=$("$NB" --root $R query --db home -m a --from 2026-11-01 --aggregate count --window 1w --format csv | tail -n +2); n=$(wc -l <<<"$o")
"$NB" query --help | grep -qi 'offset\|align\|origin' && pass "an offset can be given"; [ "$n" = 1 ] && pass "one window"; fail "Monday to Sunday is cut in $n windows that begin on Thursdays, and there is no offset: $(tr '\n' '|' <<<"$o")"
