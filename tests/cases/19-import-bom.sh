#!/usr/bin/env bash
# A file with a byte order mark, CRLF and no last line end: lines and CSV are read whole.
. "$(dirname "$0")/lib.sh"
"$NB" --root $R init >/dev/null; printf '\xef\xbb\xbfhome/a 1 2026-11-01\r\nhome/a 2 2026-11-02\r\nhome/a 3 2026-11-03' > $D/f.lp
"$NB" --root $R import $D/f.lp >$D/o 2>&1; n=$(lines home | wc -l); mkdir $D/csv; printf '\xef\xbb\xbfmetric,sensor,value,timestamp\r\n"temp","k",1.5e1,1778745600000\r\n"temp","k",16,1778745660000' > $D/csv/t.csv; "$NB" csv2lp --in-dir $D/csv --out $D/o.lp --db home >/dev/null 2>$D/e2; c=$(wc -l < $D/o.lp 2>/dev/null)
serve; p=$(printf '\xef\xbb\xbfup 1\n' | code --data-binary @- "$U/api/v1/import/prometheus?db=p")
[ "$n" = 3 ] && [ "$c" = 2 ] && [ "$p" = 200 ] && pass "read"; fail "expected 3 samples, 2 csv lines, 200; got $n ($(head -n 1 $D/o)), $c, $p"
