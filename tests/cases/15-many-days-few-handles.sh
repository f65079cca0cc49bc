#!/usr/bin/env bash
# Three years of daily partitions and 1,024 handles: one query over everything, then a write.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null
python3 - <<'PY' | "$NB" --root $R import - >/dev/null
import datetime
for d in range(1100): print("home/m", d%7, datetime.date(2023,1,1)+datetime.timedelta(d), "12:00:00")
PY
ulimit -n 1024; serve || fail "server did not start"
q=$(code "$U/api/v1/query_range?query=home/m&start=2023-01-01&end=2026-12-01"); qb=$(head -c 120 $D/body); w=$(code -d 'home/new 1' $U/api/v1/import); wb=$(head -c 200 $D/body); r=$(code $U/ready); e=$(lines home | wc -l)
[ "$q" = 200 ] && [ "$w" = 200 ] && [ "$e" -ge 1100 ] && pass "read and written with 1,100 partitions"
fail "expected 200 200 ready 200 and 1,100 lines; query $q ($qb), write $w ($wb), ready $r, export $e lines: $(head -c 120 $D/err)"
