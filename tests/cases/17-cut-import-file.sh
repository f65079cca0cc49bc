#!/usr/bin/env bash
# A file of lines ends in the middle of one. The whole file can be imported afterwards.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null
printf 'home/a 20.5 2026-11-01 00:00:00\nhome/a 21.5 2026-11-01 00:10:00\nhome/a 22.5 2026-11-01 00:20:00\n' > $D/f.lp; head -c 41 $D/f.lp > $D/cut.lp
tail -c 6 $D/cut.lp > $D/tail; "$NB" --root $R import $D/cut.lp >$D/o1 2>&1; r1=$?; "$NB" --root $R import $D/f.lp >$D/o2 2>&1; n=$(lines home | grep -c 2026-11-01)
lines home > $D/all; grep -q -v '2026-11-01' $D/all && bad=$(grep -v 2026-11-01 $D/all)
[ -z "$bad" ] && [ "$n" = 3 ] && pass "the cut line is not a sample"; fail "the cut line ('$(tail -n 1 $D/cut.lp)') became a sample of now without a word (rc=$r1): '$bad'; of the whole file then $n of 3 samples are there: $(head -n 1 $D/o2)"
