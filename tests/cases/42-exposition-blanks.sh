#!/usr/bin/env bash
# Text of exporters in odd forms: blanks at ends, CRLF, tabs, exemplars, escapes, empty labels.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"
a=$(printf '# HELP s The total. \\n x\n# TYPE s counter\ns 4424 \nx{a="b"} 5\r\ny\t7\t%s\nz{e="",b="x"} NaN\nb_bucket{le="+Inf"} 3 # {t="1"} 0.5\nlast 1e+06' "$(date +%s)000" | code --data-binary @- "$U/api/v1/import/prometheus?db=e")
m=$(curl -s "$U/api/v1/metrics?db=e" | python3 -c 'import json,sys; print(" ".join(json.load(sys.stdin)["data"]["result"]))')
[ "$a $m" = "200 b_bucket;le=+Inf last s x;a=b y z;b=x" ] && pass "six series" || fail "got $a $m"
