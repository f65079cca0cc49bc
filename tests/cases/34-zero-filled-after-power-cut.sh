#!/usr/bin/env bash
# A power cut leaves zeros in the log and after the data. Whole samples stay, and `verify` says so.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null; for d in 26 27 28; do echo "home/a $d 2026-11-$d 08:00:00"; done | "$NB" --root $R import - >/dev/null
head -c 65536 /dev/zero > $R/home/home.wal; f=$(ls $R/home/data-*.dat | tail -n 1); head -c 4096 /dev/zero >> $f; "$NB" --root $R verify >$D/v 2>&1; v=$?
serve || fail "server did not start"; w=$(code -d 'home/a 5' $U/api/v1/import); stop; n=$(lines home | wc -l)
[ "$w" = 200 ] && [ "$n" = 4 ] && pass "4 samples (verify rc=$v)" || fail "expected 200 and 4 samples, got $w and $n: $(tail -n 2 $D/serve.log)"
