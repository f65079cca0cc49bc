#!/usr/bin/env bash
# Seconds are sent without a precision. No sample may end up in 1970 without a word.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=$(date +%s)
a=$(code "$U/write?db=t" --data-binary "temp v=1 $T"); b=$(code -d "t/lines 1 $T" $U/api/v1/import)
stop; l=$(lines t | grep -c ' 1970-'); [ "$l" = 0 ] && pass "no sample in 1970 ($a $b)"; fail "answers $a and $b; $l of 2 samples are in 1970 (query of the same number reads it as seconds)"
