#!/usr/bin/env bash
# A gateway gets 204 for samples of two hours ago, and the process is killed. They are there.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=$(( $(date +%s) - 7200 ))
a=$(code "$U/write?db=gw&precision=s" --data-binary "late v=1 $T"); b=$(code "$U/write?db=gw" --data-binary "fresh v=1")
kill -9 $SRV; wait $SRV 2>/dev/null; l=$(lines gw)
grep -q 'late' <<<"$l" && pass "both are there after SIGKILL"; fail "answered $a and $b; after SIGKILL expected both samples, found: $(tr '\n' '|' <<<"$l")"
