#!/usr/bin/env bash
# A stale marker by remote write ends a series at once, not five minutes later.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"
c=$(python3 - $P <<'PY'
import struct,sys,http.client
def vi(n):
    o=b''
    while True:
        b=n&127; n>>=7
        o+=bytes([b|(128 if n else 0)])
        if not n: return o
ld=lambda f,b: vi(f<<3|2)+vi(len(b))+b
lab=lambda n,v: ld(1,ld(1,n.encode())+ld(2,v.encode()))
smp=lambda bits,t: ld(2,vi(1<<3|1)+struct.pack('<Q',bits)+vi(2<<3)+vi(t))
# Snappy without any compression: the length, then everything as one literal.
plain=lambda b: vi(len(b))+bytes([61<<2])+struct.pack('<H',len(b)-1)+b
one=struct.unpack('<Q',struct.pack('<d',1.0))[0]; T=1700000000000
body=ld(1,lab('__name__','up')+lab('instance','a')+smp(one,T)+smp(one,T+15000)+smp(0x7ff0000000000002,T+30000))
h=http.client.HTTPConnection('127.0.0.1',int(sys.argv[1])); h.request('POST','/api/v1/write?db=p',body=plain(body),headers={'Content-Type':'application/x-protobuf','Content-Encoding':'snappy','X-Prometheus-Remote-Write-Version':'0.1.0'}); print(h.getresponse().status)
PY
)
n=$(prom 'up' 1700000040 | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["data"]["result"]))'); s=$(prom 'count(up)' 1700000200 | grep -c '"value"')
[ "$n$s" = 00 ] && pass "the series ended" || fail "remote write answered $c; 10 s after the marker expected no series, got $n; 170 s after it $s (docs/HTTP.md does not say that markers are dropped)"
