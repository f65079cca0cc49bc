#!/usr/bin/env bash
# The clock steps back by an hour while `collect` is off. Its looks are kept, and it complains once.
. "$(dirname "$0")/lib.sh"
needs faketime
ft "2026-06-01 13:00:00" timeout -s INT 4 "$NB" collect --root $R --interval 1s >/dev/null 2>&1
b=$(lines metrics | grep -c '^metrics/sys.load1 .* 2026-06-01 13:'); [ "$b" -gt 0 ] || { echo "SKIP $N: the first run collected nothing"; exit 2; }
ft "2026-06-01 12:00:00" timeout -s INT 6 "$NB" collect --root $R --interval 1s >/dev/null 2>$D/col.err
n=$(lines metrics | grep -c '^metrics/sys.load1 .* 2026-06-01 12:'); e=$(wc -l < $D/col.err)
[ "$n" -gt 0 ] && pass "sys.load1 goes on ($n)" ; [ "$e" -le 10 ] && pass "nothing kept, but said in $e lines"
fail "expected sys.load1 to go on, or one message for the step; kept $n of some 5 looks ($b before), and $e lines on standard error"
