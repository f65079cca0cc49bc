#!/usr/bin/env bash
# A text field has a line end, commas, blanks and a quote. The point after it is read as well.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=$(date +%s)
a=$(printf 'jvm,host=a props="one\ntwo, x=1 \\"q\\" # no",value=3 %s\njvm2 value=4 %s' $T $T | code --data-binary @- "$U/write?db=t&precision=s")
m=$(curl -s "$U/api/v1/metrics?db=t" | python3 -c 'import json,sys; print(" ".join(json.load(sys.stdin)["data"]["result"]))')
[ "$a $m" = "204 jvm.value;host=a jvm2.value" ] && pass "two points" || fail "expected 204 and jvm.value;host=a jvm2.value, got $a $m"
