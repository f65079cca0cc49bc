#!/usr/bin/env bash
# Eight clients send samples without a time to one series at once: each of them must be stored.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"
cat > $D/r.py <<'PY'
import http.client,threading,sys,collections
c=collections.Counter()
def run():
    h=http.client.HTTPConnection('127.0.0.1',int(sys.argv[1]))
    for i in range(50):
        h.request('POST',sys.argv[2],body=sys.argv[3].encode()); r=h.getresponse(); r.read(); c[r.status]+=1
ts=[threading.Thread(target=run) for _ in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sum(v for k,v in c.items() if k>=400), dict(c))
PY
a=$(python3 $D/r.py $P '/write?db=race' 'doorbell,room=hall rings=1'); b=$(python3 $D/r.py $P '/api/v1/import/prometheus?db=race' 'bell{a="b"} 1'); c=$(python3 $D/r.py $P '/api/v1/import' 'race/plain 1')
[ "${a%% *}" = 0 ] && [ "${b%% *}" = 0 ] && [ "${c%% *}" = 0 ] && pass "all undated writes were taken" || fail "expected 0 refused of 400 each; influx: $a; prometheus text: $b; own lines: $c"
