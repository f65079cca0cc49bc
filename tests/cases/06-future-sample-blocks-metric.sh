#!/usr/bin/env bash
# A sample of 2036 came in while the clock was wrong. The metric can go on, or be mended.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=$(date +%s)
code "$U/write?db=esp&precision=s" --data-binary "temp v=1 $T" >/dev/null
code "$U/write?db=esp&precision=s" --data-binary "temp v=2 2085978496" >/dev/null
c=$(code "$U/write?db=esp&precision=s" --data-binary "temp v=3 $((T+10))"); stop
help=$("$NB" help 2>&1 | grep -c -i -E '^ +(delete|drop|forget|remove)\b')
[ "$c" = 204 ] && pass "later samples are taken" ; [ "$help" -gt 0 ] && pass "refused, but there is a command to take the bad sample away"
fail "expected 204, or a command that removes the sample of 2036; got $c: $(head -c 160 $D/body) and no such command"
