#!/usr/bin/env bash
# Aggregations prefer numbers to NaN; `changes` counts pairs with NaN; constants do not deviate.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=1700000000
python3 - <<PY | curl -s "$U/api/v1/import/prometheus?db=p" --data-binary @- >/dev/null
T=1700000000
def s(n,v):
    for i,x in enumerate(v): print(n,x,(T+10*i)*1000)
s('v{i="1"}',['NaN']*3); s('v{i="2"}',[3]*3); s('v{i="3"}',[7]*3); s('c{k="a"}',[0,'NaN',0]); s('c{k="b"}',['NaN']*3); s('d',[1.5990505637277868]*3)
PY
f() { prom "$1" $((T+20)) | python3 -c 'import json,sys; print(",".join(sorted(r["value"][1] for r in json.load(sys.stdin)["data"]["result"])))'; }
g="$(f 'topk(2,v)') $(f 'bottomk(2,v)') $(f 'max(v)') $(f 'min(v)') $(f 'changes(c[1m])') $(f 'stddev_over_time(d[1m])') $(f 'topk(NaN, nothing)')"
[ "$g" = "3,7 3,7 7 3 0,2 0 " ] && pass "as in Prometheus" || fail "expected '3,7 3,7 7 3 0,2 0 ' got '$g'"
