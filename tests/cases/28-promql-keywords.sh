#!/usr/bin/env bash
# Words of PromQL are names of metrics and labels.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; T=$(date +%s); bad=""
names="start end by offset without sum and or unless infinite nano inf_x step limit anchored smoothed"
for k in $names; do echo "$k{start=\"1\",end=\"2\",on=\"3\",bool=\"4\",by=\"5\"} 1"; done | curl -s "$U/api/v1/import/prometheus?db=p" --data-binary @- >/dev/null
for k in $names; do prom "$k" | grep -q '"status":"success".*"value"' || bad="$bad $k"; done
for k in start end on bool by offset sum; do prom "sum by ($k) (start)" | grep -q '"value"' || bad="$bad by($k)"; done
prom 'start * on(start) group_left(end) end' | grep -q '"value"' || bad="$bad group_left(end)"
[ -z "$bad" ] && pass "all are names" || fail "not taken as names:$bad"
