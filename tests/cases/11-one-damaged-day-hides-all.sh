#!/usr/bin/env bash
# One sealed day of eleven has no bytes left. Everything else is read, and the damage is named.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null
for d in 18 19 20 21 22 23 24 25 26 27 28; do for h in 01 02; do echo "home/t $d 2026-11-$d $h:00:00"; done; done | "$NB" --root $R import - >/dev/null
: > $R/home/metric-2026-11-22.dat
n=$(lines home | wc -l); serve; q=$(curl -s "$U/api/v1/query_range?query=home/t&start=2026-11-01&end=2026-11-30" | python3 -c 'import json,sys; d=json.load(sys.stdin); print(sum(len(r["values"]) for r in d.get("data",{}).get("result",[])), d["status"])' 2>/dev/null)
[ "$n" = 20 ] && pass "20 of 22 samples exported: $(head -c 150 $D/err)"
fail "expected 20 of 22 samples and a message; export gave $n (it stops at the damage), query_range gave '$q'"
