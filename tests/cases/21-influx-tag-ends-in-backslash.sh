#!/usr/bin/env bash
# A tag's value ends in a backslash. The tags after it are not swallowed without a word.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=$(date +%s)
a=$(code "$U/write?db=t&precision=s" --data-binary "Disk,check=C:\\,host=lp,nagios_location=Shields value=52.45 $T")
m=$(curl -s "$U/api/v1/metrics?db=t" | python3 -c 'import json,sys; print(json.load(sys.stdin)["data"]["result"])' 2>/dev/null)
[ "$a" = 400 ] && pass "refused"; grep -q 'host=lp;' <<<"${m//%3D/=};" && ! grep -q 'C:,host' <<<"$m" && pass "tags are apart"; fail "expected 400 (as InfluxDB: invalid tag format) or tags check, host, nagios_location; got $a and $m"
