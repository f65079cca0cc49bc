#!/usr/bin/env bash
# A file that is imported twice changes nothing the second time.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null; printf 'home/a 1 2026-11-28 08:00:00\nhome/a 2 2026-11-28 09:00:00\nhome/b 7 2026-11-28 09:00:00\n' > $D/f.lp
"$NB" --root $R import $D/f.lp >/dev/null; "$NB" --root $R import $D/f.lp >$D/o 2>&1; n=$(lines home | wc -l)
[ "$n" = 3 ] && pass "3 samples"; fail "expected 3 samples, found $n: the newest of each metric is there twice ($(tail -n 1 $D/o))"
