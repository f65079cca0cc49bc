#!/usr/bin/env bash
# Media that cannot be written: everything that reads works, and `serve` says why it does not.
. "$(dirname "$0")/lib.sh"
needs mount
mkdir $D/m; MNT=$D/m; mount -t tmpfs -o size=8m tmpfs $MNT || { echo "SKIP $N"; exit 2; }; R=$MNT/root; "$NB" --root $R init >/dev/null; printf 'home/a 1 2026-11-01\nhome/a 2 2026-11-28\n' | "$NB" --root $R import - >/dev/null; mount -o remount,ro $MNT
n=$(lines home | wc -l); "$NB" --root $R verify >/dev/null; v=$?; "$NB" --root $R export --db home --format parquet --out $D/pq >/dev/null; p=$?; q=$("$NB" --root $R query --db home --format csv | wc -l); serve; s=$?
[ "$n$v$p$q" = 2002 ] && [ $s != 0 ] && grep -qi 'read-only' $D/serve.log && pass "read; serve: $(head -c 100 $D/serve.log)" || fail "export $n, verify $v, parquet $p, query $q, serve $s"
