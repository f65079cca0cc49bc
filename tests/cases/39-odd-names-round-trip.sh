#!/usr/bin/env bash
# Names that are allowed, however odd, come back from export and import byte for byte.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null; printf 'home/#hash 1 2026-11-01\nhome/a=b;c 2 2026-11-01\nhome/"q" 3 2026-11-01\nhome/back\\slash 4 2026-11-01\nhome/a/b/c 5 2026-11-01\nhome/12i 10 2026-11-01\nhome/z\xe2\x80\x8bw 11 2026-11-01\nhome/b\xef\xbb\xbfx 13 2026-11-01\nhome/r\xe2\x80\xaex 15 2026-11-01\nhome/.. 18 2026-11-01\nhome/\xc3\xa9 19 2026-11-01\nhome/e\xcc\x81 20 2026-11-01\n' > $D/in; "$NB" --root $R import $D/in >$D/o 2>&1
lines home > $D/e1; "$NB" --root $D/r2 init >/dev/null; "$NB" --root $D/r2 import $D/e1 >/dev/null 2>&1; "$NB" --root $D/r2 export --db home > $D/e2; n=$(wc -l < $D/e1)
cmp -s $D/e1 $D/e2 && [ $n = 12 ] && pass "12 names" || fail "expected 12 equal lines, got $n: $(head -n 3 $D/o)"
