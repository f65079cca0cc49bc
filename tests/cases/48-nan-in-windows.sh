#!/usr/bin/env bash
# A window with NaN: the sum is the average times the count, in pages and in every layout.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null; printf 'home/a 1 2026-11-28 08:00:00\nhome/a NaN 2026-11-28 08:01:00\nhome/a 3 2026-11-28 08:02:00\n' | "$NB" --root $R import - >/dev/null
f() { "$NB" --root $R query --db home -m a --from 2026-11-01 --aggregate count,avg,sum,min,max --window 1d --format json | python3 -c 'import json,sys
d=json.load(sys.stdin); print(json.dumps(d))' | tr -d '\n'; }
g() { "$NB" --root $R query --db home -m a --from 2026-11-01 --aggregate count,avg,sum,min,max --window 1d --format csv | tail -n +2; }
a=$(g); cp -r $R $D/r3; "$NB" --root $R build metric --db home --part 2026-11-28 --format v2 >/dev/null 2>&1; b=$(g); R=$D/r3; "$NB" --root $R build metric --db home --part 2026-11-28 --format v3 >/dev/null 2>&1; c=$(g)
[ "$a" = "$b" ] && [ "$b" = "$c" ] || fail "pages, v2, v3 differ: $a | $b | $c"
read -r n av s < <(cut -d, -f6- <<<"$a" | tr ',' ' '); python3 -c "import sys; v='$a'.split(',')[-5:]; n,av,s=map(float,v[:3]); sys.exit(0 if abs(n*av-s)<1e-9 or av!=av else 1)" && pass "$a" || fail "count * avg is not sum: $a"
