#!/usr/bin/env bash
# 66,000 series: what does not fit is refused with a reason, and what is known goes on.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; python3 -c "
for i in range(66000): print(f'req,id=r{i} v=1')" > $D/in; a=$(code --data-binary @$D/in "$U/write?db=c"); ab=$(head -c 160 $D/body); b=$(code --data-binary 'req,id=r5 v=2' "$U/write?db=c"); stop; serve; c=$(code --data-binary 'req,id=r6 v=2' "$U/write?db=c"); n=$(curl -s "$U/api/v1/metrics?db=c" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["data"]["result"]))')
[ "$a$b$c" = 400204204 ] && [ $n -ge 65000 ] && pass "$n series; $ab" || fail "got $a ($ab) $b $c $n"
