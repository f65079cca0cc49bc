#!/usr/bin/env bash
# A gzip body of two members is one stream (RFC 1952, 2.2): both are stored, or it is refused.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"
(printf 'x/a 1\n' | gzip; printf 'x/b 1\n' | gzip) > $D/two.gz; (printf 'm v=1\n' | gzip; printf 'm w=1\n' | gzip) > $D/twoi.gz
a=$(code -H 'Content-Encoding: gzip' --data-binary @$D/two.gz $U/api/v1/import); ab=$(cat $D/body); b=$(code -H 'Content-Encoding: gzip' --data-binary @$D/twoi.gz "$U/write?db=y")
n=$(curl -s "$U/api/v1/metrics?db=x" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["data"]["result"]))'); m=$(curl -s "$U/api/v1/metrics?db=y" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["data"]["result"]))')
[ "$n$m" = 22 ] && pass "both members were stored"; [ $a -ge 400 ] && [ $b -ge 400 ] && pass "refused: $a $b"
fail "expected 2 metrics of 2 lines each, or a refusal; stored $n and $m, answered $a ($ab) and $b"
