#!/usr/bin/env bash
# The catalog of one database is garbage. The other one works, and the broken one is named.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null; printf 'one/a 1 2026-11-28\ntwo/a 1 2026-11-28\n' | "$NB" --root $R import - >/dev/null; head -c 85 /dev/zero > $R/one/catalog.json
serve || fail "server did not start"; a=$(code -d 'two/a 2' $U/api/v1/import); b=$(code "$U/api/v1/query?query=two/a"); c=$(code "$U/api/v1/query?query=one/a"); cb=$(cat $D/body); d=$(prom 'count({__name__="a"})')
[ "$a$b$c" = 200200500 ] && grep -q 'one/catalog.json' <<<"$cb" && pass "two works, one is named"; fail "expected 200 200 500 with one/catalog.json named; got $a $b $c $cb"
